"""Foreign text on pages and in markdown: shown as it is, never read as markup.

Markdown is read by three programs that differ: Prefect's pages decode few entities, MLflow's honour
few backslashes, and markdown-it is strict. What is used here works in all of them. Brackets of an
interval stay as they are; a link needs "](".
"""

import re
from typing import Any, Final

import pandas as pd

_ACTING: Final = (
    *(0x7F, *range(0x80, 0xA0)),  # controls beyond ASCII's first 32
    *(0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)),  # of direction
)
_SIGNS: Final = {code: chr(0x2400 + code) for code in range(32) if chr(code) not in "\t\n"}
_CONTROLS: Final = _SIGNS | dict.fromkeys(_ACTING, "\N{REPLACEMENT CHARACTER}")
_ENTITIES: Final = {ord("&"): "&amp;", ord("<"): "&lt;", ord(">"): "&gt;"}
_MARKUP: Final = re.compile(
    r"""
    [\\`*|~]               # code, emphasis, the next cell of a table
    | (?<![^\W_])_ | _(?![^\W_])  # emphasis again; an underscore within a name is none
    | \](?=[(\[:])         # a link
    | ^[\[#+-]             # a task, a heading, a list
    | (?<=^\d)[.)] | (?<=^\d\d)[.)] | (?<=^\d\d\d)[.)] | (?<=^\d\d\d\d)[.)]  # a numbered list
    """,
    re.VERBOSE,
)

_FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r")


def printable(text: str) -> str:
    r"""Return text with signs in place of characters that act: controls and changes of direction.

    >>> printable("\x1b[31mred\x1b[0m")
    '␛[31mred␛[0m'
    """
    return text.translate(_CONTROLS)


def escape_markdown(text: str) -> str:
    r"""Return text as one line that markdown shows as it is, also in a cell of a table.

    >>> print(escape_markdown("<b>a | b</b> [+0.1, +0.2] als_small *"))
    &lt;b&gt;a \| b&lt;/b&gt; [+0.1, +0.2] als_small \*
    """
    line = " ".join(printable(text).split())
    return _MARKUP.sub(r"\\\g<0>", line).translate(_ENTITIES)


def spreadsheet_safe(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows with an apostrophe before every text that a spreadsheet would compute.

    >>> spreadsheet_safe(pd.DataFrame({"group": ["=1+1", "25-34"], "gap": [-0.1, 0.2]}))
       group  gap
    0  '=1+1 -0.1
    1  25-34  0.2
    """
    return rows.map(_without_formula)


def _without_formula(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULAS) else value
