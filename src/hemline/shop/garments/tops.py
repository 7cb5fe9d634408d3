"""Garments of the upper body: a neckline, sleeves and a hem make most of them."""

# ruff: noqa: E501  (path data is not broken)

from typing import Final

from hemline.shop.garments.bodice import (
    Bodice,
    button_row,
    neck_of,
    shirt_collar,
    sleeve_of,
)
from hemline.shop.garments.drawing import Cut, Drawing, Layer
from hemline.shop.garments.svg_paths import both, dots, mirrored

EMBLEM: Final = (100.0, 122.0, 1.0)


def _hem_of(cut: Cut, usual: int) -> int:
    if cut.says("cropped", "short top"):
        return usual - 30
    return usual + 14 if cut.says("long t-shirt", "long top", "tunic") else usual


def tee(cut: Cut) -> Drawing:
    """T-shirt."""
    bodice = Bodice(
        neck_of(cut, "crew", "crew", "crew", "v"),
        sleeve_of(cut, "short"),
        width=cut.pick(44, 48, 52) if cut.says("wide", "oversize") else cut.pick(44, 46),
        hem=_hem_of(cut, 192),
    )
    pocket = "M112 92L132 92L132 110Q122 117 112 110Z" if cut.pick(0, 0, 0, 1) else ""
    return _plain(bodice, pocket)


def top(cut: Cut) -> Drawing:
    """Top: of all shapes."""
    sleeve = sleeve_of(cut, "long", "cap", "none", "puff", "elbow", "halter")
    neck = "crew" if sleeve == "halter" else neck_of(cut, "boat", "scoop", "square", "v")
    flare = cut.pick(0, 0, 12)
    bodice = Bodice(neck, sleeve, 43, _hem_of(cut, 184), flare, cut.pick(3, 8))
    knot = "M92 178C98 170 104 170 108 178M96 186L86 204M104 186L112 206"
    return _plain(bodice, knot if cut.says("knot", "tie") else "")


def vest_top(cut: Cut) -> Drawing:
    """Vest top: straps."""
    bodice = Bodice(cut.pick("scoop", "square"), "strap", 42, _hem_of(cut, 190), cut.pick(0, 3))
    back = "M71 43Q78 66 100 66Q122 66 129 43"
    return Drawing(
        bodice.outline(),
        (Layer("inside", f"{back}L128 60Q124 80 100 80Q76 80 72 60Z"),),
        (
            *bodice.details()[1:],
            Layer("seam", f"M60 {bodice.hem - 6}Q100 {bodice.hem} 140 {bodice.hem - 6}"),
        ),
        EMBLEM,
    )


def polo(cut: Cut) -> Drawing:
    """Polo shirt."""
    bodice = Bodice("collar", sleeve_of(cut, "short"))
    placket = Layer("seam", "M95 64L95 98L105 98L105 64")
    return Drawing(
        bodice.outline(),
        bodice.inside(),
        (*bodice.details(), placket, *shirt_collar(), button_row(76, 90, 2)),
        EMBLEM,
    )


def shirt(cut: Cut) -> Drawing:
    """Shirt."""
    bodice = Bodice("collar", sleeve_of(cut, "long", "long", "short"), 48, 198, 2)
    pocket = cut.pick("M112 92L133 92L133 110Q122 117 112 110Z", "", "")
    stand_up = cut.says("grandad", "stand-up collar", "band collar")
    collar = (Layer("part", both("M117 43L121 49Q112 60 100 62L100 56Q113 54 117 43Z")),)
    return Drawing(
        bodice.outline(),
        bodice.inside(),
        (
            *bodice.details(),
            Layer("seam", f"M95 62L95 203M105 62L105 203{pocket}"),
            *(collar if stand_up else shirt_collar()),
            button_row(78, 186, 6),
        ),
        None,
    )


def blouse(cut: Cut) -> Drawing:
    """Blouse: a shirt, or with a bow, a frill or gathers."""
    if cut.says("collar", "shirt"):
        return shirt(cut)
    sleeve = sleeve_of(cut, "long", "balloon", "puff", "bell", "balloon")
    kind = cut.pick("bow", "frill", "gather")
    if cut.says("frill", "flounce", "ruffle"):
        kind = "frill"
    bodice = Bodice("v" if kind == "bow" else neck_of(cut, "boat", "crew", "v"), sleeve, 45, 188, 9)
    gathers = both(
        "M108 66C109 76 111 84 116 92M116 62C118 72 121 80 127 88M124 58C127 66 131 74 137 80"
    )
    extra: tuple[Layer, ...] = (Layer("fold", gathers),)
    if kind == "bow":
        bow = "M100 88C92 78 84 80 83 88C84 94 92 94 100 88C108 78 116 80 117 88C116 94 108 94 100 88Z"
        tails = "M99 90L92 124L98 122L101 92ZM101 92L107 126L111 121L103 90Z"
        extra = (Layer("part", bow + tails), Layer("shade", tails))
    if kind == "frill":
        waves = "".join(
            f"M62 {y}Q70 {y + 9} 77 {y}Q85 {y + 9} 92 {y}Q100 {y + 9} 108 {y}Q115 {y + 9} 123 {y}"
            f"Q130 {y + 9} 138 {y}"
            for y in (96, 104)
        )
        extra = (Layer("seam", waves), Layer("fold", gathers))
    return Drawing(bodice.outline(), bodice.inside(), bodice.details() + extra)


