"""Underwear and swimwear."""

# ruff: noqa: E501  (path data is not broken)

from hemline.shop.garments.drawing import Cut, Drawing, Layer
from hemline.shop.garments.svg_paths import both, dots, mirrored


def briefs(cut: Cut) -> Drawing:
    """Briefs, swim briefs; trunks and boxers where the text says so."""
    if cut.says("boxer", "trunks", "swim shorts", "hipster shorts"):
        return _trunks(cut)
    kind = cut.pick("brief", "high", "tanga", "hipster", "tied")
    for name, named in {
        "high": ("high waist", "high-waist"),
        "tanga": ("thong", "tanga", "string"),
        "hipster": ("hipster", "boxer", "low waist"),
        "tied": ("tie-side", "ties at the side"),
    }.items():
        kind = name if cut.says(*named) else kind
    top, leg, low = {
        "brief": (96, 122, 168),
        "high": (78, 126, 172),
        "tanga": (104, 112, 170),
        "hipster": (100, 136, 166),
        "tied": (104, 116, 168),
    }[kind]
    out = 148 if kind != "tied" else 140
    outline = mirrored(
        f"M100 {top + 9}Q126 {top + 8} {out} {top}L{out + 2} {leg - 4}C128 {leg + 10} 114 {low - 18} 111 {low}Q106 {low + 4} 100 {low + 4}"
    )
    bands = f"M{201 - out} {top + 9}Q100 {top + 19} {out - 1} {top + 9}" + both(
        f"M{out - 1} {leg + 1}C{129} {leg + 14} 117 {low - 14} 115 {low - 2}"
    )
    strings = both(
        f"M139 {top + 3}C150 {top - 6} 158 {top + 2} 150 {top + 6}C146 {top + 10} 142 {top + 8} 140 {top + 5}M141 {top + 6}L152 {top + 34}M141 {top + 6}L146 {top + 36}"
    )
    bow = f"M100 {top + 14}C94 {top + 7} 90 {top + 12} 93 {top + 16}C96 {top + 18} 98 {top + 16} 100 {top + 14}C106 {top + 7} 110 {top + 12} 107 {top + 16}C104 {top + 18} 102 {top + 16} 100 {top + 14}"
    lace = (
        "".join(f"M{x} {top + 11}Q{x + 4} {top + 19} {x + 8} {top + 11}" for x in range(58, 142, 8))
        if cut.says("lace")
        else ""
    )
    return Drawing(
        outline,
        (
            Layer(
                "inside",
                mirrored(f"M100 {top - 3}Q126 {top - 3} {out} {top}Q126 {top + 8} 100 {top + 9}"),
            ),
        ),
        (
            Layer("seam", bands + (strings if kind == "tied" else "")),
            Layer("fold", lace + (bow if kind in ("brief", "tanga") else "")),
        ),
        floor=38,
    )


def _trunks(cut: Cut) -> Drawing:
    hem = cut.pick(158, 168)
    outline = mirrored(
        f"M100 84Q124 84 142 80C148 110 152 134 154 {hem}L106 {hem + 6}Q104 148 100 138"
    )
    band = mirrored("M100 84Q124 84 142 80L144 92Q124 96 100 96")
    fly = (
        both("M108 97C112 114 110 128 102 138")
        if cut.pick(0, 1)
        else "M100 96L100 136M100 118Q108 116 108 98"
    )
    return Drawing(
        outline,
        (),
        (
            Layer("part", band),
            Layer("shade", band),
            Layer("seam", fly + both(f"M152 {hem - 7}L106 {hem - 1}")),
        ),
        floor=40,
    )


