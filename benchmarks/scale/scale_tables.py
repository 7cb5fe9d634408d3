"""From costs to rows: sizes side by side, growth exponents, and comparisons with peers."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.record import RESULTS, Row, read_results
from benchmarks.scale.step_costs import StepCost

Costs = Mapping[int, Mapping[str, StepCost]]
"""The costs of the steps, by percent and by name."""

WHOLE = "whole"
_FROM = 10  # percent; below, most of the cost is that of starting a process


def growth_exponent(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """Return b of cost = a * size^b, by least squares of logarithms.

    >>> round(growth_exponent([1, 10, 100], [3, 30, 300]), 6)
    1.0
    """
    slope, _ = np.polyfit(np.log(np.asarray(sizes)), np.log(np.asarray(costs)), 1)
    return float(slope)


def with_whole(costs: Costs, stages: Sequence[str]) -> dict[int, dict[str, StepCost]]:
    """Return the costs and, where all stages ran, `whole`: their sum and their highest peak."""
    return {
        percent: {**steps, **_whole([steps[name] for name in stages if name in steps], len(stages))}
        for percent, steps in costs.items()
    }


def rows_of(
    costs: Costs, transactions: Mapping[int, int], settings: dict[str, Any]
) -> Iterator[Row]:
    """Yield a row per number."""
    names = dict.fromkeys(name for steps in costs.values() for name in steps)
    queries = {
        name for steps in costs.values() for name in steps if "p50 ms" in steps[name].reported
    }
    for name in names:
        if name not in settings["peers"] and name not in queries:
            sizes = {percent: steps[name] for percent, steps in costs.items() if name in steps}
            yield from _step_rows(_words(name, settings), sizes, transactions)
    for name, peer in settings["peers"].items():
        yield from _beside_rows(name, peer["beside"], costs, settings)
    for percent, steps in costs.items():
        for name, each in steps.items():
            for metric in ("p50 ms", "p99 ms", "cpu ms"):
                if metric in each.reported:
                    case, model = f"one answer at {percent} %", _words(name, settings)
                    yield Row(case, model, metric, each.reported[metric], None)


def notes_of(
    costs: Costs, transactions: Mapping[int, int], settings: dict[str, Any]
) -> Iterator[str]:
    """Yield the notes below the tables."""
    counts = ", ".join(f"{percent} %: {n:,}" for percent, n in transactions.items())
    yield f"Transactions at {counts}; 105,542 articles at every size."
    yield "CPU seconds with imports and compiling; a stage's process alone, without dvc's own work."
    yield (
        "Exponent: of CPU seconds in the number of transactions. Small sizes lower it, since the "
        f"cost of starting is the same at every size; from {_FROM} % on it hardly matters."
    )
    yield from _stopped(costs, settings)
    yield from _recbole(costs)
    commits = sorted({each.commit for steps in costs.values() for each in steps.values()})
    if len(commits) > 1:
        yield f"Steps measured by different commits: {', '.join(commits)}."


def _whole(stages: Sequence[StepCost], n_stages: int) -> dict[str, StepCost]:
    if len(stages) < n_stages:
        return {}
    total = StepCost(
        sum(each.seconds for each in stages),
        sum(each.cpu_seconds for each in stages),
        max(each.peak_gb for each in stages),
        status=0,
        commit=stages[-1].commit,
        reported={},
    )
    return {WHOLE: total}


def _words(name: str, settings: dict[str, Any]) -> str:
    return str(settings["words"].get(name, name))


def _step_rows(
    name: str, sizes: Mapping[int, StepCost], transactions: Mapping[int, int]
) -> Iterator[Row]:
    for percent, each in sizes.items():
        yield Row("step", name, f"cpu s at {percent} %", each.whole_cpu_seconds, None)
        yield Row("step", name, f"seconds at {percent} %", each.whole_seconds, None)
        yield Row("step", name, f"peak GB at {percent} %", each.peak_gb, None)
    for metric, least in (("exponent", 0), (f"exponent from {_FROM} %", _FROM)):
        counted = [percent for percent in sizes if percent >= least and percent in transactions]
        if len(counted) > 1:
            costs = [sizes[percent].whole_cpu_seconds for percent in counted]
            slope = growth_exponent([transactions[percent] for percent in counted], costs)
            yield Row("step", name, metric, slope, None)


def _beside_rows(peer: str, name: str, costs: Costs, settings: dict[str, Any]) -> Iterator[Row]:
    """Yield the comparison at the largest size measured for both."""
    both = [percent for percent, steps in costs.items() if peer in steps and name in steps]
    if not both or "p50 ms" in costs[max(both)][name].reported:
        return
    percent = max(both)
    ours, theirs = costs[percent][name], costs[percent][peer]
    ratio = theirs.whole_cpu_seconds / ours.whole_cpu_seconds
    values = {
        "size %": percent,
        "our cpu s": ours.whole_cpu_seconds,
        "their cpu s": theirs.whole_cpu_seconds,
        "cpu ratio": ratio,
        "time ratio": theirs.whole_seconds / ours.whole_seconds,
        "our peak GB": ours.peak_gb,
        "their peak GB": theirs.peak_gb,
    }
    if "starts" in settings["peers"][peer]:
        values["cpu ratio a start"] = ratio * settings["peers"][peer]["starts"]
    for metric, value in values.items():
        yield Row("beside", f"{_words(name, settings)}: {peer}", metric, value, None)


def _stopped(costs: Costs, settings: dict[str, Any]) -> Iterator[str]:
    for percent, steps in costs.items():
        for name in settings["peers"]:
            if name in steps and steps[name].status:
                each = steps[name]
                yield (
                    f"{name} at {percent} % did not finish within {settings['max_seconds']} s and "
                    f"{settings['max_gb']} GB: it ended after {each.seconds:.0f} s at "
                    f"{each.peak_gb:.1f} GB, and its numbers are those until then."
                )


def _recbole(costs: Costs) -> Iterator[str]:
    """Yield RecBole's speed in the benchmark peers beside ours: its dense rows do not fit here."""
    path = RESULTS / "peers.json"
    epochs = [steps["cvae_epoch"] for steps in costs.values() if "cvae_epoch" in steps]
    if not path.exists() or not epochs:
        return
    metric = "trained customers per cpu second"
    for row in read_results(path):
        if (row.model, row.metric) == ("recbole", metric):
            ours = max(each.reported["customers"] / each.cpu_seconds for each in epochs)
            yield (
                f"{metric}: RecBole's MultiVAE {row.value:,.0f} at 20,000 articles (benchmark "
                f"peers), ours {ours:,.0f} at 105,542."
            )
