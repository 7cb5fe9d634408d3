"""Bags and what carries things."""

# ruff: noqa: E501  (path data is not broken)

from hemline.shop.garments.drawing import Cut, Drawing, Layer
from hemline.shop.garments.svg_paths import both, circle, dots, mirrored


def bag(cut: Cut) -> Drawing:
    """Handbag, shoulder bag, tote, cross-body, backpack or gym bag, as the text says."""
    kind = cut.pick("hand", "tote", "shoulder", "crossbody")
    named = {
        "backpack": ("backpack", "rucksack"),
        "gym": ("weekend", "gym", "sports bag"),
        "bum": ("bumbag", "waist bag"),
        "tote": ("tote", "shopper", "washing"),
        "crossbody": ("cross-body", "crossbody"),
        "shoulder": ("shoulder",),
    }
    kind = next((name for name, words in named.items() if cut.says(*words)), kind)
    drawn = {
        "hand": _hand,
        "tote": _tote,
        "shoulder": _shoulder,
        "crossbody": _crossbody,
        "backpack": _backpack,
        "gym": _gym,
        "bum": _bum,
    }
    return drawn[kind]()


def _hand() -> Drawing:
    body = mirrored("M100 112L142 112Q150 112 152 122L160 200Q160 212 148 212L100 212")
    flap = mirrored("M100 112L142 112Q150 112 151 120C142 146 118 156 100 156")
    return Drawing(
        body,
        (Layer("cord", "M72 112C70 60 130 60 128 112"),),
        (
            Layer("part", flap),
            Layer("light", flap),
            Layer("metal", "M92 148L108 148L108 164L92 164Z"),
        ),
        None,
        58,
    )


def _tote() -> Drawing:
    body = mirrored("M100 100L146 100L154 208Q154 214 148 214L100 214")
    return Drawing(
        body,
        (Layer("cord", "M76 118C74 44 126 44 124 118"),),
        (
            Layer("stitch", "M56 108Q100 112 144 108"),
            Layer("cord", "M74 118L78 118M122 118L126 118"),
        ),
        (100.0, 160.0, 1.0),
        56,
    )


def _shoulder() -> Drawing:
    body = mirrored("M100 118C130 118 152 124 156 140C162 176 146 208 100 210")
    return Drawing(
        body,
        (Layer("cord", "M48 136C40 60 160 60 152 136"),),
        (
            Layer("metal", "M58 138Q100 150 142 138"),
            Layer("metal", dots((48, 136), (152, 136))),
            Layer("fold", "M64 152C74 176 90 190 110 194"),
        ),
        None,
        56,
    )


def _crossbody() -> Drawing:
    body = mirrored("M100 136L142 136Q152 136 152 146L152 200Q152 212 142 212L100 212")
    flap = mirrored("M100 136L142 136Q152 136 152 146L148 178Q124 184 100 184")
    return Drawing(
        body,
        (Layer("chain", "M54 140C30 40 170 40 146 140"),),
        (Layer("part", flap), Layer("light", flap), Layer("metal", circle(100, 178, 6))),
        None,
        54,
    )


def _backpack() -> Drawing:
    body = mirrored("M100 60C140 60 152 84 152 116L154 202Q152 214 140 214L100 214")
    pocket = mirrored("M100 150L132 150Q138 150 138 158L138 196Q138 202 130 202L100 202")
    return Drawing(
        body,
        (
            Layer("cord", "M86 62C84 40 116 40 114 62"),
            Layer(
                "part", both("M150 110C166 130 166 180 156 200L152 196C158 176 158 136 150 122Z")
            ),
        ),
        (Layer("part", pocket), Layer("metal", "M62 120C62 80 138 80 138 120M68 162L132 162")),
        (100.0, 116.0, 0.6),
        56,
    )


def _gym() -> Drawing:
    body = mirrored("M100 116L150 116Q172 120 172 166Q172 208 150 208L100 208")
    return Drawing(
        body,
        (Layer("cord", "M66 150C62 62 138 62 134 150"),),
        (
            Layer("metal", "M52 124L148 124"),
            Layer("cord", "M66 122L66 208M134 122L134 208"),
            Layer("seam", both("M156 122C148 144 148 184 156 206")),
        ),
        (100.0, 168.0, 0.7),
        66,
    )


def _bum() -> Drawing:
    body = mirrored("M100 116Q140 116 156 126C152 168 134 176 100 178")
    return Drawing(
        body,
        (Layer("cord", "M44 126C20 112 24 90 60 84M156 126C180 112 176 90 140 84"),),
        (Layer("metal", "M54 132Q100 142 146 132"),),
        None,
        50,
    )


def wallet(cut: Cut) -> Drawing:
    """Wallet, cases for telephones and earphones."""
    if cut.says("mobile", "iphone"):
        body = mirrored("M100 52L130 52Q142 52 142 64L142 202Q142 214 130 214L100 214")
        return Drawing(
            body,
            (),
            (
                Layer("inside", "M66 62L92 62Q94 62 94 66L94 92Q94 96 90 96L68 96Q66 96 66 92Z"),
                Layer("metal", circle(74, 72, 4) + circle(86, 86, 4)),
            ),
            (100.0, 150.0, 0.8),
            44,
        )
    if cut.says("earphone"):
        body = mirrored("M100 104L124 104Q146 104 146 128L146 158Q146 182 124 182L100 182")
        return Drawing(
            body,
            (Layer("metal", "M146 120C160 116 160 100 150 98"),),
            (Layer("seam", "M54 132L146 132"), Layer("dot", dots((100, 142)))),
            None,
            44,
        )
    body = mirrored("M100 104L150 104Q156 104 156 112L156 184Q156 192 148 192L100 192")
    flap = mirrored("M100 104L150 104Q156 104 156 112L154 144Q130 152 100 152")
    return Drawing(
        body,
        (),
        (
            Layer("part", flap),
            Layer("light", flap),
            Layer("metal", dots((100, 146))),
            Layer("stitch", "M50 110L150 110"),
        ),
        None,
        56,
    )


def umbrella(_cut: Cut) -> Drawing:
    """Umbrella."""
    canopy = "M100 50C150 52 178 86 184 126Q170 114 156 126Q142 112 128 126Q114 112 100 126Q86 112 72 126Q58 112 44 126Q30 114 16 126C22 86 50 52 100 50Z"
    return Drawing(
        canopy,
        (Layer("cord", "M100 44L100 196C100 214 122 214 122 198"),),
        (Layer("fold", both("M102 52C124 74 130 98 128 126M104 51C146 72 154 98 156 126")),),
        None,
        30,
    )
