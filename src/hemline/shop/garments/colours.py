"""The 50 colour groups of the articles, and what goes with a colour."""

# ruff: noqa: E501  (path data is not broken)

from functools import cache
from typing import Final

HEX: Final = {
    "Beige": "#d2bb98", "Black": "#27272c", "Blue": "#4b7ab5", "Bronze/Copper": "#a86a40",
    "Dark Beige": "#ad916a", "Dark Blue": "#27395e", "Dark Green": "#2c5240", "Dark Grey": "#54575d",
    "Dark Orange": "#bd5829", "Dark Pink": "#cc4a82", "Dark Purple": "#553560", "Dark Red": "#7c2231",
    "Dark Turquoise": "#1e6b71", "Dark Yellow": "#c6982a", "Gold": "#c8a24c", "Green": "#5b9861",
    "Greenish Khaki": "#78784f", "Grey": "#989ba0", "Greyish Beige": "#a59b8c",
    "Light Beige": "#e6d8c2", "Light Blue": "#a9c6e1", "Light Green": "#b9d4ab", "Light Grey": "#cfd1d4",
    "Light Orange": "#f5ba8f", "Light Pink": "#f2cbd0", "Light Purple": "#c9b5dc", "Light Red": "#e67169",
    "Light Turquoise": "#aedcd9", "Light Yellow": "#f4e6a0", "Off White": "#f2ecdf", "Orange": "#ed7d37",
    "Other": "#b39dc0", "Other Blue": "#5a82c4", "Other Green": "#7aa95d", "Other Orange": "#ef884a",
    "Other Pink": "#ed84ae", "Other Purple": "#8a60a7", "Other Red": "#d44343",
    "Other Turquoise": "#4cb1b3", "Other Yellow": "#e6cd4b", "Pink": "#e498ac", "Purple": "#8d6aae",
    "Red": "#c72d34", "Silver": "#b8bdc4", "Transparent": "#e4ebee", "Turquoise": "#3ca5a5",
    "Unknown": "#b8b3ab", "White": "#fbfaf7", "Yellow": "#f1c93b", "Yellowish Brown": "#885e35",
}  # fmt: skip
_ON_DARK: Final = (
    ("#f1e7d4", "#d7866f", "#86aca0"),
    ("#f4f1ea", "#e0b34f", "#9db7d8"),
    ("#eec6ca", "#f3ead9", "#a5b98a"),
    ("#d8e2ea", "#e4a35f", "#c7d3a6"),
    ("#f6eee2", "#c96b6b", "#7fa3c0"),
)
_ON_LIGHT: Final = (
    ("#33475f", "#c4573f", "#d9a441"),
    ("#3f5d4b", "#d77f74", "#e5c07b"),
    ("#6d4a63", "#e39a7b", "#5f8f93"),
    ("#2f4858", "#86bbd8", "#f26b4e"),
    ("#5a3e36", "#b5651d", "#7c9070"),
)
_DARK: Final = 0.36


def hex_of(colour_group: str) -> str:
    """Return the colour of a group; one that is not known is grey.

    >>> hex_of("Black"), hex_of("Plaid of the future")
    ('#27272c', '#b8b3ab')
    """
    return HEX.get(colour_group, HEX["Unknown"])


@cache
def mixed(one: str, other: str, share: float) -> str:
    """Return a colour with a share of another one.

    >>> mixed("#000000", "#ffffff", 0.5)
    '#808080'
    """
    pairs = zip(_channels(one), _channels(other), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


@cache
def is_dark(colour: str) -> bool:
    """Return whether lines on it have to be light."""
    red, green, blue = _channels(colour)
    return (0.299 * red + 0.587 * green + 0.114 * blue) / 255 < _DARK


@cache
def ink_on(colour: str) -> str:
    """Return the colour of seams and outlines."""
    return mixed(colour, "#ffffff", 0.5) if is_dark(colour) else mixed(colour, "#1c1714", 0.62)


def accents(colour: str, choice: int) -> tuple[str, str, str]:
    """Return three colours for a print on it."""
    palettes = _ON_DARK if is_dark(colour) else _ON_LIGHT
    return palettes[choice % len(palettes)]


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
