"""Prints: what is drawn on a fabric, all over it or in one place."""

# ruff: noqa: E501  (path data is not broken)

from typing import Final

from hemline.shop.garments.colours import is_dark
from hemline.shop.garments.drawing import Cut, Layer
from hemline.shop.garments.fabric import Paints, Pattern, draw, fill, flower, star
from hemline.shop.garments.svg_paths import circle, dots, moved

_HEART: Final = "M0 -3C-3 -9 -11 -7 -10 0C-9 6 -3 9 0 12C3 9 9 6 10 0C11 -7 3 -9 0 -3Z"


_LEAF: Final = "M-10 0C-6 -8 6 -8 10 0C6 8 -6 8 -10 0Z"


def all_over(p: Paints, cut: Cut) -> Pattern:
    """A print all over: what the text names, or flowers, leaves, shapes."""
    if cut.says("floral", "flower"):
        return _floral(p, cut)
    if cut.says("leopard", "animal"):
        return _leopard(p, cut)
    if cut.says("kids", "baby", "young", "newborn"):
        return cut.pick(_stars, _hearts, _clouds, _floral, dotted)(p, cut)
    return cut.pick(_floral, _leaves, _leopard, _strokes, _shapes, _meadow)(p, cut)


def _floral(p: Paints, cut: Cut) -> Pattern:
    size = cut.pick(6, 8)
    flowers = flower(15, 14, size)
    others = flower(40, 38, size - 2)
    leaves = moved(_LEAF, 38, 12, 0.55) + moved(_LEAF, 12, 40, 0.55)
    return Pattern(
        52,
        52,
        (
            fill(leaves, p.third),
            fill(flowers, p.first),
            fill(others, p.second),
            fill(circle(15, 14, 3) + circle(40, 38, 2.4), p.base),
        ),
    )


def _meadow(p: Paints, _cut: Cut) -> Pattern:
    small = "".join(flower(x, y, 2.4) for x, y in ((6, 6), (20, 12), (10, 22)))
    return Pattern(
        28,
        28,
        (
            fill(small, p.first),
            fill(
                dots((16, 4)) + circle(16, 3, 1.4) + circle(3, 15, 1.4) + circle(22, 23, 1.4),
                p.second,
            ),
        ),
        12,
    )


def _leaves(p: Paints, _cut: Cut) -> Pattern:
    blade = "M4 40C10 24 22 14 38 6C34 22 22 34 4 40Z"
    return Pattern(
        46,
        46,
        (
            fill(blade, p.third),
            draw("M4 40C14 30 26 18 38 6", p.base, 1.2),
            fill(moved(_LEAF, 34, 34, 0.9), p.first),
        ),
        20,
    )


def _leopard(p: Paints, _cut: Cut) -> Pattern:
    rings = "M6 10C4 4 12 2 15 6M17 11C16 16 9 16 7 13M28 26C26 20 34 18 37 23M38 28C36 33 30 32 28 29M24 6L27 9M10 28C6 26 8 34 12 33M36 8L40 6"
    return Pattern(
        42,
        38,
        (
            draw(rings, p.deep if not is_dark(p.base) else p.first, 3),
            fill(circle(11, 9, 2.4) + circle(33, 25, 2.6), p.third),
        ),
        15,
    )


def _strokes(p: Paints, cut: Cut) -> Pattern:
    return Pattern(
        46,
        40,
        (
            draw("M4 10Q14 2 22 10", p.first, 4),
            draw("M26 30Q34 22 42 30", p.second, 4),
            draw("M30 8L38 12M8 28L14 34", p.third, 3),
        ),
        cut.pick(0, 24, -30),
    )


def _shapes(p: Paints, _cut: Cut) -> Pattern:
    return Pattern(
        40,
        40,
        (
            fill("M4 16L12 2L20 16Z", p.first),
            fill(circle(30, 10, 6), p.second),
            fill("M4 26L16 26L16 38L4 38Z", p.third),
            draw("M26 24L36 36M36 24L26 36", p.first, 2.6),
        ),
    )


def _stars(p: Paints, _cut: Cut) -> Pattern:
    return Pattern(
        40,
        40,
        (
            fill(moved(star(8), 11, 11), p.first),
            fill(moved(star(6), 31, 31), p.second),
            fill(circle(30, 9, 1.6) + circle(10, 30, 1.6), p.third),
        ),
    )


def _hearts(p: Paints, _cut: Cut) -> Pattern:
    return Pattern(
        36,
        36,
        (fill(moved(_HEART, 10, 9, 0.6), p.second), fill(moved(_HEART, 28, 27, 0.6), p.first)),
    )


