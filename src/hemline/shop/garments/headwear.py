"""Hats and what is worn in the hair."""

# ruff: noqa: E501  (path data is not broken)

from hemline.shop.garments.drawing import Cut, Drawing, Layer
from hemline.shop.garments.svg_paths import both, circle, dots, mirrored


def hair_band(cut: Cut) -> Drawing:
    """Hair band, alice band: plain, with a bow or a knot."""
    band = "M48 196C30 96 62 52 100 52C138 52 170 96 152 196L136 196C150 110 130 72 100 72C70 72 50 110 64 196Z"
    kind = cut.pick("plain", "bow", "knot", "bow")
    bow = "M100 56C84 30 56 30 58 50C58 70 86 72 100 60C114 72 142 70 142 50C144 30 116 30 100 56Z"
    knot = "M84 44Q100 34 116 44L120 76Q100 86 80 76Z"
    on_top = {
        "plain": (),
        "bow": (Layer("part", bow), Layer("light", bow), Layer("part", circle(100, 58, 8))),
        "knot": (Layer("part", knot), Layer("fold", "M90 46L112 76M110 44L88 76")),
    }[kind]
    return Drawing(band, (), on_top)


def hair_ties(cut: Cut) -> Drawing:
    """Hair ties, scrunchies, hair strings."""
    if cut.pick(0, 1, 1):
        outer = "M100 74C112 62 124 70 128 80C144 76 154 90 148 104C162 112 160 132 148 138C152 154 138 164 126 160C120 174 104 174 98 164C86 172 72 166 70 154C54 156 46 140 52 128C40 118 44 100 58 98C54 82 66 72 78 78C82 66 94 64 100 74Z"
        return Drawing(
            outer,
            (),
            (
                Layer("hole", circle(102, 120, 17)),
                Layer(
                    "fold",
                    "M102 102L100 78M118 112L146 104M118 130L144 140M104 138L102 162M86 128L56 130M88 110L62 100",
                ),
            ),
        )
    rings = "".join(circle(x, y, 24) for x, y in ((72, 104), (124, 98), (84, 156), (134, 150)))
    return Drawing("", (), (Layer("wire", rings),), None, 50)


def hair_clip(cut: Cut) -> Drawing:
    """Hair clips: claws, slides or pins."""
    kind = cut.pick("claw", "slide", "pins")
    if kind == "claw":
        body = mirrored(
            "M100 84C130 84 150 96 156 120L150 166L142 128L134 172L126 132L118 176L110 134L104 176L100 136"
        )
        return Drawing(
            body,
            (),
            (
                Layer("fold", mirrored("M100 98C124 98 138 106 144 120L100 124")),
                Layer("metal", dots((100, 92))),
            ),
        )
    if kind == "slide":
        body = "M40 146C66 104 130 88 166 104C160 132 96 160 40 146Z"
        return Drawing(
            body,
            (),
            (Layer("fold", "M52 142C84 116 124 104 156 108"), Layer("metal", "M46 146L38 150")),
        )
    pins = "".join(
        f"M{70 + i * 22} 70L{64 + i * 22} 186L{72 + i * 22} 186L{82 + i * 22} 76Q{76 + i * 22} 64 {70 + i * 22} 70Z"
        for i in range(3)
    )
    return Drawing(pins, (), (Layer("gem", "".join(circle(75 + i * 22, 76, 9) for i in range(3))),))


def beanie(cut: Cut) -> Drawing:
    """Beanie; with a bobble, with ears, or a baby's."""
    crown = mirrored("M100 66C138 66 156 104 154 152L100 156")
    brim = mirrored("M100 150Q132 150 156 144Q162 158 158 176Q130 184 100 184")
    ribs = both(
        "".join(f"M{104 + i * 9} {151 - i * 0.4:g}L{104 + i * 9} {184 - i:g}" for i in range(6))
    )
    kind = cut.pick("plain", "bobble", "plain", "ears")
    bobble = {
        "plain": "",
        "bobble": circle(100, 60, 17),
        "ears": both("M124 84C126 60 146 60 146 80C146 90 140 96 138 98Z"),
    }[kind]
    return Drawing(
        crown,
        (Layer("part", bobble),) if bobble else (),
        (
            Layer("fold", both("M108 70C124 92 130 120 130 150M102 68C108 96 110 124 110 150")),
            Layer("part", brim),
            Layer("light", brim),
            Layer("fold", ribs),
        ),
        (100.0, 118.0, 0.7),
    )


def cap(cut: Cut) -> Drawing:
    """Cap with a peak."""
    crown = "M44 150C42 96 74 74 108 76C140 78 156 104 156 148Q100 158 44 150Z"
    peak = "M44 146C24 156 14 172 24 178C48 168 86 160 122 154Q74 156 44 146Z"
    seams = "M108 76C96 96 92 122 94 154M108 76C130 96 138 124 138 152"
    return Drawing(
        crown,
        (),
        (
            Layer("seam", seams),
            Layer("part", peak),
            Layer("shade", peak),
            Layer("dot", dots((108, 76))),
            Layer("fold", f"M50 {cut.pick(140, 138)}Q100 150 156 140"),
        ),
        (92.0, 118.0, 0.6),
    )


def brimmed_hat(cut: Cut) -> Drawing:
    """Hats with a brim: straw, felt, bucket."""
    if cut.says("bucket"):
        crown = mirrored("M100 82Q132 82 136 92L146 138L100 142")
        brim = mirrored("M100 138Q130 138 146 134C160 150 170 162 172 172Q140 182 100 182")
        rows = "".join(
            f"M{52 - i * 5} {148 + i * 8}Q100 {158 + i * 8} {148 + i * 5} {148 + i * 8}"
            for i in range(4)
        )
        return Drawing(
            crown + brim,
            (),
            (Layer("fold", rows), Layer("seam", "M54 136Q100 146 146 136")),
            None,
            60,
        )
    crown = mirrored(f"M100 84Q{cut.pick(116, 110)} 76 130 82C142 96 146 124 146 150L100 152")
    brim = mirrored("M100 138C150 138 188 152 188 162C188 176 140 184 100 184")
    ribbon = mirrored("M100 138Q130 138 145 134L147 150Q126 156 100 156")
    weave = (
        "".join(
            f"M{24 + i * 8} {160 + i * 3}Q100 {170 + i * 5} {176 - i * 8} {160 + i * 3}"
            for i in range(3)
        )
        if cut.says("straw")
        else ""
    )
    return Drawing(
        brim + crown,
        (),
        (
            Layer("fold", weave),
            Layer("plain", ribbon, fill="#4a4038"),
            Layer("fold", "M100 86Q104 96 100 104"),
        ),
        None,
        66,
    )
