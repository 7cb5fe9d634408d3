"""Names and descriptions of articles, composed from a small grammar of our own.

A description follows the order of a real one: type and material, cut, details, pattern and a
closing remark. There is one text per product code, shared by its colour siblings.
"""

from typing import Final, NamedTuple

from hemline.data.synthetic.vocabulary import GRAPHICS, read_assortment


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
"""Closing remarks of every family, behind its own."""


def _words(cell: object) -> tuple[str, ...]:
    return tuple(filter(None, str(cell).split("; ")))


FAMILIES: Final = {
    str(row.Index): Family(
        _words(row.materials), _words(row.cuts), _words(row.details), _words(row.closings) + _CARE
    )
    for row in read_assortment("description_families").itertuples()
}
_PHRASES: Final = GRAPHICS["phrase"].to_dict()

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
    family, pattern = FAMILIES[family_name], _PHRASES[graphic]
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
