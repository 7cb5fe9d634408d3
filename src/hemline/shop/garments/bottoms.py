"""Trousers, shorts, skirts: garments that hang from a waistband."""

# ruff: noqa: E501  (path data is not broken)

from typing import Final

from hemline.shop.garments.drawing import Cut, Drawing, Layer
from hemline.shop.garments.svg_paths import both, dots, mirrored

_LEGS: Final = {
    "slim": (40, 18),
    "straight": (46, 12),
    "wide": (60, 4),
    "flared": (56, 6),
    "jogger": (42, 16),
}
"""Distance from the axis of the outer and the inner edge of a leg at its hem."""


def waistband(half: int = 36, top: int = 28, height: int = 10) -> str:
    """Return a waistband as a path."""
    low = top + height
    return mirrored(
        f"M100 {top + 4}Q{100 + half * 0.6:g} {top + 4} {100 + half} {top}"
        f"L{101 + half} {low}Q{100 + half * 0.6:g} {low + 4} 100 {low + 4}"
    )


def trousers(cut: Cut) -> Drawing:
    """Trousers: jeans, chinos, joggers, wide or flared ones."""
    leg = cut.pick("slim", "straight", "wide")
    named = {
        "jogger": ("joggers", "sweatpants", "ribbed hem", "elasticated hem"),
        "flared": ("flare", "bootcut"),
        "wide": ("wide",),
        "slim": ("slim", "skinny", "tight", "treggings"),
        "straight": ("straight",),
    }
    leg = next((name for name, words in named.items() if cut.says(*words)), leg)
    hem = 206 if cut.says("ankle-length", "cropped", "7/8") else 224
    outer, inner = _LEGS[leg]
    knee = 44 if leg == "wide" else 40 if leg != "flared" else 36
    outline = mirrored(
        f"M100 32Q122 32 136 28C147 62 {104 + knee} 110 {102 + knee} 140"
        f"C{101 + knee} 170 {100 + outer} 190 {100 + outer} {hem}L{100 + inner} {hem + 3}"
        f"C{104 + inner / 2:g} 170 107 130 100 98"
    )
    is_jeans = cut.says("jean", "denim", "5-pocket", "five-pocket")
    return Drawing(outline, (), _trouser_front(outer, inner, hem, leg, is_jeans=is_jeans), floor=48)


def _trouser_front(
    outer: int, inner: int, hem: int, leg: str, *, is_jeans: bool
) -> tuple[Layer, ...]:
    middle = 100 + (outer + inner) / 2
    crease = both(f"M{middle:g} {hem - 4}C{middle - 3:g} 170 124 112 122 60")
    lines = "M100 42L100 96M100 80Q109 76 109 43"
    pockets = both("M112 43Q120 58 139 56")
    band = waistband()
    front = [
        Layer("part", band),
        Layer("shade", band),
        Layer("stitch" if is_jeans else "seam", pockets),
        Layer("seam", lines),
        Layer("fold", crease + both("M101 100Q112 106 122 104")),
    ]
    if leg == "jogger":
        cuff = both(f"M{100 + outer} {hem - 14}L{100 + inner} {hem - 11}")
        cords = "M96 40C95 52 94 58 95 68M104 40C106 50 104 58 106 66"
        return (*front, Layer("seam", cuff), Layer("plain", cords, stroke="#e9e4da", width=2))
    loops = both("M118 27L118 42M134 26L135 40") + "M100 29L100 44"
    return (*front, Layer("seam", loops), Layer("dot", dots((104, 37))))


def shorts(cut: Cut) -> Drawing:
    """Shorts: short and straight, wide, or cycling shorts."""
    if cut.says("cycling", "cyclist"):
        outline = mirrored("M100 62Q120 62 132 58C144 92 144 132 140 170L106 172Q104 140 100 126")
        return Drawing(
            outline,
            (),
            (
                Layer("part", waistband(32, 58)),
                Layer("seam", "M100 70L100 124" + both("M139 164L107 166")),
            ),
        )
    wide, long = (
        cut.pick(52, 58, 62),
        190 if cut.says("knee", "bermuda", "long") else cut.pick(150, 160),
    )
    outline = mirrored(
        f"M100 62Q122 62 136 58C146 84 {96 + wide} 120 {100 + wide} {long}L106 {long + 6}Q104 136 100 124"
    )
    band = waistband(36, 58)
    front = (
        Layer("part", band),
        Layer("shade", band),
        Layer(
            "seam",
            "M100 72L100 122M100 104Q108 102 108 74"
            + both(f"M112 73Q120 88 141 86M{99 + wide} {long - 7}L107 {long - 1}"),
        ),
        Layer("fold", both(f"M128 {long - 2}C126 {long - 22} 128 {long - 40} 124 96")),
        Layer("dot", dots((104, 67))),
    )
    return Drawing(outline, (), front)


