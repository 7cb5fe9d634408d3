"""The page of a living shop: what happened so far, drawn anew after every day."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from flows.addresses import HOST
from flows.living.living_tally import AGE_GROUPS, BESTSELLERS, FIRST_VERSION, LISTS
from hemline.listening import listen_on
from hemline.pages.charts import Chart, series_chart
from hemline.pages.rendering import write_page
from hemline.request_guard import RequestGuard

Values = npt.NDArray[np.float64]
Record = Mapping[str, Any]

_TEMPLATE: Final = Path(__file__).with_name("living.html.j2")
_ARMS: Final = ("champion", "control", "treatment")
_NORMAL_95: Final = 1.96


def write_living_page(path: Path, record: Record, *, is_over: bool) -> None:
    """Write the page of a record, as living_shop.LivingShop yields it.

    Args:
        path: of the page.
        record: of the weeks so far.
        is_over: whether no day follows.
    """
    weeks = _weeks(record)
    write_page(path, _TEMPLATE, **_context(record, weeks), is_over=is_over)


@contextmanager
def serving_page(path: Path, port: int) -> Iterator[str]:
    """Serve the folder of a page on this machine, and yield its address.

    Raises:
        BadInput: the port is not free.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    listening = listen_on(
        HOST, port, who="the page of the living shop", fix="choose another: make live PORT=5013"
    )
    files = Starlette(routes=[Mount("/", StaticFiles(directory=path.parent, html=True))])
    config = uvicorn.Config(RequestGuard(files), log_level="critical", access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    try:
        yield f"http://{HOST}:{port}/"
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


def _weeks(record: Record) -> list[Mapping[str, Any]]:
    under_way = record["under_way"]
    return [*record["weeks"], *([] if under_way is None else [under_way])]


def _context(record: Record, weeks: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    days = [day for week in weeks for day in week["days"]]
    champions = [number for week in weeks for number in week["champions"]]
    changes = _changes(record, days, champions)
    dates = pd.Series(pd.to_datetime([day["day"] for day in days]))
    starts = pd.Series(pd.to_datetime([week["days"][0]["day"] for week in weeks]))
    by_week = _by_week(changes, len(weeks))
    return {
        "today": date.fromisoformat(days[-1]["day"]),
        "n_weeks": len(record["weeks"]),
        "champion": next((one for one in reversed(champions) if one is not None), None),
        "latest": weeks[-1],
        "traffic": series_chart(
            dates, [_column(days, "visits")], "{:.0f}".format, changes=changes, from_zero=True
        ),
        "sales": series_chart(
            dates,
            [_column(days, "online"), _column(days, "stores")],
            "{:.2f}".format,
            changes=changes,
            from_zero=True,
        ),
        "value": _value_chart(starts, weeks, by_week),
        "added": _added_chart(starts, weeks, by_week),
        "variety": series_chart(
            starts,
            [_column(weeks, "effective_listed"), _column(weeks, "effective_bought")],
            "{:.0f}".format,
            changes=by_week,
            from_zero=True,
        ),
        "fairness": series_chart(
            starts,
            [np.array([_number(week["got"][name]) for week in weeks]) for name in AGE_GROUPS],
            "{:.0%}".format,
            changes=by_week,
        ),
        "precision": series_chart(
            starts,
            [np.array([_precision(week) for week in weeks])],
            "{:.3f}".format,
            changes=by_week,
            from_zero=True,
        ),
        "shown": series_chart(
            starts,
            [np.array(each) for each in zip(*map(_what_lists_do, weeks), strict=True)],
            "{:.1%}".format,
            changes=by_week,
            from_zero=True,
        ),
        "age_groups": list(AGE_GROUPS),
        "weeks": [_week_row(number, week) for number, week in enumerate(record["weeks"], 1)][::-1],
        "events": record["events"],
        "arms": _arm_rows(weeks[-1]),
    }


def _value_chart(
    starts: "pd.Series[pd.Timestamp]",
    weeks: Sequence[Mapping[str, Any]],
    changes: Sequence[tuple[int, str]],
) -> Chart:
    """Return the net revenue of a customer-week by arm, with 95 % intervals."""
    lines, bands = [], []
    for name in _ARMS:
        means, errors = np.array([_of_arm(week, name) for week in weeks]).T
        lines.append(means)
        bands.append((means - _NORMAL_95 * errors, means + _NORMAL_95 * errors))
    return series_chart(starts, lines, "{:.3f}".format, bands=bands, changes=changes)


def _added_chart(
    starts: "pd.Series[pd.Timestamp]",
    weeks: Sequence[Mapping[str, Any]],
    changes: Sequence[tuple[int, str]],
) -> Chart:
    """Return what lists add to that revenue, with the 95 % interval of those that were shown."""
    lines = [
        np.array([_number(week["added"][name]["mean"]) for week in weeks])
        for name in (LISTS, FIRST_VERSION, BESTSELLERS)
    ]
    errors = np.array([_number(week["added"][LISTS]["error"]) for week in weeks])
    ends = (lines[0] - _NORMAL_95 * errors, lines[0] + _NORMAL_95 * errors)
    return series_chart(
        starts, lines, "{:.4f}".format, bands=[ends], changes=changes, from_zero=True
    )


def _of_arm(week: Mapping[str, Any], name: str) -> tuple[float, float]:
    """Return mean and standard error of an arm; of the version that most customers met."""
    rows = [row for key, row in week["arms"].items() if key.startswith(f"{name},")]
    if not rows:
        return np.nan, np.nan
    row = max(rows, key=lambda one: one["customers"])
    return _number(row["mean"]), _number(row["error"])


def _changes(
    record: Record, days: Sequence[Mapping[str, Any]], champions: Sequence[int | None]
) -> list[tuple[int, str]]:
    """Return on which day what was different from then on."""
    number_of = {day["day"]: number for number, day in enumerate(days)}
    found = []
    for event in record["events"]:
        name = event["kind"].replace("_", " ")
        for day, what in ((event["date"], name), (event["until"], f"{name} over")):
            if day in number_of:
                found.append((number_of[day], what))
    before = None
    for number, champion in enumerate(champions):
        if champion is not None and champion != before:
            found.append((number, f"version {champion}"))
            before = champion
    return sorted(found)


def _by_week(changes: Sequence[tuple[int, str]], n_weeks: int) -> list[tuple[int, str]]:
    """Return the same by week; what falls into the same week is joined."""
    named: dict[int, list[str]] = {}
    for day, name in changes:
        named.setdefault(min(day // 7, n_weeks - 1), []).append(name)
    return [(week, ", ".join(names)) for week, names in named.items()]


def _week_row(number: int, week: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "number": number,
        "visits": sum(day["visits"] for day in week["days"]),
        "online": sum(day["online"] for day in week["days"]),
        "stores": sum(day["stores"] for day in week["days"]),
        "added": week["added"][LISTS]["mean"],
        "behind": week["added"][FIRST_VERSION]["behind"],
        "behind_error": week["added"][FIRST_VERSION]["behind_error"],
        **week["outcome"],
    }


def _precision(week: Mapping[str, Any]) -> float:
    """Return the champion's MAP@12 on a week, NaN before the monitor has seen it."""
    return _number(week["outcome"]["map_at_12"]) if "outcome" in week else np.nan


def _what_lists_do(week: Mapping[str, Any]) -> tuple[float, float]:
    """Return how much of what was wanted was in the lists, and what was discovered beside it."""
    total = {
        name: sum(arm[name] for arm in week["arms"].values())
        for name in ("picked", "discovered", "searched", "missed")
    }
    wanted = total["picked"] + total["searched"] + total["missed"]
    if not wanted:
        return np.nan, np.nan
    return total["picked"] / wanted, total["discovered"] / wanted


def _arm_rows(week: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"name": name, **row} for name, row in week["arms"].items()]


def _column(rows: Sequence[Mapping[str, Any]], name: str) -> Values:
    return np.array([_number(row[name]) for row in rows])


def _number(value: float | None) -> float:
    return np.nan if value is None else float(value)
