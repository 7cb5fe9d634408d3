"""Path data of SVG: the right half of a garment is drawn, the left half is its mirror image.

Paths use absolute commands only (M L Q C A Z). The axis of every drawing is x = 100.
"""

import re
from functools import cache
from typing import Final

AXIS: Final = 100
_COMMAND: Final = re.compile(r"([MLQCAZ])([^MLQCAZ]*)")
_NUMBER: Final = re.compile(r"-?[\d.]+")
_Point = tuple[float, float]


@cache
def mirrored(half: str) -> str:
    """Return the closed outline whose right half runs from the top of the axis to its bottom.

    >>> mirrored("M100 10L120 20L100 30")
    'M100 10L120 20L100 30L80 20L100 10Z'
    """
    commands = _parsed(half)
    ends = [points[-1] for _, points in commands]
    back = ""
    for (letter, points), before in zip(reversed(commands), reversed(ends[:-1]), strict=False):
        controls = [_across(point) for point in reversed(points[:-1])]
        back += letter + _written([*controls, _across(before)])
    return half + back + "Z"


@cache
def both(path: str) -> str:
    """Return a path and its mirror image.

    >>> both("M110 5L120 9")
    'M110 5L120 9M90 5L80 9'
    """
    return path + flipped(path)


@cache
def flipped(path: str) -> str:
    """Return the mirror image of a path."""
    image = ""
    for letter, text in _COMMAND.findall(path):
        numbers = [float(one) for one in _NUMBER.findall(text)]
        if letter == "A":
            radius_x, radius_y, turn, is_large, sweep, x, y = numbers
            arc = f"{radius_x:g} {radius_y:g} {-turn:g} {is_large:g} {1 - sweep:g} "
            image += f"A{arc}{2 * AXIS - x:g} {y:g}"
        else:
            image += letter + _written([_across(point) for point in _pairs(numbers)])
    return image


@cache
def moved(path: str, right: float, down: float, scale: float = 1.0) -> str:
    """Return a path around the origin, scaled and then moved.

    >>> moved("M-1 0L1 0", 50, 20, 2)
    'M48 20L52 20'
    """
    placed = ""
    for letter, text in _COMMAND.findall(path):
        numbers = [float(one) for one in _NUMBER.findall(text)]
        fixed = ""
        if letter == "A":
            radius_x, radius_y, turn, is_large, sweep, *numbers = numbers
            fixed = f"{radius_x * scale:g} {radius_y * scale:g} {turn:g} {is_large:g} {sweep:g} "
        points = [(right + x * scale, down + y * scale) for x, y in _pairs(numbers)]
        placed += letter + fixed + _written(points)
    return placed


def dots(*places: _Point) -> str:
    """Return a path that a round line cap shows as dots.

    >>> dots((100, 80), (100, 95))
    'M100 80L100 80M100 95L100 95'
    """
    return "".join(f"M{x:g} {y:g}L{x:g} {y:g}" for x, y in places)


@cache
def circle(x: float, y: float, radius: float, *, is_hole: bool = False) -> str:
    """Return a circle as a path; as a hole it runs against the other circles and paths."""
    arc = f"A{radius:g} {radius:g} 0 1 {int(not is_hole)}"
    return f"M{x - radius:g} {y:g}{arc} {x + radius:g} {y:g}{arc} {x - radius:g} {y:g}Z"


def _parsed(path: str) -> list[tuple[str, list[_Point]]]:
    found = _COMMAND.findall(path)
    return [
        (letter, _pairs([float(one) for one in _NUMBER.findall(text)])) for letter, text in found
    ]


def _pairs(numbers: list[float]) -> list[_Point]:
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def _across(point: _Point) -> _Point:
    return 2 * AXIS - point[0], point[1]


def _written(points: list[_Point]) -> str:
    return " ".join(f"{round(x, 1):g} {round(y, 1):g}" for x, y in points)
