"""Names and descriptions of articles, composed from a small grammar of our own.

A description follows the order of a real one: type and material, cut, details, pattern and a
closing remark. There is one text per product code, shared by its colour siblings.
"""

from typing import Final, NamedTuple

from hemline.data.synthetic.vocabulary import GRAPHICS


class Family(NamedTuple):
    """The words and phrases from which descriptions of a family of types are drawn."""

    materials: tuple[str, ...]
    cuts: tuple[str, ...]
    details: tuple[str, ...]
    closings: tuple[str, ...]


_CARE: Final = (
    "",
    "",
    "Made partly from recycled fibres.",
    "Grown or spun to a certified standard.",
)

FAMILIES: Final = {
    "jersey": Family(
        ("soft cotton jersey", "ribbed jersey", "airy viscose jersey", "stretchy modal jersey"),
        ("close-fitting", "boxy", "relaxed", "gently shaped", "cropped"),
        ("a round neckline", "narrow straps", "short sleeves", "a V-neck", "long sleeves",
         "a gathered side seam", "a slit at the hem"),
        ("Unlined.", *_CARE),
    ),
    "knit": Family(
        ("a fine merino blend", "a chunky rib knit", "a fluffy knit", "a soft cotton knit"),
        ("oversized", "straight", "slightly shorter", "fitted"),
        ("dropped shoulders", "a polo neck", "ribbed cuffs", "balloon sleeves", "a wide neckline",
         "buttons down the front", "a longer back"),
        ("Some wool for warmth.", *_CARE),
    ),
    "sweat": Family(
        ("brushed sweatshirt fabric", "light sweatshirt fabric", "scuba fabric"),
        ("roomy", "regular", "cropped"),
        ("a drawstring hood", "a kangaroo pocket", "ribbed hems", "a zip down the front"),
        ("Soft inside.", *_CARE),
    ),
    "woven": Family(
        ("crisp cotton poplin", "flowing satin", "crêpe viscose", "a linen blend", "chiffon"),
        ("straight", "loose", "tailored", "softly draped"),
        ("a pointed collar", "puff sleeves", "a tie at the neck", "buttoned cuffs",
         "a concealed placket", "pleats at the shoulders", "a frill along the yoke"),
        ("Unlined.", *_CARE),
    ),
    "outer": Family(
        ("a sturdy twill", "wool-blend felt", "padded nylon", "imitation leather", "bonded jersey"),
        ("single-breasted", "straight-cut", "waisted", "roomy"),
        ("notch lapels", "welt pockets", "a stand-up collar", "a detachable hood",
         "a two-way zip", "a vent at the back", "press-studs at the cuffs"),
        ("Lined.", "Partly lined.", "Water-repellent.", *_CARE),
    ),
    "trousers": Family(
        ("stretch twill", "washed denim", "a linen weave", "suiting fabric", "soft corduroy"),
        ("slim", "wide-legged", "straight", "tapered", "ankle-length"),
        ("a high waist", "elastication at the waist", "side pockets", "pressed creases",
         "a zip fly and button", "turn-ups at the hems", "back pockets"),
        _CARE,
    ),
    "leggings": Family(
        ("fast-drying functional fabric", "thick jersey", "seamless rib"),
        ("full-length", "cropped", "supportive"),
        ("a wide waistband", "a hidden key pocket", "flat seams", "slits at the hems"),
        ("Made for movement.", *_CARE),
    ),
    "skirt": Family(
        ("pleated satin", "rigid denim", "crinkled viscose", "imitation suede", "jersey"),
        ("short", "calf-length", "A-line", "wrapover"),
        ("a high waist", "a concealed zip", "a slit at the front", "a tie belt", "a flounced hem"),
        ("Lined.", "Unlined.", *_CARE),
    ),
    "dress": Family(
        ("crêpe viscose", "cotton poplin", "soft jersey", "satin", "lace", "chiffon"),
        ("short", "fitted", "calf-length", "A-line", "loose"),
        ("a V-neck", "puff sleeves", "a seam at the waist", "narrow straps", "a tie belt",
         "a smocked back", "a tiered skirt", "an open back"),
        ("Lined.", "Unlined.", *_CARE),
    ),
    "set": Family(
        ("cotton jersey", "soft sweatshirt fabric", "a cotton weave"),
        ("two-piece", "matching", "comfortable"),
        ("press-studs on one shoulder", "an elasticated waist", "ribbed cuffs", "a small collar"),
        _CARE,
    ),
    "underwear": Family(
        ("microfibre", "lace", "soft cotton", "mesh"),
        ("low-waisted", "softly padded", "underwired", "non-wired", "high-cut"),
        ("adjustable straps", "a hook fastening", "laser-cut edges", "a lined gusset",
         "a lace trim", "moulded cups"),
        ("Sold in packs.", *_CARE),
    ),
    "nightwear": Family(
        ("soft flannel", "satin", "cotton jersey", "brushed cotton"),
        ("relaxed", "wide", "short", "long"),
        ("a buttoned front", "a drawstring waist", "piped edges", "a chest pocket"),
        _CARE,
    ),
    "swim": Family(
        ("glossy swim fabric", "ribbed swim fabric", "textured swim fabric"),
        ("fully lined", "high-cut", "bandeau", "triangle"),
        ("ties at the sides", "removable cups", "narrow straps", "a medium waist",
         "gathers at the front", "an open back"),
        ("Dries fast.", *_CARE),
    ),
    "socks": Family(
        ("a fine cotton blend", "soft rib knit", "40 denier yarn", "a wool blend"),
        ("ankle-length", "knee-high", "invisible"),
        ("an elasticated top", "reinforced toes", "a flat seam", "anti-slip dots"),
        ("Sold in packs.", *_CARE),
    ),
    "shoes": Family(
        ("imitation suede", "grained imitation leather", "cotton canvas", "smooth leather"),
        ("pointed", "chunky", "low", "high-shafted"),
        ("a block heel", "laces at the front", "a padded edge", "an adjustable strap",
         "fabric linings", "a profiled sole"),
        ("Heel about 6 cm.", "Flat sole.", *_CARE),
    ),
    "headwear": Family(
        ("rib knit", "cotton twill", "straw", "wool felt"),
        ("soft", "structured", "turn-up"),
        ("a wide brim", "a pompom", "an adjustable tab", "a sweatband"),
        _CARE,
    ),
    "bag": Family(
        ("imitation leather", "recycled nylon", "cotton canvas", "woven straw"),
        ("small", "roomy", "boxy"),
        ("a magnetic fastener", "an adjustable shoulder strap", "two handles", "a zipped pocket"),
        ("Lined.", *_CARE),
    ),
    "belt": Family(
        ("imitation leather", "smooth leather", "braided cord"),
        ("narrow", "wide", "waist"),
        ("a metal buckle", "a loop", "punched holes"),
        _CARE,
    ),
    "scarf": Family(
        ("woven wool blend", "soft acrylic knit", "light viscose"),
        ("long", "square", "tubular"),
        ("fringes on the short sides", "raw edges", "ribbed cuffs"),
        _CARE,
    ),
    "jewellery": Family(
        ("polished metal", "metal with glass stones", "resin beads"),
        ("delicate", "large", "layered"),
        ("a lobster clasp", "hanging charms", "a hoop of 3 cm", "small pearls"),
        ("Nickel-tested.", *_CARE),
    ),
    "hair": Family(
        ("covered elastic", "velvet", "satin", "plastic"),
        ("knotted", "slim", "wide"),
        ("a bow on top", "small teeth", "a braided band"),
        _CARE,
    ),
    "eyewear": Family(
        ("plastic", "metal", "tinted plastic"),
        ("round", "angular", "narrow"),
        ("tinted lenses", "UV protection", "plain temples"),
        _CARE,
    ),
    "toy": Family(
        ("plush", "wood", "soft cotton"),
        ("small", "cuddly", "colourful"),
        ("embroidered eyes", "a rattle inside", "a loop to hang it by"),
        ("From birth.", *_CARE),
    ),
    "cosmetic": Family(
        ("a creamy blend", "a light gel", "fine powder"),
        ("long-lasting", "sheer"),
        ("a mirror in the lid", "a soft brush"),
        _CARE,
    ),
    "object": Family(
        ("metal", "cotton", "wood", "mesh"),
        ("small", "plain", "practical"),
        ("rounded edges", "a loop to hang it by", "a zip"),
        _CARE,
    ),
    "plain": Family(
        ("a cotton weave", "soft jersey", "a blend of fibres"),
        ("regular", "loose"),
        ("a simple finish", "side seams", "a narrow hem"),
        _CARE,
    ),
}  # fmt: skip