def bra(cut: Cut) -> Drawing:
    """Bra, bikini top: triangle, balconette, bandeau or sports."""
    kind = cut.pick("balconette", "triangle", "plunge", "bandeau")
    for name, named in {
        "sports": ("sports bra", "racer", "crop top", "sport"),
        "triangle": ("triangle",),
        "bandeau": ("bandeau",),
        "balconette": ("balconette", "underwire"),
        "plunge": ("push-up", "plunge"),
    }.items():
        kind = name if cut.says(*named) else kind
    if kind == "sports":
        body = mirrored(
            "M100 104C114 104 120 90 122 62L132 62C134 92 140 104 150 112L148 158Q124 164 100 164"
        )
        return Drawing(
            body,
            (Layer("inside", mirrored("M100 86Q112 84 116 62L122 62C120 90 114 104 100 104")),),
            (Layer("seam", "M52 148Q100 156 148 148"),),
            floor=40,
        )
    straps = (
        ""
        if kind == "bandeau"
        else both("M126 112C130 88 128 70 124 54L129 54C134 70 136 92 132 114Z")
    )
    cup = {
        "triangle": "M102 154C104 140 116 118 128 108C140 122 150 140 152 154Q126 162 102 154Z",
        "balconette": "M101 132C110 128 124 122 132 112C146 116 152 126 151 138C150 156 134 164 120 162C108 160 101 148 101 132Z",
        "plunge": "M102 152C106 134 118 118 132 110C148 118 154 132 151 146C144 162 116 164 102 152Z",
        "bandeau": "M100 122Q126 112 152 120L151 152Q126 164 100 154Z",
    }[kind]
    wings = (
        both("M148 134C160 136 164 140 166 148L164 158C156 154 150 152 146 154Z")
        if kind != "bandeau"
        else ""
    )
    lines = {
        "triangle": both("M106 152C110 138 118 124 128 114"),
        "balconette": both("M104 134C120 142 138 140 150 130M118 161C118 150 118 144 120 138"),
        "plunge": both("M108 150C118 140 136 132 150 134"),
        "bandeau": both("M108 124C106 136 106 146 108 155M118 121C116 136 117 148 118 157"),
    }[kind]
    bow = Layer("dot", dots((100, 142)))
    return Drawing(
        both(cup),
        (Layer("part", straps + wings), Layer("shade", wings)),
        (Layer("seam", lines + both("M101 150L99 150")), bow),
        floor=38,
    )


def swimsuit(cut: Cut) -> Drawing:
    """Swimsuit, underwear body: one piece with straps."""
    kind = cut.pick("scoop", "v", "square", "halter")
    if cut.says("v-neck", "plunging", "deep neckline"):
        kind = "v"
    neck = {
        "scoop": "M100 88C118 88 124 70 126 40L133 40C133 64 134 78 141 92",
        "v": "M100 104C110 90 122 68 126 40L132 40C133 64 134 78 141 92",
        "square": "M100 78L121 78L124 40L131 40C132 64 134 78 141 92",
        "halter": "M100 78Q110 70 110 40L116 40C120 64 128 80 141 94",
    }[kind]
    outline = mirrored(
        neck
        + "C137 120 134 136 140 156C143 168 146 176 147 184C130 188 116 202 111 220Q106 223 100 223"
    )
    seams = both("M143 182C128 188 116 200 114 214") + cut.pick(
        "M66 132Q100 140 134 132", "", both("M126 92C118 120 116 150 118 176")
    )
    back = (
        Layer(
            "inside", "M74 40Q78 64 100 64Q122 64 126 40C124 70 118 88 100 88C82 88 76 70 74 40Z"
        ),
    )
    return Drawing(
        outline,
        back if kind == "scoop" else (),
        (Layer("seam", seams), Layer("fold", both("M124 104C116 106 110 104 106 98"))),
        (100.0, 130.0, 0.8),
        40,
    )


def two_piece(cut: Cut) -> Drawing:
    """Swimwear or underwear set: a bra and briefs."""
    upper = both("M101 84C106 68 116 56 128 50C142 60 148 74 147 84C136 94 110 94 101 84Z")
    straps = both("M125 52C129 40 128 32 124 24L128 23C134 32 134 42 131 54Z")
    lower = mirrored("M100 149Q126 148 148 141L149 162C130 172 114 184 111 202Q106 206 100 206")
    return Drawing(
        upper + lower,
        (Layer("part", straps),),
        (
            Layer(
                "seam",
                both(
                    "M106 82C116 74 134 70 144 76M148 150Q126 158 100 158M146 166C130 174 118 186 115 199"
                ),
            ),
            Layer("dot", dots((100, cut.pick(80, 82)))),
        ),
        floor=40,
    )


def corset(cut: Cut) -> Drawing:
    """Corset."""
    outline = mirrored(
        "M100 92C110 74 122 66 138 72C144 90 132 116 130 134C132 152 142 168 146 184Q124 196 100 204"
    )
    bones = both("M118 76C120 110 114 150 118 194M130 72C132 110 122 150 134 190")
    return Drawing(
        outline,
        (),
        (
            Layer("seam", bones),
            Layer("dot", dots(*((100, y) for y in range(104, 200, cut.pick(12, 14))))),
        ),
    )


def camisole(cut: Cut) -> Drawing:
    """Children's underwear top: straps and a small bow."""
    hem = cut.pick(180, 188)
    outline = mirrored(
        f"M100 80C118 80 124 66 126 44L132 44C132 70 136 86 142 98L144 {hem}Q122 {hem + 6} 100 {hem + 6}"
    )
    return Drawing(
        outline,
        (),
        (Layer("seam", f"M57 {hem - 6}Q100 {hem} 143 {hem - 6}"), Layer("dot", dots((100, 86)))),
        (100.0, 126.0, 0.8),
    )
