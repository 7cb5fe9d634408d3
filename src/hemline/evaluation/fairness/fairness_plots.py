"""The audit's pictures as png bytes that depend on the tables only; for the page and for files."""

from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from hemline.evaluation.fairness.audit import Audit
from hemline.evaluation.fairness.exposure import FITTING, OVER, UNCLEAR, UNDER
from hemline.evaluation.fairness.fairness_measures import BOUGHT
from hemline.evaluation.fairness.fairness_text import label
from hemline.evaluation.fairness.outcomes import PRECISION, RECALL
from hemline.evaluation.protocol import AP, SERVED
from hemline.plots import literal

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_BLUE, _RED, _GREY, _PALE = "#3b6ea5", "#a5413b", "#9a9a9a", "#cccccc"
_COLOURS: Final = (_BLUE, "#d08c3f", "#5f9e6e", _RED, "#7d6ba8", "#8c8c8c")
_VERDICT_COLOURS: Final = {UNDER: _RED, FITTING: _GREY, OVER: _BLUE, UNCLEAR: _PALE}
_LEAST_RATIO: Final = 1 / 16


def draw_outcomes(audit: Audit) -> bytes:
    """Return recall and precision of every group with intervals, a panel per attribute."""
    attributes = [grouping.attribute for grouping in audit.groupings]
    figure = _figure(13, 6.2)
    axes = figure.subplots(2, len(attributes), squeeze=False)
    for panels, measure in zip(axes, (RECALL, PRECISION), strict=True):
        lines = _of(audit.groups, row=SERVED, measure=measure)
        is_large = lines["n_customers"] >= audit.groupings[0].min_group
        # Small groups' intervals may leave the picture, so that the others can be distinguished.
        widest = lines["high"][is_large].max() if is_large.any() else lines["high"].max()
        for axis, name in zip(panels, attributes, strict=True):
            is_own = lines["attribute"] == name
            _dots(axis, lines[is_own], is_large[is_own])
            axis.set(xlim=(0, 1.08 * max(widest, 0.01)), title=f"{measure} by {label(name)}")
    return _png(figure)


def draw_composition(audit: Audit) -> bytes:
    """Return how lists, and purchases of the test week, divide among kinds of articles by group."""
    figure = _figure(13, 6.2)
    panels = figure.subplots(1, 2, sharey=True)
    titles = {SERVED: "places of the served lists", BOUGHT: "bought in the test week"}
    for axis, (row, title) in zip(panels, titles.items(), strict=True):
        _stacks(axis, _of(audit.groups, row=row, measure=audit.composition))
        axis.set_title(title)
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=len(names), frameon=False)
    return _png(figure)


def draw_exposure(audit: Audit) -> bytes:
    """Return places over sales of every article category that sells, on a doubling scale."""
    lines = _of(audit.exposure, row=SERVED)
    lines = lines[lines["sold"] > 0].iloc[::-1]
    figure = _figure(11, 0.23 * len(lines) + 1.1)
    axis = figure.subplots()
    places = np.arange(len(lines))
    ends = (lines[end] / lines["sold"] for end in ("low", "high", "places"))
    low, high, ratio = (end.clip(lower=_LEAST_RATIO).to_numpy() for end in ends)
    colours = [_VERDICT_COLOURS[verdict] for verdict in lines["verdict"]]
    axis.hlines(places, low, high, color="#555555", linewidth=1.5)
    axis.scatter(ratio, places, c=colours, zorder=3)
    axis.axvline(1, color="#222222", linewidth=1)
    axis.set_xscale("log", base=2)
    axis.xaxis.set_major_formatter(lambda value, _place: f"{value:g}x")
    names = zip(lines["category"], lines["aspect"], strict=True)
    axis.set_yticks(places, [literal(f"{name}  ({label(aspect)})") for name, aspect in names])
    axis.set_xlabel("share of places / share of recent sales")
    return _png(figure)


def draw_reranking(audit: Audit) -> bytes:
    """Return MAP@12 against the mean departure from own mixes, and its gaps by strength."""
    lines = audit.reranking
    figure = _figure(13, 4.2)
    left, right = figure.subplots(1, 2)
    departures, maps = lines["miscalibration"].to_numpy(), lines[AP].to_numpy()
    error = np.abs(lines[["change_low", "change_high"]].to_numpy().T - lines["change"].to_numpy())
    left.errorbar(departures, maps, yerr=error, fmt="o-", color=_BLUE, ecolor=_PALE)
    for x, y, strength in zip(departures, maps, lines["strength"], strict=True):
        left.annotate(f"{strength:g}", (x, y), (5, 6), textcoords="offset points", fontsize=8)
    left.set(xlabel="mean departure from the customer's own mix (nats)", ylabel=AP)
    gaps = [name for name in lines.columns if name.startswith("gap ")]
    for colour, name in zip(_COLOURS, gaps, strict=False):
        right.plot(lines["strength"], lines[name], "o-", color=colour, label=label(name[4:]))
    right.set(xlabel="strength", ylabel="gap between groups (nats)", ylim=(0, None))
    if gaps:
        right.legend(frameon=False, title="by")
    return _png(figure)


def _of(lines: pd.DataFrame, **values: str) -> pd.DataFrame:
    return lines[(lines[list(values)] == list(values.values())).all(axis=1)]


def _dots(axis: "Axes", lines: pd.DataFrame, is_large: "pd.Series[bool]") -> None:
    places = -np.arange(len(lines))
    colours = np.where(is_large, _BLUE, _PALE).tolist()
    axis.hlines(places, lines["low"], lines["high"], colors=colours, linewidth=2)
    axis.scatter(lines["value"], places, c=colours, zorder=3)
    axis.axvline(lines["everybody"].iloc[0], color=_RED, linestyle="--", linewidth=1)
    axis.set_yticks(places, _group_names(lines))
    axis.xaxis.set_major_formatter(_percent)


def _stacks(axis: "Axes", lines: pd.DataFrame) -> None:
    """Draw one divided bar per group, with some space between two attributes."""
    groups = lines.drop_duplicates(["attribute", "group"])
    places = -np.arange(len(groups)) - 0.8 * pd.factorize(groups["attribute"])[0]
    start = np.zeros(len(groups))
    for place, (category, part) in enumerate(lines.groupby("category", sort=False)):
        shares = part["value"].to_numpy()
        colour = _COLOURS[place % len(_COLOURS)]
        axis.barh(places, shares, left=start, color=colour, label=literal(str(category)))
        start = start + shares
    axis.set_yticks(places, _group_names(groups))
    axis.set_xlim(0, 1)
    axis.xaxis.set_major_formatter(_percent)


def _group_names(lines: pd.DataFrame) -> list[str]:
    sizes = zip(lines["group"], lines["n_customers"], strict=True)
    return [literal(f"{group} ({size:,})") for group, size in sizes]


def _percent(share: float, _place: Any) -> str:
    return f"{share:.0%}"


def _figure(width: float, height: float) -> "Figure":
    from matplotlib.figure import Figure  # noqa: PLC0415  (slow to import)

    return Figure(figsize=(width, height), layout="constrained")


def _png(figure: "Figure") -> bytes:
    for axis in figure.axes:
        axis.spines[["top", "right"]].set_visible(False)
        axis.title.set_fontsize(10)
        axis.tick_params(labelsize=8)
    buffer = BytesIO()
    figure.savefig(buffer, dpi=120, metadata={"Software": None})
    return buffer.getvalue()