def skirt(cut: Cut) -> Drawing:
    """Skirt: straight, flared, pleated or tiered; short to long."""
    kind = cut.pick("straight", "flared", "pleated", "wrap")
    for name, named in {
        "pleated": ("pleat",),
        "flared": ("flare", "circle", "wide", "a-line", "tiered"),
        "wrap": ("wrap",),
        "straight": ("pencil", "straight", "fitted"),
    }.items():
        kind = name if cut.says(*named) else kind
    hem = (
        218
        if cut.says("long", "maxi", "calf", "midi")
        else 168
        if cut.says("short", "mini")
        else cut.pick(176, 196)
    )
    wide = {"straight": 44, "flared": 68, "pleated": 62, "wrap": 50}[kind]
    outline = mirrored(
        f"M100 54Q120 54 134 50C142 84 {98 + wide} {hem - 60} {100 + wide} {hem}Q{100 + wide / 2:g} {hem + 9} 100 {hem + 9}"
    )
    lines = {
        "straight": (Layer("seam", both("M118 64L120 84") + f"M100 {hem - 30}L100 {hem + 8}"),),
        "flared": (
            Layer(
                "fold",
                both(
                    f"M112 66C116 110 124 150 {100 + wide * 0.6:g} {hem + 2}M104 66C106 120 108 160 {100 + wide * 0.2:g} {hem + 7}"
                ),
            ),
        ),
        "pleated": (
            Layer(
                "seam",
                both(
                    "".join(
                        f"M{102 + i * 8} {64 - i}L{104 + i * wide / 4.4:.0f} {hem + 7 - i}"
                        for i in range(4)
                    )
                )
                + f"M100 65L100 {hem + 8}",
            ),
        ),
        "wrap": (
            Layer("seam", f"M122 64C118 120 108 160 112 {hem + 8}"),
            Layer("fold", "M124 66C110 84 86 100 66 116"),
        ),
    }[kind]
    band = waistband(34, 50)
    return Drawing(outline, (), (*lines, Layer("part", band), Layer("shade", band)), floor=46)


def leggings(cut: Cut) -> Drawing:
    """Leggings, sport tights, long johns."""
    hem = cut.pick(224, 224, 196) if cut.says("3/4", "cropped") else 224
    outline = mirrored(
        f"M100 32Q118 32 131 28C142 62 138 108 130 150C127 178 126 200 125 {hem}L108 {hem + 2}C110 180 106 136 100 102"
    )
    band = waistband(31, 28, cut.pick(8, 18))
    panel = (
        both("M134 60C136 100 128 130 124 160") if cut.says("sport", "running", "training") else ""
    )
    return Drawing(
        outline,
        (),
        (
            Layer("part", band),
            Layer("shade", band),
            Layer("seam", "M100 52L100 100" + panel),
            Layer("fold", both(f"M118 120C116 160 116 190 116 {hem - 4}")),
        ),
        floor=40,
    )


def tights(cut: Cut) -> Drawing:
    """Tights: with feet."""
    outline = mirrored(
        "M100 32Q116 32 128 28C139 62 136 108 128 150C126 180 125 196 126 212Q132 224 126 228L109 228Q106 222 109 208C109 180 106 136 100 104"
    )
    band = waistband(28, 28, 7)
    toe = both("M110 222L130 222") if cut.pick(0, 1) else ""
    return Drawing(
        outline,
        (),
        (
            Layer("part", band),
            Layer("shade", band),
            Layer("fold", "M100 50L100 102" + toe + both("M118 120C116 160 116 190 116 206")),
        ),
        floor=40,
    )
