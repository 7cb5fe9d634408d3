"""Fabrics that are woven, knitted or sewn as a pattern."""

from typing import Final

from hemline.shop.garments.colours import mixed
from hemline.shop.garments.drawing import Cut
from hemline.shop.garments.fabric import Paints, Pattern, draw, fill, flower
from hemline.shop.garments.svg_paths import circle, dots, moved

_SPARK: Final = "M0 -5Q0.6 -0.6 5 0Q0.6 0.6 0 5Q-0.6 0.6 -5 0Q-0.6 -0.6 0 -5Z"


def stripe(p: Paints, cut: Cut) -> Pattern:
    """Stripes: breton, pin, wide, double or candy."""
    kind = cut.pick("breton", "breton", "pin", "wide", "double", "candy")
    if kind == "pin":
        return Pattern(9, 9, (draw("M4 0L4 9", p.line, 1.1),))
    if kind == "candy":
        return Pattern(12, 12, (fill("M0 0L6 0L6 12L0 12Z", p.first),))
    if kind == "wide":
        return Pattern(200, 44, (fill("M0 0L200 0L200 22L0 22Z", p.first),))
    if kind == "double":
        return Pattern(
            20,
            26,
            (fill("M0 0L20 0L20 6L0 6Z", p.first), fill("M0 10L20 10L20 13L0 13Z", p.second)),
        )
    return Pattern(20, 15, (fill("M0 0L20 0L20 5L0 5Z", p.first),))


def check(p: Paints, cut: Cut) -> Pattern:
    """Checks: tartan, gingham or windowpane."""
    kind = cut.pick("tartan", "gingham", "window")
    if kind == "gingham":
        half = mixed(p.base, p.first, 0.5)
        return Pattern(
            14,
            14,
            (fill("M0 0L14 0L14 7L7 7L7 14L0 14Z", half), fill("M0 0L7 0L7 7L0 7Z", p.first)),
        )
    if kind == "window":
        return Pattern(24, 24, (draw("M0 12L24 12M12 0L12 24", p.line, 1.4),))
    bands = "M0 0L40 0L40 13L0 13ZM0 0L13 0L13 40L0 40Z"
    return Pattern(
        40,
        40,
        (
            fill(bands, mixed(p.base, p.first, 0.5)),
            fill("M0 0L13 0L13 13L0 13Z", p.first),
            draw("M0 26L40 26M26 0L26 40", p.third, 1.6),
        ),
    )


def melange(p: Paints, _cut: Cut) -> Pattern:
    """Short strokes of lighter and darker yarn."""
    return Pattern(
        11,
        8,
        (
            draw("M1 1L4 2M7 4L10 3M2 6L4 5", p.pale, 0.9),
            draw("M6 1L8 1M1 4L3 4M8 7L10 6", p.line, 0.6),
        ),
    )


def denim(p: Paints, _cut: Cut) -> Pattern:
    """Twill."""
    return Pattern(4, 4, (draw("M0 4L4 0", p.pale, 0.7), draw("M0 2L2 0M2 4L4 2", p.deep, 0.4)))


def chambray(p: Paints, _cut: Cut) -> Pattern:
    """Plain weave of two yarns."""
    return Pattern(4, 4, (draw("M0 1L4 1M1 0L1 4", p.pale, 0.7),))


def lace(p: Paints, _cut: Cut) -> Pattern:
    """A net with small flowers."""
    net = draw("M0 10Q5 2 10 10Q15 18 20 10M0 10Q5 18 10 10Q15 2 20 10", p.line, 0.9)
    return Pattern(
        20,
        20,
        (net, draw(circle(5, 10, 1.6) + circle(15, 10, 1.6) + flower(10, 1, 1.8), p.line, 0.7)),
    )


def jacquard(p: Paints, _cut: Cut) -> Pattern:
    """Woven diamonds."""
    return Pattern(
        24,
        24,
        (
            draw("M12 1L23 12L12 23L1 12Z", p.line, 1.3),
            fill("M12 7L17 12L12 17L7 12Z", mixed(p.base, p.first, 0.6)),
            fill(circle(0, 0, 2) + circle(24, 0, 2) + circle(0, 24, 2) + circle(24, 24, 2), p.line),
        ),
    )


def argyle(p: Paints, _cut: Cut) -> Pattern:
    """Diamonds crossed by lines."""
    return Pattern(
        32,
        44,
        (
            fill("M16 0L32 22L16 44L0 22Z", mixed(p.base, p.first, 0.7)),
            draw("M0 0L32 44M32 0L0 44", p.second, 1),
        ),
    )


def sequin(p: Paints, _cut: Cut) -> Pattern:
    """Overlapping scales."""
    scales = circle(4, 2, 3.4) + circle(0, 6, 3.4) + circle(8, 6, 3.4)
    return Pattern(
        8, 8, (fill(scales, p.line), fill(circle(3, 1.4, 1.2) + circle(7, 5.4, 1.2), "#fff"))
    )