def sweater(cut: Cut) -> Drawing:
    """Sweater: ribs at neck, cuffs and hem."""
    neck = neck_of(cut, "crew", "crew", "roll", "v")
    bodice = Bodice(neck, sleeve_of(cut, "long"), 50, 188, 0, 2)
    ribs = "".join(f"M{x} 183L{x} 193" for x in range(54, 150, 4))
    kind = cut.pick("plain", "plain", "cable", "rib")
    if cut.says("cable"):
        kind = "cable"
    knit = {
        "plain": both("M118 66L118 180M136 70L136 182"),
        "rib": "".join(f"M{x} 66L{x} 182" for x in range(64, 140, 6)),
        "cable": "".join(
            f"M{x} {y}C{x + 14} {y + 9} {x + 14} {y + 15} {x} {y + 24}"
            f"M{x + 10} {y}C{x - 4} {y + 9} {x - 4} {y + 15} {x + 10} {y + 24}"
            for x in (80, 110)
            for y in range(72, 170, 24)
        ),
    }[kind]
    return Drawing(
        bodice.outline(),
        () if neck == "roll" else bodice.inside(),
        (Layer("fold", knit), *bodice.details(), Layer("fold", ribs), *_roll_collar(neck)),
        None if kind == "cable" else EMBLEM,
    )


def _roll_collar(neck: str) -> tuple[Layer, ...]:
    if neck != "roll":
        return ()
    roll = "M82 48Q79 30 84 27Q100 31 116 27Q121 30 118 48Q100 58 82 48Z"
    return (
        Layer("part", roll),
        Layer("fold", both("M106 31L107 52M112 30L114 50") + "M100 31L100 53"),
    )


def hoodie(cut: Cut) -> Drawing:
    """Hoodie, with or without a zip."""
    bodice = Bodice("hood", sleeve_of(cut, "long"), 50, 188, 0, 1)
    hood = mirrored("M100 12C122 12 132 30 126 54Q116 66 100 68")
    opening = mirrored("M100 22C114 22 119 34 117 48Q110 59 100 60")
    pocket = both("M100 144L126 144L137 172L100 174")
    cords = both("M107 62C110 74 108 84 110 94")
    zipped = (Layer("metal", "M100 66L100 193"),) if cut.says("zip") else ()
    return Drawing(
        bodice.outline(),
        (),
        (
            Layer("part", hood),
            Layer("inside", opening),
            Layer("seam", pocket),
            *bodice.details(),
            Layer("plain", cords, stroke="#e9e4da", width=2.2),
            *zipped,
        ),
        None if zipped else (100.0, 108.0, 0.8),
    )


def cardigan(cut: Cut) -> Drawing:
    """Cardigan: open in front, buttoned."""
    neck = "crew" if cut.says("round neck") else "v"
    long = cut.says("long cardigan", "long, ")
    bodice = Bodice(neck, sleeve_of(cut, "long"), 49, 210 if long else 190, 0, 2)
    top_of_band = 64 if neck == "crew" else 92
    band = f"M95 {top_of_band}L95 {bodice.hem + 5}M105 {top_of_band}L105 {bodice.hem + 5}"
    pockets = both("M114 156L138 156L138 160L114 160Z") if cut.pick(0, 1) else ""
    return Drawing(
        bodice.outline(),
        bodice.inside(),
        (
            Layer(
                "shade",
                f"M99 {top_of_band}L101 {top_of_band}L101 {bodice.hem + 5}L99 {bodice.hem + 5}Z",
            ),
            Layer("seam", band + pockets),
            *bodice.details(),
            button_row(top_of_band + 10, bodice.hem - 10, cut.pick(5, 6, 7)),
        ),
    )


def bodysuit(cut: Cut) -> Drawing:
    """Bodysuit: with sleeves, closed between the legs."""
    sleeve = sleeve_of(cut, "short", "none", "long")
    upper = Bodice(neck_of(cut, "crew", "scoop"), sleeve, 43, 150)
    legs = "C139 124 142 156 147 180C128 184 116 200 112 220Q106 222 100 222"
    seams = both("M144 178C127 184 114 198 110 217") + "M89 214L111 214"
    return Drawing(
        upper.outline(legs),
        upper.inside(),
        (
            upper.details()[1],
            Layer("seam", seams),
            Layer("dot", dots((94, 217), (100, 217), (106, 217))),
        ),
        EMBLEM,
    )


def waistcoat(cut: Cut) -> Drawing:
    """Waistcoat: tailored, or padded where it is for outdoors."""
    bodice = Bodice("collar" if cut.says("padded", "outdoor", "zip") else "deep", "none", 45, 182)
    if bodice.neck == "collar":
        quilt = "".join(f"M57 {y}Q100 {y + 8} 143 {y}" for y in range(84, 178, 20))
        collar = mirrored("M100 32Q116 30 119 34L122 50Q112 58 100 58")
        front = (Layer("seam", quilt), Layer("part", collar), Layer("metal", "M100 58L100 187"))
        return Drawing(bodice.outline(), (), (*bodice.details(), *front))
    points = both("M146 182L124 182L108 204L100 188")
    welts = both("M114 150L136 146L137 151L115 155Z")
    return Drawing(
        bodice.outline(),
        bodice.inside(),
        (
            *bodice.details(),
            Layer("seam", "M100 112L100 188" + points + welts),
            button_row(122, 178, 4, 103),
        ),
    )


def _plain(bodice: Bodice, extra: str) -> Drawing:
    more = (Layer("seam", extra),) if extra else ()
    emblem = (100.0, min(122.0, bodice.hem - 55), 1.0)
    return Drawing(bodice.outline(), bodice.inside(), bodice.details() + more, emblem)
