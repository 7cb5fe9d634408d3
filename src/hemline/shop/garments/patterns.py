"""The 30 graphical appearances of the articles, each with its pattern or print."""

from collections.abc import Callable
from typing import Final

from hemline.shop.garments import prints, weaves
from hemline.shop.garments.drawing import Cut
from hemline.shop.garments.fabric import Paints, Pattern

_DRAWN: Final[dict[str, Callable[[Paints, Cut], Pattern]]] = {
    "All over pattern": prints.all_over,
    "Application/3D": prints.applied,
    "Argyle": weaves.argyle,
    "Chambray": weaves.chambray,
    "Check": weaves.check,
    "Colour blocking": weaves.blocks,
    "Contrast": weaves.contrast,
    "Denim": weaves.denim,
    "Dot": prints.dotted,
    "Embroidery": prints.embroidered,
    "Front print": prints.all_over,
    "Glittering/Metallic": weaves.glitter,
    "Hologram": weaves.hologram,
    "Jacquard": weaves.jacquard,
    "Lace": weaves.lace,
    "Melange": weaves.melange,
    "Mesh": weaves.mesh,
    "Metallic": weaves.metallic,
    "Mixed solid/pattern": weaves.half_patterned,
    "Neps": weaves.neps,
    "Other pattern": weaves.zigzag,
    "Other structure": weaves.structure,
    "Placement print": prints.all_over,
    "Sequin": weaves.sequin,
    "Slub": weaves.slub,
    "Stripe": weaves.stripe,
    "Transparent": weaves.transparent,
    "Treatment": weaves.treatment,
}


APPEARANCES: Final = frozenset({*_DRAWN, "Solid", "Unknown"})

"""All graphical appearances of the articles; one that is not known is drawn as solid."""


IN_ONE_PLACE: Final = frozenset({"Front print", "Placement print"})


def pattern_of(appearance: str, paints: Paints, cut: Cut) -> Pattern | None:
    """Return the pattern of an appearance, or None where the fabric is plain."""
    drawn = _DRAWN.get(appearance)
    return None if drawn is None else drawn(paints, cut)