_MATERIALS: Final = {
    "Denim": "washed denim",
    "Lace": "lace",
    "Chambray": "chambray",
    "Mesh": "mesh",
}
"""Graphical appearances that are a material rather than a pattern on one."""
_NOUNS: Final = {"Unknown": "piece", "Hair/alice band": "hair band"}

_STARTS: Final = ("Mel", "Ro", "Ka", "Sun", "Tor", "Ve", "Lin", "Bri", "Da", "Os", "Fay", "Ju",
                  "Al", "Ne", "Pia", "Win", "Cor", "Ed", "Ya", "Ti")  # fmt: skip
_ENDS: Final = ("va", "mi", "da", "nne", "sa", "lo", "rie", "ka", "to", "line", "ra", "bel", "ny",
                "la", "wen", "co", "da", "sie")  # fmt: skip


N_DICE: Final = 5
"""Random numbers that the texts of a product need; any size, used modulo the choices."""


def compose_name(type_name: str, dice: list[int]) -> str:
    """Return a product name: an invented first name and the type.

    >>> compose_name("T-shirt", [0, 1, 0, 0, 0])
    'Melmi t-shirt'
    """
    return f"{_pick(_STARTS, dice[0])}{_pick(_ENDS, dice[1])} {_noun(type_name)}"


def compose_description(type_name: str, family_name: str, graphic: str, dice: list[int]) -> str:
    """Return the description of a product of a type, a family and a graphical appearance.

    >>> compose_description("Belt", "belt", "Solid", [0, 0, 0, 0, 0])
    'Narrow belt in imitation leather. It has a metal buckle and a loop.'
    """
    family, pattern = FAMILIES[family_name], GRAPHICS[graphic][2]
    cut, material = _pick(family.cuts, dice[0]), _pick(family.materials, dice[1])
    if graphic in _MATERIALS:
        material, pattern = _MATERIALS[graphic], ""
    details = family.details
    other = dice[2] + 1 + dice[3] % (len(details) - 1)  # never the same detail twice
    sentences = [
        f"{cut.capitalize()} {_noun(type_name)} in {material}"
        + (f" with {pattern}." if pattern else "."),
        f"It has {_pick(details, dice[2])} and {_pick(details, other)}.",
        _pick(family.closings, dice[4]),
    ]
    return " ".join(sentence for sentence in sentences if sentence)


def _noun(type_name: str) -> str:
    return _NOUNS.get(type_name, type_name.split("/", maxsplit=1)[0].lower())


def _pick(words: tuple[str, ...], die: int) -> str:
    return words[die % len(words)]
