"""The table of docs/synthetic.md: figures side by side, and how far apart they are."""

from collections.abc import Sequence
from typing import Final

from benchmarks.record import Row

_SHOPS: Final = ("demo", "an eighth")
_BEFORE: Final = ", before"
_SEPARATION: Final = "telling baskets apart"
_SHOWN: Final = 5  # numbers of a figure; the most frequent categories where there are more
_FEATURES: Final = 8

_Cells = dict[tuple[str, str], dict[str, float]]


def realism_tables(rows: Sequence[Row]) -> str:
    """Return a Markdown table of the statistics and one of the classifier."""
    cells: _Cells = {}
    for row in rows:
        cells.setdefault((row.case, row.model), {})[row.metric] = row.value
    cases = [case for case in dict.fromkeys(row.case for row in rows) if case != _SEPARATION]
    distances = [f"{shop}: distance before, now" for shop in _SHOPS]
    head = ["figure", "genuine", *_SHOPS, *distances]
    lines = [_line(head), "|---" * len(head) + "|"]
    lines += [_statistic(case, cells) for case in cases]
    lines.append(_line(["mean distance", "", "", "", *(_means(cases, cells, s) for s in _SHOPS)]))
    return "\n".join(lines) + "\n\n" + _separation(cells)


def _statistic(case: str, cells: _Cells) -> str:
    genuine = [cells.get((case, f"genuine for {shop}"), {}) for shop in _SHOPS]
    labels = list(genuine[0])[:_SHOWN]
    name = f"{case}: {' / '.join(labels)}" if len(labels) > 1 else case
    both = list(dict.fromkeys(_numbers(each, labels) for each in genuine))
    shops = [_numbers(cells.get((case, shop), {}), labels) for shop in _SHOPS]
    apart = [
        ", ".join(
            _number(value) for value in (_distance(cells, case, shop + _BEFORE),
                                         _distance(cells, case, shop))
        )
        + f" ({_measure(cells, case, shop)})"
        for shop in _SHOPS
    ]  # fmt: skip
    return _line([name, "; ".join(both), *shops, *apart])


def _means(cases: Sequence[str], cells: _Cells, shop: str) -> str:
    before, now = (
        [_distance(cells, case, model) for case in cases] for model in (shop + _BEFORE, shop)
    )
    return ", ".join(f"{sum(each) / len(each):.3f}" for each in (before, now))


def _separation(cells: _Cells) -> str:
    head = [_SEPARATION, "area under the curve", "95 %", "what tells most, share of the gain"]
    lines = [_line(head), "|---" * len(head) + "|"]
    for shop in _SHOPS:
        for model in (shop + _BEFORE, shop):
            figures = cells.get((_SEPARATION, model), {})
            gains = [(k.removeprefix("gain of "), v) for k, v in figures.items() if "gain" in k]
            gains.sort(key=lambda pair: -pair[1])
            named = ", ".join(f"{name} {gain:.2f}" for name, gain in gains[:_FEATURES])
            interval = f"{figures.get('from', 0):.3f} to {figures.get('to', 0):.3f}"
            lines.append(_line([model, f"{figures.get('auc', 0):.3f}", interval, named]))
    return "\n".join(lines) + "\n"


def _distance(cells: _Cells, case: str, model: str) -> float:
    figures = cells.get((case, model), {})
    return next((value for name, value in figures.items() if name.startswith("distance")), 0.0)


def _measure(cells: _Cells, case: str, model: str) -> str:
    names = cells.get((case, model), {})
    return next((name[10:-1] for name in names if name.startswith("distance")), "")


def _numbers(figure: dict[str, float], labels: Sequence[str]) -> str:
    return " / ".join(_number(figure.get(label, 0.0)) for label in labels)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"  # noqa: PLR2004  (three digits)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
