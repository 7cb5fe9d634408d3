"""Dresses, jumpsuits, overalls and sets: from the shoulders down."""

# ruff: noqa: E501  (path data is not broken)

from hemline.shop.garments.bodice import Bodice, button_row, neck_of, shirt_collar, sleeve_of
from hemline.shop.garments.bottoms import waistband
from hemline.shop.garments.drawing import Cut, Drawing, Layer
from hemline.shop.garments.svg_paths import both, dots, mirrored


def dress(cut: Cut) -> Drawing:
    """Dress: with a waist, straight, a shirt dress or with straps; short to long."""
    sleeve = sleeve_of(cut, "none", "short", "puff", "long", "strap", "strap")
    kind = cut.pick("waist", "waist", "straight", "tiered")
    if cut.says("shirt dress", "collar and buttons"):
        kind = "shirt"
    elif cut.says("t-shirt dress", "straight", "bodycon", "fitted"):
        kind = "straight"
    long = cut.says("long dress", "maxi", "calf", "midi", "ankle")
    hem = 224 if long else cut.pick(190, 200, 210)
    neck = "collar" if kind == "shirt" else neck_of(cut, "crew", "scoop", "v", "square")
    flare = {"waist": 24, "straight": 4, "tiered": 26, "shirt": 14}[kind]
    upper = Bodice(neck, sleeve, 42, hem)
    outline = upper.outline(_skirt(hem, flare, 0 if kind == "straight" else 12))
    details = upper.details(has_hem=False) if sleeve not in ("strap", "none") else ()
    gathers = both(
        f"M108 {140}C112 166 114 186 118 {hem}M118 140C126 170 130 190 {130 + flare // 4} {hem}"
    )
    lines = {
        "waist": (Layer("seam", "M70 134Q100 142 130 134"), Layer("fold", gathers)),
        "straight": (Layer("fold", both(f"M126 {hem}C122 {hem - 30} 122 150 128 120")),),
        "tiered": (
            Layer("seam", f"M70 134Q100 142 130 134M62 {hem - 34}Q100 {hem - 26} 138 {hem - 34}"),
            Layer("fold", gathers),
        ),
        "shirt": (
            Layer("seam", f"M95 62L95 {hem + 5}M105 62L105 {hem + 5}"),
            *shirt_collar(),
            button_row(78, hem - 12, 7),
            Layer("part", mirrored("M100 132Q120 131 131 128L132 138Q120 142 100 142")),
        ),
    }[kind]
    return Drawing(
        outline,
        upper.inside(),
        (*details, *lines),
        (100.0, 100.0, 0.8) if kind == "straight" else None,
        46,
    )


def _skirt(hem: int, flare: int, waist: int) -> str:
    """Return what follows the armpit of a dress: a waist at y = 134, then a skirt."""
    middle, end = 142 - waist, 142 + flare
    return (
        f"C138 112 {middle} 122 {middle} 134C{middle + 6} 156 {end - 4} {hem - 30} {end} {hem}"
        f"Q{100 + (end - 100) / 2:g} {hem + 8} 100 {hem + 8}"
    )


def jumpsuit(cut: Cut) -> Drawing:
    """Jumpsuit or playsuit."""
    sleeve = sleeve_of(cut, "short", "long", "none", "strap")
    upper = Bodice(neck_of(cut, "v", "scoop", "collar"), sleeve, 42, 140)
    short = cut.says("short jumpsuit", "short playsuit", "shorts", "short legs")
    hem, outer, inner = (168, 152, 108) if short else (224, 146, 116)
    legs = f"C139 118 140 146 {outer} {hem}L{inner} {hem + 3}C110 190 105 176 100 162"
    collar = shirt_collar() if upper.neck == "collar" else ()
    buttons = (button_row(72, 118, 4),) if upper.neck == "collar" or cut.says("button") else ()
    belt = mirrored("M100 134Q122 134 139 130L140 139Q122 143 100 143")
    return Drawing(
        upper.outline(legs),
        upper.inside(),
        (
            upper.details(has_hem=False)[0]
            if sleeve not in ("strap", "none")
            else Layer("fold", "M100 143L100 162"),
            *collar,
            *buttons,
            Layer("part", belt),
            Layer(
                "fold",
                "M100 143L100 162"
                + both(f"M126 {hem - 4}C124 200 124 178 122 146M112 146Q120 158 138 152"),
            ),
        ),
        floor=46,
    )


def dungarees(cut: Cut) -> Drawing:
    """Dungarees: a bib with straps."""
    hem, outer = (176, 150) if cut.says("short") else (224, 146)
    body = mirrored(
        f"M100 74L126 74C127 94 132 106 139 116C143 150 {outer} 186 {outer} {hem}L{114} {hem + 3}C110 190 105 170 100 152"
    )
    straps = both("M116 80L124 32L131 32L125 80Z")
    pocket = "M84 92L116 92L116 112Q100 120 84 112Z"
    return Drawing(
        body,
        (Layer("part", straps), Layer("shade", straps)),
        (
            Layer(
                "stitch",
                pocket
                + both("M118 128Q124 142 142 140")
                + "M62 124Q100 130 138 124M100 130L100 150",
            ),
            Layer("fold", both(f"M130 {hem - 4}C128 196 126 170 124 146")),
            Layer("metal", dots((80, 82), (120, 82))),
        ),
        (100.0, 102.0, 0.5),
    )


