"""The figures of the reports; the bytes of a png depend on its data only."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

import pandas as pd

from hemline.errors import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LINE: Final = 2


def plot_scores(scores: pd.DataFrame, metric: str, path: Path, *, min_customers: int) -> None:
    """Draw one metric of every model with its interval, for all, warm and cold customers.

    Args:
        scores: lines of the score table (evaluation.table.score_table) for this metric.
        metric: label of the axis.
        path: the png file.
        min_customers: of fewer, the bars are pale and the title says that they are too few.
    """
    parts = [part for part in ("all", "warm", "cold") if part in set(scores["slice"])]
    figure, axes = _panels(len(parts))
    for axis, part in zip(axes, parts, strict=True):
        lines = scores[scores["slice"] == part].iloc[::-1]
        # Where all customers score alike, rounding can put an end on the wrong side of the mean.
        below = (lines["value"] - lines["low"]).clip(lower=0)
        above = (lines["high"] - lines["value"]).clip(lower=0)
        n_customers = int(lines["n_customers"].iloc[0])
        is_small = n_customers < min_customers
        colour = "#cccccc" if is_small else "#3b6ea5"
        names = lines["model"].map(literal)
        axis.barh(names, lines["value"], xerr=[below, above], color=colour, ecolor="#222222")
        warning = ": too few to tell" if is_small else ""
        axis.set(title=f"{part} ({n_customers:,} buyers{warning})", xlabel=metric)
        axis.tick_params(axis="y", labelsize=8)
    _save(figure, path)


def plot_weeks(
    values: pd.DataFrame, n_buyers: "pd.Series[int]", metric: str, path: Path, *, min_customers: int
) -> None:
    """Draw one metric of every model week by week; weeks of few buyers are named so.

    Args:
        values: one line per first day of a week, in order, one column per model.
        n_buyers: of the same weeks.
        metric: label of the axis.
        path: the png file.
        min_customers: with fewer buyers a week's name says that they are too few to tell.
    """
    figure, (axis,) = _panels(1)
    few = {True: "\ntoo few to tell", False: ""}
    weeks = [
        f"{day:%d %b}\n{n_buyers[day]:,} buyers{few[bool(n_buyers[day] < min_customers)]}"
        for day in values.index
    ]
    for number, model in enumerate(values.columns):
        # After ten models the colours repeat, so the line style changes.
        line = ("-", "--", ":")[number // 10 % 3]
        axis.plot(weeks, values[model], marker="o", linestyle=line, label=literal(str(model)))
    axis.set(xlabel="week from", ylabel=metric)
    figure.legend(loc="outside right upper", fontsize=8)
    _save(figure, path)


def plot_importance(gains: pd.DataFrame, path: Path, n_features: int = 25) -> None:
    """Draw the share of the gain of the leading features (columns feature, gain_share, sorted)."""
    figure, (axis,) = _panels(1)
    lines = gains.head(n_features).iloc[::-1]
    axis.barh(lines["feature"], lines["gain_share"], color="#3b6ea5")
    axis.set(title="feature importance of the ranker", xlabel="share of the gain")
    axis.tick_params(axis="y", labelsize=7)
    _save(figure, path)


def plot_curve(curve: pd.DataFrame, path: Path) -> None:
    """Draw the CVAE's training curve: loss and KL on the left, validation MAP@12 on the right."""
    figure, (left, right) = _panels(2)
    marker = "o" if len(curve) < _LINE else ""  # a line needs two points to be seen
    left.plot(curve["epoch"], curve["reconstruction"], marker=marker, label="reconstruction")
    left.plot(curve["epoch"], curve["kl"], marker=marker, label="KL")
    left.set(xlabel="epoch", ylabel="per unit of target weight")
    left.legend()
    right.plot(curve["epoch"], curve["validation_map_at_12"], color="#a5413b", marker=marker)
    right.set(xlabel="epoch", ylabel="validation MAP@12")
    _save(figure, path)


def plot_elbow(elbow: pd.DataFrame, chosen: int, path: Path) -> None:
    """Draw the k-modes cost per customer by number of clusters, the chosen one marked."""
    figure, (axis,) = _panels(1)
    axis.plot(elbow["n_clusters"], elbow["cost_per_customer"], marker="o")
    axis.axvline(chosen, color="#a5413b", linestyle="--", label=f"chosen: {chosen}")
    axis.set(xlabel="clusters", ylabel="attributes unlike the mode, per customer")
    axis.legend()
    _save(figure, path)


def literal(text: str) -> str:
    r"""Return text that matplotlib draws as it is: a pair of dollars would be a formula.

    Marks of direction would reorder it, and other control characters have no sign of their own.

    >>> literal("$x$")
    '\\$x\\$'
    """
    return printable(text).replace("$", r"\$")


def _panels(n: int) -> tuple["Figure", "list[Axes]"]:
    from matplotlib.figure import Figure  # noqa: PLC0415  (slow to import)

    figure = Figure(figsize=(5.2 * n, 3.6), layout="constrained")
    return figure, list(figure.subplots(1, n, squeeze=False)[0])


def _save(figure: "Figure", path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110, metadata={"Software": None})
