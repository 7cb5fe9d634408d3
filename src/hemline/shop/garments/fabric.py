"""A piece of fabric that repeats, and the colours it is painted with."""

from dataclasses import dataclass
from math import cos, sin, tau

from hemline.shop.garments.colours import accents, is_dark, mixed
from hemline.shop.garments.drawing import Layer


@dataclass(frozen=True, slots=True)
class Paints:
    """The colours of a pattern: the fabric's own, lighter and darker, and three others."""

    base: str
    pale: str
    deep: str
    first: str
    second: str
    third: str

    @classmethod
    def of(cls, base: str, choice: int) -> "Paints":
        """Return the colours for a fabric."""
        return cls(
            base, mixed(base, "#ffffff", 0.32), mixed(base, "#000000", 0.24), *accents(base, choice)
        )

    @property
    def line(self) -> str:
        """The one of lighter and darker that shows."""
        return self.pale if is_dark(self.base) else self.deep


@dataclass(frozen=True, slots=True)
class Pattern:
    """A piece of fabric that repeats.

    Attributes:
        width, height: of the piece.
        marks: on it.
        turn: degrees by which the whole fabric is turned.
    """

    width: float
    height: float
    marks: tuple[Layer, ...]
    turn: int = 0


def fill(path: str, colour: str) -> Layer:
    """Return a filled mark."""
    return Layer("plain", path, fill=colour)


def draw(path: str, colour: str, width: float = 1) -> Layer:
    """Return a drawn line."""
    return Layer("plain", path, stroke=colour, width=width)


def flower(x: float, y: float, size: float) -> str:
    """Return a flower of five petals around a point."""
    valleys = [
        (round(x + size * sin(tau * i / 5), 1), round(y - size * cos(tau * i / 5), 1))
        for i in range(6)
    ]
    petal = f"A{size * 0.62:.2g} {size * 0.62:.2g} 0 1 1 "
    start, *others = (f"{right:g} {down:g}" for right, down in valleys)
    return f"M{start}" + "".join(petal + one for one in others)


def star(size: float) -> str:
    """Return a star of five points around the origin."""
    corners = [
        (round(r * sin(tau * i / 10), 1), round(-r * cos(tau * i / 10), 1))
        for i, r in enumerate([size, size * 0.42] * 5)
    ]
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in corners) + "Z"