def _clouds(p: Paints, _cut: Cut) -> Pattern:
    cloud = "M-12 5C-16 -1 -8 -6 -5 -3C-3 -9 6 -8 6 -3C12 -5 14 4 9 5Z"
    return Pattern(
        48,
        40,
        (
            fill(moved(cloud, 15, 12, 0.8), p.first),
            fill(moved(cloud, 36, 32, 0.7), p.second),
            fill(circle(37, 11, 3), p.third),
        ),
    )


def emblem(paints: Paints, cut: Cut, place: tuple[float, float, float]) -> tuple[Layer, ...]:
    """Return a print in one place of a garment."""
    x, y, scale = place
    drawn = cut.pick(_sunset, _big_star, _big_heart, _mountain, _letters, _bloom, _rainbow, _wave)
    return tuple(
        Layer(one.look, moved(one.path, x, y, scale), one.fill, one.stroke, one.width)
        for one in drawn(paints)
    )


def _sunset(p: Paints) -> tuple[Layer, ...]:
    return (
        fill(circle(0, -4, 17), p.second),
        fill("M-26 4C-14 -4 -6 10 4 4C14 -2 18 8 26 4L26 16L-26 16Z", p.first),
        draw("M-20 21L20 21M-12 26L12 26", p.first, 2),
    )


def _big_star(p: Paints) -> tuple[Layer, ...]:
    return (fill(star(26), p.first), fill(star(14), p.second))


def _big_heart(p: Paints) -> tuple[Layer, ...]:
    return (
        fill(moved(_HEART, 0, -2, 2.2), p.second),
        draw("M-10 -8C-12 -2 -8 4 -4 8", p.first, 2),
    )


def _mountain(p: Paints) -> tuple[Layer, ...]:
    return (
        fill(circle(10, -14, 8), p.third),
        fill("M-30 20L-8 -16L6 6L12 -2L30 20Z", p.first),
        fill("M-8 -16L-1 -5L-8 0L-14 -6Z", p.base),
    )


def _letters(p: Paints) -> tuple[Layer, ...]:
    return (
        draw(
            "M-26 -8L-26 10M-26 1L-15 1M-15 -8L-15 10M-9 -8L-9 10M-9 -8L2 -8M-9 1L0 1M-9 10L2 10M8 10L8 -8L15 4L22 -8L22 10",
            p.first,
            3.4,
        ),
        draw("M-26 18L22 18", p.second, 2.4),
    )


def _bloom(p: Paints) -> tuple[Layer, ...]:
    return (
        draw("M0 8C-2 18 2 22 0 30M0 20C8 18 12 14 14 10", p.third, 2.4),
        fill(flower(0, -6, 9), p.second),
        fill(circle(0, -6, 4), p.first),
    )


def _rainbow(p: Paints) -> tuple[Layer, ...]:
    return tuple(
        draw(f"M{-r} 12A{r} {r} 0 0 1 {r} 12", colour, 5)
        for r, colour in ((26, p.first), (19, p.second), (12, p.third))
    )


def _wave(p: Paints) -> tuple[Layer, ...]:
    return tuple(
        draw(f"M-26 {y}Q-17 {y - 9} -9 {y}Q0 {y + 9} 9 {y}Q17 {y - 9} 26 {y}", colour, 4)
        for y, colour in ((-12, p.first), (1, p.second), (14, p.third))
    )


def dotted(p: Paints, cut: Cut) -> Pattern:
    """Dots of one of three sizes."""
    size, radius = cut.pick((22, 4.2), (14, 2), (30, 7))
    half = size / 2
    return Pattern(
        size,
        size,
        (
            fill(
                circle(half / 2, half / 2, radius) + circle(half * 1.5, half * 1.5, radius), p.first
            ),
        ),
    )


def applied(p: Paints, _cut: Cut) -> Pattern:
    """Flowers that stand out."""
    return Pattern(
        40,
        40,
        (
            fill(flower(12, 13.5, 4.6) + flower(32, 33.5, 4.6), p.deep),
            fill(flower(12, 12, 4.4) + flower(32, 32, 4.4), p.pale),
            fill(circle(12, 12, 2) + circle(32, 32, 2), p.second),
        ),
    )


def embroidered(p: Paints, _cut: Cut) -> Pattern:
    """Sprigs with stitches."""
    return Pattern(
        46,
        46,
        (
            draw("M10 30C12 22 16 18 22 14M30 42C32 36 36 32 42 30", p.third, 1.4),
            draw(flower(23, 12, 3) + flower(42, 28, 2.4), p.first, 1.4),
            fill(circle(23, 12, 1.8), p.second),
        ),
    )
