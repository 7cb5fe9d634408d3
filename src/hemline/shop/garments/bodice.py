"""The upper part of a garment by its neckline, sleeves and hem, and what is sewn on it."""

# ruff: noqa: E501  (path data is not broken)

from dataclasses import dataclass
from typing import Final

from hemline.shop.garments.drawing import Cut, Layer
from hemline.shop.garments.svg_paths import both, dots, mirrored


@dataclass(frozen=True, slots=True)
class _Neck:
    """Half width, depth of the opening, and how the fabric's edge runs from its lowest point."""

    width: int
    depth: int
    is_pointed: bool = False
    has_rib: bool = True


_NECKS: Final = {
    "crew": _Neck(19, 60),
    "scoop": _Neck(25, 77),
    "boat": _Neck(33, 57),
    "square": _Neck(26, 74, has_rib=False),
    "v": _Neck(20, 86, is_pointed=True),
    "deep": _Neck(19, 112, is_pointed=True, has_rib=False),
    "collar": _Neck(17, 57, has_rib=False),
    "roll": _Neck(17, 50, has_rib=False),
    "hood": _Neck(21, 62, has_rib=False),
}


_TOP: Final = 46


_CUFF_LINES: Final = {
    "short": "M157 112L179 99",
    "elbow": "M163 137L186 127",
    "long": "M170 184L187 178",
    "balloon": "M170 182L188 177",
    "bell": "M167 184L196 174",
    "puff": "M154 103L176 99",
}


_SLEEVE_WORDS: Final = {
    "balloon": ("balloon sleeve", "voluminous long sleeve"),
    "puff": ("puff sleeve", "short puff"),
    "bell": ("trumpet sleeve", "flared sleeve", "wide sleeve"),
    "none": ("sleeveless",),
    "cap": ("cap sleeve", "butterfly sleeve"),
    "elbow": ("3/4", "elbow"),
    "long": ("long sleeve", "long-sleeved", "long raglan"),
    "short": ("short sleeve", "short-sleeved"),
}


@dataclass(frozen=True, slots=True)
class Bodice:
    """The outline of a top by its parts; the hem is a height, flare what it is wider below."""

    neck: str = "crew"
    sleeve: str = "short"
    width: int = 46
    hem: int = 192
    flare: int = 0
    waist: int = 3

    def outline(self, below: str = "") -> str:
        """Return the closed outline.

        Args:
            below: the right half from the armpit down to the axis, where it does not just fall.
        """
        neck = _NECKS[self.neck]
        side = 100 + self.width
        half = f"M100 {neck.depth}{self._neck_edge(neck)}{self._sleeve(side)}"
        return mirrored(half + (below or self._fall(side)))

    def _fall(self, side: int) -> str:
        middle, end, rise = side - self.waist, side + self.flare, self.hem - 100
        return (
            f"C{middle} {100 + rise * 0.3:g} {middle + self.flare / 2:g} {100 + rise * 0.6:g} "
            f"{end} {self.hem}Q{100 + (end - 100) / 2:g} {self.hem + 6} 100 {self.hem + 6}"
        )

    def details(self, *, has_hem: bool = True) -> tuple[Layer, ...]:
        """Return neck, sleeves and hem as layers; what lies behind the neck comes from `inside`."""
        neck = _NECKS[self.neck]
        seams = ""
        if neck.has_rib:
            seams += _neck_line(neck, 6)
        if self.sleeve not in ("none", "strap", "halter"):
            seams += both(
                f"M{98 + self.width + 4} 56C{97 + self.width} 68 {97 + self.width} 84 "
                f"{100 + self.width} 98"
            )
        if self.sleeve in _CUFF_LINES:
            seams += both(_CUFF_LINES[self.sleeve])
        if not has_hem:
            return (Layer("seam", seams),)
        half = self.width + self.flare - 1
        seams += f"M{100 - half} {self.hem - 6}Q100 {self.hem + 1} {100 + half} {self.hem - 6}"
        return (Layer("seam", seams), Layer("fold", self._folds()))

    def inside(self) -> tuple[Layer, ...]:
        """Return the back of the neck, seen through the opening."""
        neck = _NECKS[self.neck]
        if self.sleeve == "strap":
            return ()
        top = f"M{100 - neck.width} {_TOP}Q100 {_TOP + 9} {100 + neck.width} {_TOP}"
        if neck.is_pointed:
            return (Layer("inside", f"{top}L100 {neck.depth}Z"),)
        low = f"Q{100 + neck.width - 2} {neck.depth} 100 {neck.depth}"
        return (
            Layer(
                "inside", f"{top}{low}Q{102 - neck.width} {neck.depth} {100 - neck.width} {_TOP}Z"
            ),
        )

    def _neck_edge(self, neck: _Neck) -> str:
        tip = f"{100 + neck.width} {_TOP}"
        if self.sleeve == "strap":
            return f"C118 {neck.depth} 126 70 128 42L134 42"
        if self.sleeve == "halter":
            return f"Q112 {neck.depth} 114 {_TOP - 4}L119 {_TOP - 4}"
        if neck.is_pointed:
            return f"L{tip}"
        if self.neck == "square":
            return f"L{97 + neck.width} {neck.depth}L{tip}"
        return f"Q{98 + neck.width} {neck.depth} {tip}"

    def _sleeve(self, side: int) -> str:
        tip = side + 2
        arms = {
            "none": f"L{side - 7} 51C{side - 11} 70 {side - 9} 90 {side} 100",
            "strap": f"C135 74 {side - 6} 88 {side} 98",
            "halter": f"C124 70 {side - 10} 88 {side} 100",
            "cap": f"Q{tip - 8} 50 {tip} 54C{tip + 10} 60 {tip + 16} 70 {tip + 15} 80"
            f"Q{tip + 4} 86 {side} 100",
            "short": f"Q{tip - 10} 49 {tip} 54C{tip + 16} 64 {tip + 27} 82 {tip + 33} 102"
            f"L{tip + 9} 116Q{tip + 2} 106 {side} 98",
            "elbow": f"Q{tip - 10} 49 {tip} 54C{tip + 18} 66 {tip + 32} 98 {tip + 39} 130"
            f"L{tip + 15} 141Q{tip + 6} 116 {side} 98",
            "long": f"Q{tip - 10} 49 {tip} 54C{tip + 18} 68 {tip + 31} 128 {tip + 40} 183"
            f"L{tip + 22} 190C{tip + 13} 152 {tip + 6} 122 {side} 100",
            "balloon": f"Q{tip - 10} 48 {tip} 53C{tip + 26} 60 {tip + 54} 132 {tip + 42} 176"
            f"L{tip + 41} 184L{tip + 22} 188L{tip + 19} 180C{tip + 8} 152 {tip + 4} 122 {side} 100",
            "bell": f"Q{tip - 10} 49 {tip} 54C{tip + 18} 68 {tip + 32} 120 {tip + 50} 178"
            f"Q{tip + 36} 188 {tip + 18} 190C{tip + 14} 152 {tip + 7} 122 {side} 100",
            "puff": f"Q{tip - 12} 46 {tip} 50C{tip + 30} 48 {tip + 40} 84 {tip + 28} 102"
            f"L{tip + 6} 108Q{tip} 104 {side} 98",
        }
        return arms[self.sleeve]

    def _folds(self) -> str:
        side, hem = 100 + self.width, self.hem
        return (
            both(
                f"M{side - 14} {hem - 2}C{side - 18} {hem - 18} {side - 17} {hem - 34} {side - 11} {hem - 46}"
            )
            + f"M88 {hem - 3}C90 {hem - 20} 87 {hem - 32} 89 {hem - 42}"
            + both(f"M{side - 3} 106C{side - 12} 112 {side - 18} 120 {side - 20} 130")
        )


