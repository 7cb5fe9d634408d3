"""Which rows of a score table differ by more than chance, as one sentence under each table.

Two rows differ significantly where the paired 95 % interval of their difference lies on one side of
zero and, for the metric that is tested, the corrected p-value is at most 0.05. With fewer customers
than `min_customers` nothing is significant: the intervals hold then as well, but who happened to
buy in that week decides.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self

import numpy as np
import pandas as pd

from hemline.evaluation.protocol import ORACLE

LEVEL: Final = 0.05


@dataclass(frozen=True)
class SignificantRows:
    """Rows of a table by how they compare with a reference.

    Attributes:
        reference: the row they are compared with.
        n_customers: of the comparison.
        is_enough: whether these are enough customers to tell anything.
        better: rows with larger values, beyond chance.
        worse: rows with smaller values, beyond chance.
        alike: rows of which neither is shown.
    """

    reference: str
    n_customers: int
    is_enough: bool
    better: list[str] = field(default_factory=list)
    worse: list[str] = field(default_factory=list)
    alike: list[str] = field(default_factory=list)

    @classmethod
    def among(cls, lines: pd.DataFrame, reference: str, *, min_customers: int) -> Self:
        """Return which rows differ significantly from the reference.

        Args:
            lines: of one slice and metric of `score_table`; neither the reference nor the oracle
                is compared.
            reference: a row of the table.
            min_customers: with fewer, nothing is significant.
        """
        n_customers = int(lines["n_customers"].iloc[0])
        parts = cls(reference, n_customers, n_customers >= min_customers)
        for line in _compared(lines, reference):
            side = parts.alike
            if parts.is_enough and _differs(line, reference):
                side = parts.better if line[f"over_{reference}"] > 0 else parts.worse
            side.append(str(line["model"]))
        return parts

    @property
    def rows(self) -> list[str]:
        """The rows that differ significantly."""
        return [*self.better, *self.worse]

    def sentence(self, metric: str) -> str:
        """Return what is significant in this metric and what is not."""
        if not self.is_enough:
            return too_few(self.n_customers)
        if not self.rows:
            return f"In {metric} no row differs significantly from {self.reference}."
        sides = [
            f"{', '.join(rows)} ({word})"
            for rows, word in ((self.better, "higher"), (self.worse, "lower"))
            if rows
        ]
        found = f"Significantly different from {self.reference} in {metric}: {'; '.join(sides)}."
        return (
            f"{found} Not significantly different: {', '.join(self.alike)}."
            if self.alike
            else found
        )


def too_few(n_customers: int) -> str:
    """Return the sentence for fewer customers than a comparison needs."""
    return f"{n_customers:,} customers are too few for a significant difference between rows."


def not_significant(
    table: pd.DataFrame, reference: str, metrics: Sequence[str], *, min_customers: int
) -> dict[str, list[str]]:
    """Return, by metric, the rows that do not differ significantly from the reference, if any.

    Args:
        table: of one slice of `score_table`.
        reference: a row of the table.
        metrics: which metrics.
        min_customers: with fewer, nothing is significant.
    """
    alike = {
        metric: SignificantRows.among(
            table[table["metric"] == metric], reference, min_customers=min_customers
        ).alike
        for metric in metrics
    }
    return {metric: rows for metric, rows in alike.items() if rows}


def _compared(lines: pd.DataFrame, reference: str) -> Iterator[dict[Any, Any]]:
    yield from lines[~lines["model"].isin([reference, ORACLE])].to_dict("records")


def _differs(line: dict[Any, Any], reference: str) -> bool:
    low, high, p_value = (float(line[f"over_{reference}{end}"]) for end in ("_low", "_high", "_p"))
    return (low > 0 or high < 0) and (np.isnan(p_value) or p_value <= LEVEL)
