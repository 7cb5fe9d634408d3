"""What a drawing of an article consists of, and what decides between the variants of a type."""

# ruff: noqa: E501  (path data is not broken)

from dataclasses import dataclass
from hashlib import blake2b
from typing import Final, Literal, TypeVar

_T = TypeVar("_T")
Look = Literal[
    "part",
    "gem",
    "seam",
    "fold",
    "stitch",
    "tick",
    "dot",
    "eye",
    "metal",
    "cord",
    "wire",
    "chain",
    "inside",
    "shade",
    "light",
    "gleam",
    "sole",
    "pale",
    "tag",
    "hole",
    "lit",
    "plain",
]
"""How a layer looks; garments.css has a class for each.

part, gem: of the garment's colour, with an outline. seam, stitch, tick, fold: lines, the last one
faint. dot, eye: buttons and eyes. metal: zips and buckles. cord, wire, chain: lines of the garment's
colour. inside, shade, light, gleam: darker and lighter areas. sole: rubber. pale, tag: paper. hole:
what shows the background. lit: the cloth again, under a light from the left. plain: as its own colour says.
"""


@dataclass(frozen=True, slots=True)
class Layer:
    """One path of a drawing; fill and stroke only where it has a colour of its own."""

    look: Look
    path: str
    fill: str = ""
    stroke: str = ""
    width: float = 0


@dataclass(frozen=True, slots=True)
class Drawing:
    """A garment: what lies behind its fabric, the fabric that carries the pattern, what lies on it.

    Attributes:
        fabric: closed paths.
        behind: layers below the fabric.
        front: layers above it.
        emblem: centre and size of a print on it, or none: then it takes an all-over pattern.
        floor: half width of its shadow; 0 where it hangs.
    """

    fabric: str
    behind: tuple[Layer, ...] = ()
    front: tuple[Layer, ...] = ()
    emblem: tuple[float, float, float] | None = None
    floor: int = 50


_LIMIT: Final = 1 << 64


class Cut:
    """What an article's name and description say about its shape, and a draw for what they don't.

    Articles of one product code get the same answers.
    """

    def __init__(self, words: str, product_code: str) -> None:
        self._words = words.lower()
        self._drawn = int.from_bytes(blake2b(product_code.encode(), digest_size=8).digest())

    def says(self, *phrases: str) -> bool:
        """Return whether the text contains one of the phrases."""
        return any(phrase in self._words for phrase in phrases)

    def pick(self, *choices: _T) -> _T:
        """Return one of the choices; successive calls draw independently."""
        self._drawn = (self._drawn * 6364136223846793005 + 1442695040888963407) % _LIMIT
        return choices[(self._drawn >> 40) % len(choices)]
