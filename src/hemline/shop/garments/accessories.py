"""Scarves, belts, ties, glasses."""

# ruff: noqa: E501  (path data is not broken)

from typing import Final

from hemline.shop.garments.drawing import Cut, Drawing, Layer
from hemline.shop.garments.svg_paths import both, circle, mirrored

_GOLD: Final = "#c9a24a"


def scarf(cut: Cut) -> Drawing:
    """Scarf: knotted, or folded."""
    fringe = cut.pick("fringe", "fringe", "plain")
    hang = "M84 92C82 132 72 176 70 208L102 212C102 170 106 134 112 104ZM110 100C120 130 130 158 134 190L108 196C106 160 100 130 96 108Z"
    loop = mirrored("M100 40C128 38 146 54 144 76C142 98 122 112 100 114")
    hole = mirrored("M100 52C118 52 126 60 124 68C118 76 108 78 100 78")
    ends = "".join(f"M{72 + i * 5} {209 + i * 0.6:g}L{71 + i * 5} 222" for i in range(7)) + "".join(
        f"M{110 + i * 5} {196 - i:g}L{111 + i * 5} 208" for i in range(6)
    )
    return Drawing(
        hang + loop,
        (Layer("seam", ends),) if fringe == "fringe" else (),
        (
            Layer("inside", hole),
            Layer("fold", "M62 84C80 104 118 108 140 84M60 72C72 92 90 98 104 98"),
            Layer("seam", "M84 96C96 110 110 108 116 100"),
        ),
    )


def belt(cut: Cut) -> Drawing:
    """Belt: rolled up, or a pair of braces."""
    ring = circle(96, 132, 56) + circle(96, 132, 36, is_hole=True)
    end = "M128 168C150 168 168 160 178 150L186 168C172 180 150 188 126 188Z"
    buckle = "M58 164L92 164L92 196L58 196ZM66 172L66 188L84 188L84 172Z"
    holes = Layer("inside", circle(148, 174, 2.4) + circle(162, 170, 2.4))
    return Drawing(
        end,
        (Layer("part", ring), Layer("shade", ring)),
        (
            Layer("plain", buckle, fill=cut.pick(_GOLD, "#b9bec4")),
            holes,
            Layer("stitch", "M132 172C150 172 166 166 177 156"),
        ),
    )


def braces(_cut: Cut) -> Drawing:
    """Braces."""
    band = both("M106 132L132 34L144 38L114 138Z") + "M94 126L106 126L106 214L94 214Z"
    return Drawing(
        band,
        (),
        (
            Layer("plain", "M92 120L108 120L108 140L92 140Z", fill="#6b4f36"),
            Layer("metal", both("M130 40L144 44") + "M92 208L108 208"),
        ),
    )


def tie(cut: Cut) -> Drawing:
    """Tie or bow tie."""
    if cut.says("bow tie", "bow-tie"):
        wing = both("M108 120C122 100 142 96 152 100L152 150C142 154 122 148 108 130Z")
        return Drawing(
            wing,
            (),
            (
                Layer("part", "M90 114L110 114L110 136L90 136Z"),
                Layer("fold", both("M112 124L130 120M112 128L130 134")),
            ),
            None,
            40,
        )
    blade = "M92 62L108 62C112 100 118 150 122 184L100 214L78 184C82 150 88 100 92 62Z"
    knot = "M86 34L114 34L108 62L92 62Z"
    return Drawing(
        blade,
        (),
        (Layer("part", knot), Layer("light", knot), Layer("fold", "M92 64Q100 72 108 64")),
        None,
        30,
    )


def sunglasses(cut: Cut) -> Drawing:
    """Sunglasses and eyeglasses."""
    lens = cut.pick(
        "M108 112C120 104 148 104 160 110C162 134 154 152 136 154C118 154 108 136 108 112Z",
        circle(134, 130, 25),
        "M107 108L162 106L158 140C154 150 118 150 112 142Z",
        "M106 122C112 106 146 100 166 100C164 130 152 148 134 148C116 148 106 138 106 122Z",
    )
    clear = cut.says("eyeglasses", "clear lens", "reading")
    glass = Layer(
        "plain", both(lens), fill="#cfd8dc" if clear else cut.pick("#2c2a33", "#43352c", "#2b3a42")
    )
    arms = both("M160 108C168 104 174 106 176 112L178 120") + "M92 116Q100 108 108 116"
    glint = both("M122 118L136 110M124 128L146 114")
    return Drawing(
        "", (Layer("wire", arms + both(lens)),), (glass, Layer("gleam", glint)), None, 56
    )


def sarong(_cut: Cut) -> Drawing:
    """Sarong: tied at the hip."""
    cloth = "M56 60Q100 74 146 58C152 110 160 160 164 206L112 222C118 170 120 120 124 84C112 130 84 180 52 206C46 160 52 100 56 60Z"
    knot = "M118 60C128 52 142 54 140 66C138 76 122 76 118 66C110 80 104 92 108 100C116 92 120 80 122 70"
    return Drawing(
        cloth,
        (),
        (
            Layer("part", knot),
            Layer(
                "fold",
                "M62 80C84 92 108 84 120 70M72 110C92 112 110 98 122 76M136 78C142 120 146 160 146 208M130 80C134 130 132 170 130 214",
            ),
        ),
    )