def glitter(p: Paints, _cut: Cut) -> Pattern:
    """Sparks."""
    sparks = moved(_SPARK, 7, 8, 0.9) + moved(_SPARK, 22, 20, 0.6) + moved(_SPARK, 24, 5, 0.4)
    return Pattern(
        30,
        28,
        (
            fill(sparks, "#fff"),
            fill(circle(14, 16, 0.9) + circle(4, 23, 0.8) + circle(16, 4, 0.8), p.pale),
        ),
    )


def metallic(p: Paints, _cut: Cut) -> Pattern:
    """Bands of sheen."""
    return Pattern(
        70,
        70,
        (
            fill("M0 0L18 0L18 70L0 70Z", p.pale),
            fill("M18 0L26 0L26 70L18 70Z", mixed(p.base, "#ffffff", 0.6)),
            fill("M44 0L58 0L58 70L44 70Z", p.deep),
        ),
        24,
    )


def hologram(p: Paints, _cut: Cut) -> Pattern:
    """Bands of changing colours."""
    return Pattern(
        60,
        60,
        tuple(
            fill(
                f"M{i * 15} 0L{i * 15 + 15} 0L{i * 15 + 15} 60L{i * 15} 60Z",
                mixed(p.base, colour, 0.4),
            )
            for i, colour in enumerate(("#9fd8ef", "#d7b6ef", "#f6c4dc", "#c6f0d2"))
        ),
        30,
    )


def mesh(p: Paints, _cut: Cut) -> Pattern:
    """Holes."""
    return Pattern(7, 7, (fill(circle(1.8, 1.8, 1.2) + circle(5.3, 5.3, 1.2), p.line),))


def transparent(p: Paints, _cut: Cut) -> Pattern:
    """A fine net."""
    return Pattern(
        5, 5, (draw("M0 0L5 5M5 0L0 5", "#fff", 0.8), fill(circle(2.5, 2.5, 0.5), p.line))
    )


def blocks(p: Paints, _cut: Cut) -> Pattern:
    """Three colours, one below the other."""
    return Pattern(
        200,
        250,
        (fill("M0 0L200 0L200 96L0 96Z", p.second), fill("M0 96L200 96L200 136L0 136Z", p.first)),
    )


def contrast(p: Paints, _cut: Cut) -> Pattern:
    """Sleeves or sides of another colour."""
    return Pattern(
        200, 250, (fill("M0 0L56 0L56 250L0 250ZM144 0L200 0L200 250L144 250Z", p.first),)
    )


def half_patterned(p: Paints, cut: Cut) -> Pattern:
    """Plain above, stripes or dots below."""
    stripes = "".join(f"M0 {y}L200 {y}L200 {y + 6}L0 {y + 6}Z" for y in range(122, 250, 14))
    spots = dots(*((x, y) for y in range(132, 250, 22) for x in range(44, 160, 22)))
    return Pattern(200, 250, (cut.pick(fill(stripes, p.first), draw(spots, p.first, 8)),))


def structure(p: Paints, cut: Cut) -> Pattern:
    """Ribs, waffle or herringbone."""
    return cut.pick(
        Pattern(6, 10, (draw("M3 0L3 10", p.line, 1.2),)),
        Pattern(9, 9, (draw("M0 0L9 0M0 0L0 9", p.line, 1), fill("M2 2L7 2L7 7L2 7Z", p.pale))),
        Pattern(14, 8, (draw("M0 8L7 1L14 8", p.line, 1.1),)),
    )


def treatment(p: Paints, _cut: Cut) -> Pattern:
    """Washed areas."""
    return Pattern(
        90,
        90,
        (
            fill("M20 10C50 0 60 30 44 46C26 58 2 30 20 10Z", p.pale),
            fill("M64 52C86 46 90 78 72 84C52 86 50 58 64 52Z", p.pale),
            fill("M28 16C44 12 50 28 40 38C28 42 16 26 28 16Z", mixed(p.base, "#ffffff", 0.5)),
        ),
    )


def slub(p: Paints, _cut: Cut) -> Pattern:
    """Uneven yarn."""
    return Pattern(
        44,
        18,
        (
            draw("M2 3L18 3M24 9L40 9M8 15L20 15", p.line, 0.9),
            draw("M26 3L30 3M6 9L12 9", p.pale, 1.6),
        ),
    )


def neps(p: Paints, _cut: Cut) -> Pattern:
    """Coloured specks."""
    return Pattern(
        24,
        24,
        (
            fill(circle(4, 5, 1.3) + circle(18, 19, 1.2), p.first),
            fill(circle(14, 3, 1.2) + circle(7, 16, 1.1), p.second),
            fill(circle(20, 10, 1.2), p.third),
        ),
    )


def zigzag(p: Paints, _cut: Cut) -> Pattern:
    """Zigzags."""
    return Pattern(
        24,
        26,
        (
            draw("M0 12L6 4L12 12L18 4L24 12", p.first, 2.6),
            draw("M0 24L6 16L12 24L18 16L24 24", p.second, 2),
        ),
    )
