"""The progress bars of a stage, read back from the lines that tqdm prints."""

import re
from dataclasses import dataclass
from typing import Final, Self

_NESTED: Final = "\x1b[A"  # tqdm ends the line of a bar below another bar with it
_PATTERN: Final = re.compile(
    r"(?P<title>.+?): +(?:(?P<percent>\d+)%\|.*\| *)?(?P<count>[\d.]+\S*) ?\S* ?\[(?P<rest>.*)\]$"
)


@dataclass(frozen=True)
class Bar:
    """One line of a tqdm bar.

    Attributes:
        fraction: how much is done, from 0 to 1; None where the bar has no total.
        detail: title, count and the values that the bar shows.
        is_nested: whether it stands below another bar.
    """

    fraction: float | None
    detail: str
    is_nested: bool = False

    @classmethod
    def parse(cls, line: str) -> Self | None:
        """Return the bar that a line of output shows; None for any other line.

        >>> Bar.parse("elbow:  50%|█████     | 5/10 [00:11<00:11,  2.26s/k]")
        Bar(fraction=0.5, detail='elbow 5/10', is_nested=False)
        >>> Bar.parse("cvae on cpu: 7it [01:17, 12.90s/it, map12=0.0757]")
        Bar(fraction=None, detail='cvae on cpu 7it map12=0.0757', is_nested=False)
        >>> Bar.parse("INFO __main__: customers: 20000 rows")
        """
        match = _PATTERN.match(line.removesuffix(_NESTED))
        if match is None:
            return None
        percent = match["percent"]
        extra = [part for part in match["rest"].split(", ")[1:] if "=" in part]
        detail = " ".join([match["title"], match["count"], *extra])
        fraction = None if percent is None else int(percent) / 100
        return cls(fraction, detail, is_nested=line.endswith(_NESTED))
