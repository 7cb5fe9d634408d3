"""Jackets, coats, blazers: what opens in front and goes over the rest."""

# ruff: noqa: E501  (path data is not broken)

from hemline.shop.garments.bodice import Bodice, button_row, lapels, shirt_collar
from hemline.shop.garments.drawing import Cut, Drawing, Layer
from hemline.shop.garments.svg_paths import both, mirrored


def blazer(cut: Cut) -> Drawing:
    """Blazer: one or two rows of buttons."""
    bodice = Bodice("deep", "long", 50, 200, 3, 6)
    double = cut.says("double-breasted") or cut.pick(0, 0, 1) == 1
    pockets = both("M116 156L142 154L142 161L116 163Z") + "M116 98L130 95"
    buttons = (button_row(128, 148, 2, 92), button_row(128, 148, 2, 110))
    return Drawing(
        bodice.outline(),
        (Layer("pale", "M81 46Q100 55 119 46L100 112Z"),),
        (
            Layer(
                "seam",
                f"M100 112C102 150 {116 if double else 104} 180 {112 if double else 110} 205{pockets}",
            ),
            *bodice.details(),
            *lapels(114),
            *(buttons if double else (button_row(128, 148, 2, 103),)),
        ),
    )


def coat(cut: Cut) -> Drawing:
    """Coat: long; with a belt, double-breasted, or padded."""
    bodice = Bodice("deep", "long", 49, 224, 8, 4)
    kind = cut.pick("belt", "double", "single", "padded")
    for name, named in {
        "padded": ("padded", "down"),
        "belt": ("belt",),
        "double": ("double-breasted",),
    }.items():
        kind = name if cut.says(*named) else kind
    if kind == "padded":
        return _padded(Bodice("collar", "long", 52, 222, 2, 2))
    sash = mirrored("M100 140Q126 140 146 136L147 148Q126 152 100 152")
    belt = (
        Layer("part", sash),
        Layer("shade", sash),
        Layer("metal", "M92 137L108 137L108 155L92 155Z"),
    )
    pairs = (button_row(122, 176, 3, 90), button_row(122, 176, 3, 112))
    fastened = {"belt": belt, "double": pairs, "single": (button_row(122, 190, 4, 103),)}[kind]
    return Drawing(
        bodice.outline(),
        (Layer("inside", "M81 46Q100 55 119 46L100 112Z"),),
        (
            Layer("seam", "M100 112L104 229" + both("M118 168L140 166L140 172L118 174Z")),
            *bodice.details(),
            *lapels(114, 40),
            *fastened,
        ),
        floor=58,
    )


def jacket(cut: Cut) -> Drawing:
    """Jacket: padded, biker, denim, bomber or windproof."""
    kind = cut.pick("padded", "biker", "denim", "bomber", "wind")
    named = {
        "padded": ("padded", "down", "quilted", "puffer"),
        "biker": ("biker", "leather"),
        "denim": ("denim", "trucker"),
        "bomber": ("bomber", "pilot"),
        "wind": ("hood", "windproof", "outdoor", "rain", "softshell"),
    }
    kind = next((name for name, words in named.items() if cut.says(*words)), kind)
    if kind == "padded":
        return _padded(Bodice("collar", "long", 53, 178, 0, 1))
    drawn = {"biker": _biker, "denim": _denim, "bomber": _bomber, "wind": _wind}
    return drawn[kind]()


def _padded(bodice: Bodice) -> Drawing:
    step, side = 21, 100 + bodice.width
    tubes = "".join(
        f"M{100 - bodice.width} {y}Q100 {y + 9} {side} {y}" for y in range(84, bodice.hem - 6, step)
    )
    arms = both("M156 78L170 72M159 100L178 90M164 124L184 113M168 148L188 138M171 170L190 162")
    collar = mirrored("M100 34Q118 30 121 36L124 54Q114 62 100 62")
    return Drawing(
        bodice.outline(),
        (),
        (
            Layer("seam", tubes + arms),
            Layer("part", collar),
            Layer("fold", both("M103 46Q116 46 121 44")),
            *bodice.details(),
            Layer("metal", f"M100 40L100 {bodice.hem + 5}"),
        ),
        floor=56,
    )


def _biker() -> Drawing:
    bodice = Bodice("deep", "long", 49, 172, 0, 3)
    zips = "M104 114L112 178" + both("M118 146L142 136M170 172L186 166")
    return Drawing(
        bodice.outline(),
        bodice.inside(),
        (
            Layer("seam", both("M148 92C136 98 126 98 118 94") + "M51 166Q100 174 149 166"),
            *bodice.details(),
            *lapels(114, 40),
            Layer("metal", zips),
        ),
    )


def _denim() -> Drawing:
    bodice = Bodice("collar", "long", 50, 176)
    yoke = "M54 90Q100 96 146 90" + both(
        "M113 97L137 95L137 112L125 118L113 113ZM118 116L122 170M134 114L132 169"
    )
    return Drawing(
        bodice.outline(),
        bodice.inside(),
        (
            Layer("seam", "M95 62L95 182M105 62L105 182M51 168Q100 175 149 168"),
            Layer("stitch", yoke),
            *bodice.details(),
            *shirt_collar(),
            button_row(76, 160, 5),
            button_row(103, 103, 1, 125),
            button_row(103, 103, 1, 75),
        ),
    )


def _bomber() -> Drawing:
    bodice = Bodice("crew", "balloon", 51, 174, -3, -2)
    ribs = "".join(f"M{x} 170L{x} 179" for x in range(56, 148, 4))
    collar = "M80 44Q100 54 120 44L124 54Q100 70 76 54Z"
    return Drawing(
        bodice.outline(),
        bodice.inside(),
        (
            *bodice.details(),
            Layer("part", collar),
            Layer("fold", ribs + both("M106 52L107 61M113 50L116 58")),
            Layer("metal", "M100 61L100 179" + both("M120 140L136 152")),
        ),
        floor=56,
    )


def _wind() -> Drawing:
    bodice = Bodice("hood", "long", 52, 188, 2, 0)
    hood = mirrored("M100 10C124 10 134 30 128 56Q116 68 100 70")
    opening = mirrored("M100 21C115 21 120 34 118 50Q110 60 100 61")
    pockets = both("M120 148L142 144L142 152L120 156Z")
    return Drawing(
        bodice.outline(),
        (),
        (
            Layer("part", hood),
            Layer("inside", opening),
            Layer("seam", pockets + "M50 98Q100 106 150 98"),
            *bodice.details(),
            Layer("metal", "M100 66L100 193"),
        ),
        floor=56,
    )