def overall(cut: Cut) -> Drawing:
    """Outdoor overall, sleeping sack or pyjama jumpsuit: one zip from neck to foot."""
    upper = Bodice("hood", "long", 46, 150)
    hooded = not cut.says("without hood", "pyjama", "round neck")
    legs = "C146 150 150 190 144 220L110 222C109 200 105 184 100 174"
    hood = mirrored("M100 12C122 12 132 30 126 54Q116 66 100 68")
    opening = mirrored("M100 22C114 22 119 34 117 48Q110 59 100 60")
    ears = both("M112 16C116 4 128 8 126 22Z") if cut.pick(0, 0, 1) else ""
    cover = (Layer("part", hood + ears), Layer("inside", opening)) if hooded else ()
    return Drawing(
        upper.outline(legs),
        () if hooded else Bodice("crew").inside(),
        (
            *cover,
            *upper.details(has_hem=False),
            Layer("seam", both("M143 212L111 214")),
            Layer("metal", "M100 64L100 172"),
        ),
        floor=48,
    )


def sleeping_sack(cut: Cut) -> Drawing:
    """Sleeping sack: a closed foot."""
    upper = Bodice("crew", sleeve_of(cut, "none", "long"), 42, 140)
    sack = "C146 140 164 200 150 218Q126 228 100 228"
    seam = Layer("fold", both("M130 206C134 180 132 150 126 128"))
    return Drawing(
        upper.outline(sack),
        upper.inside(),
        (seam, Layer("metal", "M100 66L100 200Q100 216 122 218")),
        (126.0, 160.0, 0.7),
    )


def pyjama_set(cut: Cut) -> Drawing:
    """Pyjamas, underwear and other sets of a top and trousers or shorts."""
    buttoned = cut.says("button", "collar") or cut.pick(0, 1) == 1
    short = cut.says("shorts")
    sleeve = sleeve_of(cut, "short" if short else "long", "short")
    upper = Bodice("collar" if buttoned else "crew", sleeve, 40, 126, 2)
    hem = 196 if short else 226
    legs = mirrored(
        f"M100 144Q120 144 134 141C139 168 142 200 141 {hem}L{108} {hem + 2}C108 200 105 184 100 172"
    )
    closing = (
        (Layer("seam", "M100 60L100 132"), *shirt_collar(), button_row(76, 120, 4))
        if buttoned
        else ()
    )
    band = waistband(34, 139, 7)
    return Drawing(
        upper.outline() + legs,
        upper.inside(),
        (
            *upper.details()[:1],
            *closing,
            Layer("part", band),
            Layer("shade", band),
            Layer("fold", "M100 152L100 170"),
        ),
        None if buttoned else (100.0, 92.0, 0.8),
    )


def night_gown(cut: Cut) -> Drawing:
    """Night gown, underdress: straps and a soft fall."""
    hem = cut.pick(188, 206)
    sleeve = sleeve_of(cut, "strap", "strap", "short")
    upper = Bodice("v" if sleeve == "strap" else "crew", sleeve, 40, hem, 12, -2)
    lace = "".join(f"M{x} {hem - 2}Q{x + 4} {hem + 5} {x + 8} {hem - 2}" for x in range(52, 146, 8))
    top: tuple[Layer, ...] = (
        Layer("seam", both("M101 84C112 78 120 74 128 62") + lace),
        upper.details()[1],
    )
    if sleeve != "strap":
        top = (*upper.details(), Layer("fold", lace))
    return Drawing(
        upper.outline(), upper.inside(), top, None if sleeve == "strap" else (100.0, 110.0, 0.9)
    )


def robe(cut: Cut) -> Drawing:
    """Robe: wrapped and tied."""
    bodice = Bodice("deep", "bell", 48, cut.pick(206, 220), 6, 2)
    shawl = both("M117 44L130 52C128 78 116 96 101 118L100 112Z")
    sash = mirrored("M100 130Q126 130 147 126L148 138Q126 142 100 142")
    tails = "M98 136C90 150 88 168 84 184L91 186C96 168 100 152 102 140ZM102 136C108 152 110 164 116 178L122 175C118 160 112 146 106 136Z"
    return Drawing(
        bodice.outline(),
        (Layer("inside", "M81 46Q100 55 119 46L100 112Z"),),
        (
            Layer("seam", f"M100 142L106 {bodice.hem + 5}"),
            *bodice.details(),
            Layer("part", shawl),
            Layer("light", shawl),
            Layer("part", sash + tails),
            Layer("shade", sash + tails),
        ),
    )


def costume(cut: Cut) -> Drawing:
    """Costume: a dress with a crown."""
    worn = dress(cut)
    crown = mirrored("M100 14L108 26L122 12L118 38L100 38")
    return Drawing(
        worn.fabric,
        worn.behind,
        (*worn.front, Layer("plain", crown, fill="#d6a93c")),
        worn.emblem,
        worn.floor,
    )