def shirt_collar() -> tuple[Layer, ...]:
    """Return a turn-down collar that closes at the neck."""
    half = both("M117 44L127 53L115 71L100 57Q112 54 117 44Z")
    return (Layer("part", half), Layer("light", half))


def lapels(depth: int, width: int = 36) -> tuple[Layer, ...]:
    """Return notched lapels that meet at a depth."""
    outer = 100 + width
    half = both(f"M119 44L{outer - 2} 60L{outer - 8} 68L{outer} 74L100 {depth}Z")
    return (Layer("part", half), Layer("light", half))


def button_row(top: int, bottom: int, n: int, x: float = 100) -> Layer:
    """Return n buttons, one below the other."""
    step = (bottom - top) / max(n - 1, 1)
    return Layer("dot", dots(*((x, round(top + i * step)) for i in range(n))))


def sleeve_of(cut: Cut, *usual: str) -> str:
    """Return the sleeve that the description names, or one of the usual ones."""
    for sleeve, phrases in _SLEEVE_WORDS.items():
        if cut.says(*phrases):
            return sleeve
    return cut.pick(*usual)


def neck_of(cut: Cut, *usual: str) -> str:
    """Return the neckline that the description names, or one of the usual ones."""
    words = {
        "v": ("v-neck", "v neck"),
        "roll": ("polo neck", "polo-neck", "turtle", "roll neck", "turtleneck"),
        "square": ("square neck", "square-neck"),
        "boat": ("boat neck", "off-the-shoulder", "off-shoulder"),
        "scoop": ("scoop", "deep-cut", "low-cut"),
        "crew": ("round neck", "crew neck", "round-neck"),
    }
    return next((neck for neck, named in words.items() if cut.says(*named)), cut.pick(*usual))


def _neck_line(neck: _Neck, down: int) -> str:
    if neck.is_pointed:
        return f"M{95 - neck.width} {_TOP + 1}L100 {neck.depth + down + 1}L{105 + neck.width} {_TOP + 1}"
    right, low = 100 + neck.width + 5, neck.depth + down
    return f"M{95 - neck.width} {_TOP + 1}Q{98 - neck.width} {low} 100 {low}Q{102 + neck.width} {low} {right} {_TOP + 1}"
