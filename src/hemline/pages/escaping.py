r"""Foreign text on pages and in markdown: shown as it is, never read as markup.

Markdown is read by three programs that differ: Prefect's pages decode few entities, MLflow's honour
few backslashes, and markdown-it is strict. What is used here works in all of them, but for one
sign: MLflow shows the backslash in "http\://", which keeps the others from making a link of it.
Brackets of an interval stay as they are; a link needs "](".
"""

import re
from typing import TYPE_CHECKING, Any, Final

from hemline.errors import printable

if TYPE_CHECKING:
    import pandas as pd  # not where a page of the shop is made

_ENTITIES: Final = {ord("&"): "&amp;", ord("<"): "&lt;", ord(">"): "&gt;"}
_MARKUP: Final = re.compile(
    r"""
    [\\`*|~]               # code, emphasis, the next cell of a table
    | (?<![^\W_])_ | _(?![^\W_])  # emphasis again; an underscore within a name is none
    | \](?=[(\[:])         # a link
    | :(?=//) | (?<=[^\W\d_])\.(?=[^\W\d_])  # an address, which some readers make a link
    | ^[\[#+-]             # a task, a heading, a list
    | (?<=^\d)[.)] | (?<=^\d\d)[.)] | (?<=^\d\d\d)[.)] | (?<=^\d\d\d\d)[.)]  # a numbered list
    """,
    re.VERBOSE,
)

_FORMULAS: Final = ("=", "+", "-", "@", "\t")


def escape_markdown(text: str) -> str:
    r"""Return text as one line that markdown shows as it is, also in a cell of a table.

    >>> print(escape_markdown("<b>a | b</b> [+0.1, +0.2] als_small *"))
    &lt;b&gt;a \| b&lt;/b&gt; [+0.1, +0.2] als_small \*
    """
    line = " ".join(printable(text).split())
    return _MARKUP.sub(r"\\\g<0>", line).translate(_ENTITIES)


def escape_plotly(text: str) -> str:
    """Return text that plotly draws as it is: it reads a few tags, links among them, and entities.

    >>> escape_plotly('H&M <a href="http://e.example">x</a>')
    'H&amp;M &lt;a href="http://e.example"&gt;x&lt;/a&gt;'
    """
    return printable(text).translate(_ENTITIES)


def spreadsheet_safe(rows: "pd.DataFrame") -> "pd.DataFrame":
    """Return rows whose text is safe in a csv file that a spreadsheet or a terminal shows.

    Text that a spreadsheet would compute gets an apostrophe. Control characters are shown, also
    because pandas writes a carriage return without quotes and then reads it as the end of a line.

    >>> import pandas as pd
    >>> spreadsheet_safe(pd.DataFrame({"group": ["=1+1", "25-34"], "gap": [-0.1, 0.2]}))
       group  gap
    0  '=1+1 -0.1
    1  25-34  0.2
    """
    return rows.map(_safe)


def _safe(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    text = printable(value)
    return f"'{text}" if text.startswith(_FORMULAS) else text
