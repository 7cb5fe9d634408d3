"""Jewellery and watches."""

# ruff: noqa: E501  (path data is not broken)

from math import cos, sin, tau
from typing import Final

from hemline.shop.garments.drawing import Cut, Drawing, Layer
from hemline.shop.garments.svg_paths import both, circle, dots, moved

_GOLD: Final = "#c9a24a"


def earrings(cut: Cut) -> Drawing:
    """Earrings: hoops, drops, studs or bars."""
    kind = (
        "hoop"
        if cut.says("hoop")
        else "stud"
        if cut.says("stud")
        else cut.pick("hoop", "drop", "stud", "fan")
    )
    hook = both("M140 74C134 62 148 58 146 72L144 92")
    shape = {
        "hoop": (Layer("wire", both(circle(142, 132, 30))),),
        "drop": (
            Layer("gem", both("M144 92C160 122 162 150 144 154C126 150 128 122 144 92Z")),
            Layer("gleam", both("M138 132C136 122 140 114 143 108")),
        ),
        "stud": (
            Layer("gem", both(circle(142, 112, 15))),
            Layer("gleam", both("M136 106L140 102")),
        ),
        "fan": (
            Layer("gem", both("M143 96L166 150Q143 164 120 150Z")),
            Layer("fold", both("M143 100L134 154M143 100L152 154M143 98L143 156")),
        ),
    }[kind]
    return Drawing("", (), (Layer("metal", "" if kind == "stud" else hook), *shape), None, 0)


def necklace(cut: Cut) -> Drawing:
    """Necklace: a chain with a pendant, or beads."""
    kind = "beads" if cut.says("bead") else cut.pick("drop", "coin", "beads", "layers")
    if kind == "beads":
        right = [(160, 60), (158, 76), (153, 92), (146, 107), (137, 121), (126, 133), (114, 142)]
        one_side = "".join(circle(x, y, 5 + i * 0.7) for i, (x, y) in enumerate(right))
        beads = both(one_side) + circle(100, 146, 10)
        return Drawing(
            "",
            (Layer("wire", "M38 44C44 100 70 146 100 146C130 146 156 100 162 44"),),
            (Layer("gem", beads),),
            None,
            0,
        )
    chain = "M42 40C50 96 76 142 100 150C124 142 150 96 158 40"
    pendant = {
        "drop": "M100 150C112 170 112 190 100 194C88 190 88 170 100 150Z",
        "coin": circle(100, 168, 17),
        "layers": "M100 186L108 198L100 210L92 198Z",
    }[kind]
    chains = {
        "layers": "M54 40C60 76 82 108 100 114C118 108 140 76 146 40M42 40C48 120 78 176 100 186C122 176 152 120 158 40",
    }
    second = chains.get(kind, "")
    return Drawing(
        "",
        (Layer("chain", chain + second),),
        (Layer("gem", pendant), Layer("gleam", moved("M-4 6L2 -2", 98, 172))),
        None,
        0,
    )


def bracelet(cut: Cut) -> Drawing:
    """Bracelets: bangles or beads."""
    if cut.pick(0, 1):
        rings = "".join(
            f"M44 {108 + i * 22}C44 {86 + i * 22} 156 {86 + i * 22} 156 {108 + i * 22}C156 {130 + i * 22} 44 {130 + i * 22} 44 {108 + i * 22}Z"
            for i in range(3)
        )
        return Drawing("", (), (Layer("wire", rings),), None, 50)
    beads = "".join(
        circle(round(100 + 54 * cos(i * tau / 16), 1), round(130 + 40 * sin(i * tau / 16), 1), 9)
        for i in range(16)
    )
    return Drawing("", (), (Layer("gem", beads),), None, 50)


def ring(cut: Cut) -> Drawing:
    """Ring: with a stone or plain."""
    stone = cut.pick("M84 76L116 76L126 92L100 112L74 92Z", circle(100, 90, 13), "")
    return Drawing(
        "",
        (Layer("wire", circle(100, 150, 44)),),
        (Layer("gem", stone), Layer("gleam", "M90 84L100 80" if stone else "")),
        None,
        40,
    )


def watch(_cut: Cut) -> Drawing:
    """Watch."""
    strap = "M84 30L116 30L120 90L80 90ZM80 166L120 166L116 222L84 222Z"
    return Drawing(
        strap,
        (),
        (
            Layer("plain", circle(100, 128, 44), fill=_GOLD),
            Layer("pale", circle(100, 128, 35)),
            Layer("tick", "M100 128L100 104M100 128L118 136"),
            Layer("dot", dots((100, 98), (130, 128), (100, 158), (70, 128))),
        ),
        None,
        34,
    )
