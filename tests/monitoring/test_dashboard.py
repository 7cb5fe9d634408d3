"""The pages show what the logs hold, run nothing that data smuggle in, and can be made again."""

import re
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from monitoring.alerts.alert import Alert
from monitoring.alerts.alert_delivery import StoredAlert
from monitoring.column_names import ColumnNames
from monitoring.dashboard.history_page import write_history_page
from monitoring.dashboard.panels import WEEKS, season_lines
from monitoring.dashboard.week_artifact import week_artifact
from monitoring.dashboard.week_page import write_week_page
from monitoring.dashboard.wording import summarise
from monitoring.decision import decide
from monitoring.monitor_params import MonitorParams
from monitoring.records import (
    DECISION_SCHEMA,
    PERFORMANCE_SCHEMA,
    VERDICT_SCHEMA,
    read_all,
    write_once,
)

WEEK_END = date(2020, 9, 23)
WEEK = timedelta(weeks=1)
EVIL = "<script>alert('x')</script>"
LINKS = {"Prefect": "http://127.0.0.1:4200", "odd": "javascript:alert(1)"}


def decision(week_end: date, **known: Any) -> dict[str, Any]:
    nothing: dict[str, Any] = {
        "week_end": week_end,
        "retrain": False,
        "pages_a_person": False,
        "confirmed": [],
        "candidates": [],
        "reasons": ["No drift was confirmed."],
        "version": "1",
        "model_age_days": 14,
        "map_at_12": 0.02,
        "popularity_map_at_12": 0.01,
        "decided_at": datetime(2020, 9, 23, 3, tzinfo=UTC),
    }
    return nothing | known


def verdict(column: str, name: str, **known: Any) -> dict[str, Any]:
    row: dict[str, Any] = {**dict.fromkeys(VERDICT_SCHEMA.names, 0.0), "same_direction": []}
    row |= {
        "week_end": WEEK_END,
        "about": "transactions",
        "column": column,
        "segment": "all",
        "n": 100,
    }
    return row | {"verdict": name, "moved": ""} | known


def measured(week_end: date, **known: Any) -> dict[str, Any]:
    row = dict(zip(PERFORMANCE_SCHEMA.names, (week_end, "1", week_end - WEEK, 90), strict=False))
    row |= {"map_at_12": 0.02, "popularity_map_at_12": 0.01, "difference": 0.01}
    return row | {"low": 0.004, "high": 0.016, "note": ""} | known


def frame(rows: list[dict[str, Any]], names: list[str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=names)


def band(shares: dict[str, float], column: str = "product_group_name") -> pd.DataFrame:
    """A band of 0.2 to 0.3 around categories that had a share of 0.25 until the last week."""
    weeks = [WEEK_END - back * WEEK for back in reversed(range(30))]
    rows = [
        {"week_end": week, "about": "transactions", "column": column, "segment": "all"}
        | {"category": name, "value": share if week == WEEK_END else 0.25}
        | {"expected": 0.25, "low": 0.2, "high": 0.3, "last_year": 0.22}
        for name, share in shares.items()
        for week in weeks
    ]
    return pd.DataFrame(rows)


class Reader(HTMLParser):
    """What a browser would find on a page."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.open = ""
        self.pictures: list[list[str]] = []
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.open = tag
        if tag == "svg":
            self.pictures.append([])

    def handle_data(self, data: str) -> None:
        self.text += data
        if self.open in {"title", "desc"} and self.pictures:
            self.pictures[-1].append(data)
        self.open = ""

    def all(self, tag: str, name: str) -> list[str]:
        return [str(known[name]) for one, known in self.tags if one == tag and name in known]


def write_week(folder: Path, week_end: date = WEEK_END, **known: Any) -> Path:
    given: dict[str, Any] = {
        "decisions": frame([decision(WEEK_END - WEEK), decision(WEEK_END)], DECISION_SCHEMA.names),
        "verdicts": frame([verdict("product_group_name", "none")], VERDICT_SCHEMA.names),
        "performance": frame([measured(WEEK_END)], PERFORMANCE_SCHEMA.names),
        "band": band({"Shoes": 0.25}),
        "note": "",
        "links_out": LINKS,
    }
    return write_week_page(folder, week_end, **given | known)


def write_history(folder: Path, **known: Any) -> Path:
    given: dict[str, Any] = {
        "decisions": frame([decision(WEEK_END - WEEK), decision(WEEK_END)], DECISION_SCHEMA.names),
        "verdicts": frame([verdict("product_group_name", "none")], VERDICT_SCHEMA.names),
        "performance": frame(
            [measured(WEEK_END - WEEK), measured(WEEK_END)], PERFORMANCE_SCHEMA.names
        ),
        "alerts": [],
        "links_out": LINKS,
        "out_of_weeks": 3,
        "today": WEEK_END + timedelta(days=3),
    }
    return write_history_page(folder, **given | known)


def stored_alert(**known: Any) -> StoredAlert:
    alert = Alert(
        kind="drift confirmed",
        week_end=WEEK_END,
        subjects=("price",),
        title=f"drift {EVIL}",
        owner="on call",
        is_urgent=True,
        happened="",
        done="",
        first_thing="",
        table=(),
        links={},
        runbook="",
    )
    row: dict[str, Any] = {"id": "1", "raised_at": datetime(2020, 9, 23, tzinfo=UTC), "sent": {}}
    row |= {"channels": ("log", "mail/hemline"), "failed": {}, "suppressed": ""}
    return StoredAlert(alert=alert, **row | known)


def test_what_comes_from_the_data_is_shown_and_not_run(tmp_path: Path) -> None:
    evil = {"segment": EVIL, "moved": f"{EVIL}: 1 % -> 2 %"}
    verdicts = frame([verdict(EVIL, "drift", **evil)], VERDICT_SCHEMA.names)
    decisions = frame([decision(WEEK_END, reasons=[EVIL], version=EVIL)], DECISION_SCHEMA.names)
    performance = frame([measured(WEEK_END, map_at_12=np.nan, note=EVIL)], PERFORMANCE_SCHEMA.names)
    logs = {"verdicts": verdicts, "decisions": decisions, "performance": performance}
    pages = [
        write_week(tmp_path, band=band({EVIL: 0.5}), note=EVIL, **logs),
        write_history(tmp_path, alerts=[stored_alert(failed={"mail/hemline": EVIL})], **logs),
    ]
    for reader in map(Reader, pages):
        assert {tag for tag, _ in reader.tags}.isdisjoint({"script", "iframe", "img"})
        assert EVIL in reader.text
        assert not [one for one in reader.all("a", "href") if one.startswith("javascript")]
    markdown = week_artifact(next(decisions.itertuples()), verdicts, performance, LINKS)
    assert "<script>" not in markdown
    assert "&lt;script&gt;" in markdown


def test_a_page_fetches_nothing_and_every_picture_has_its_words(tmp_path: Path) -> None:
    shares = {"Shoes": 0.25, "Hats": 0.5}
    for page in (write_week(tmp_path, band=band(shares)), write_history(tmp_path)):
        reader = Reader(page)
        tags = {tag for tag, _ in reader.tags}
        assert tags.isdisjoint({"script", "link", "img", "iframe", "object"})
        assert "url(" not in page.read_text(encoding="utf-8")
        pictures = [known for tag, known in reader.tags if tag == "svg"]
        assert pictures
        assert all(len(words) == 2 and all(words) for words in reader.pictures)
        assert all(known["role"] == "img" and known["aria-labelledby"] for known in pictures)
        ids = reader.all("title", "id") + reader.all("desc", "id")
        assert len(ids) == len(set(ids)) == 2 * len(pictures)


def test_a_share_outside_its_range_comes_first_and_is_described_in_words(tmp_path: Path) -> None:
    verdicts = frame([verdict("product_group_name", "drift")], VERDICT_SCHEMA.names)
    shares = {"Shoes": 0.25, "Hats": 0.5, "Socks": 0.1}
    reader = Reader(write_week(tmp_path, verdicts=verdicts, band=band(shares)))
    assert [": ".join(words) for words in reader.pictures] == [
        "Hats: 50.0 %, expected 20.0 % to 30.0 %, last year 22.0 %; ▲ above",
        "Socks: 10.0 %, expected 20.0 % to 30.0 %, last year 22.0 %; ▼ below",
        "Shoes: 25.0 %, expected 20.0 % to 30.0 %, last year 22.0 %; in range",
    ]
    marks = [known["class"] for tag, known in reader.tags if tag == "circle"]
    assert marks == ["mark drift", "mark drift", "mark none"]


def test_half_a_year_is_drawn_and_later_weeks_are_not() -> None:
    lines = season_lines(band({"Shoes": 0.5}), WEEK_END - WEEK)
    assert len(lines["Shoes"]) == WEEKS
    assert lines["Shoes"]["week_end"].iloc[-1] == WEEK_END - WEEK
    assert lines["Shoes"]["value"].iloc[-1] == 0.25
    assert lines["Shoes"]["value"].isna().sum() == 0


def test_weeks_are_linked_both_ways_whatever_is_written_first(tmp_path: Path) -> None:
    first = frame([decision(WEEK_END - WEEK)], DECISION_SCHEMA.names)
    earlier = write_week(tmp_path, WEEK_END - WEEK, decisions=first)
    assert f"../{WEEK_END}/index.html" not in Reader(earlier).all("a", "href")
    later = write_week(tmp_path)
    assert f"../{WEEK_END}/index.html" in Reader(earlier).all("a", "href")
    assert f"../{WEEK_END - WEEK}/index.html" in Reader(later).all("a", "href")
    assert write_week(tmp_path, WEEK_END - WEEK).read_text("utf-8").count("the week after") == 1


def test_a_page_made_again_is_the_same(tmp_path: Path) -> None:
    pages = [write_week(tmp_path), write_history(tmp_path)]
    before = [page.read_bytes() for page in pages]
    write_week(tmp_path)
    write_history(tmp_path)
    assert [page.read_bytes() for page in pages] == before
    assert not list(tmp_path.rglob("*.unfinished"))


@pytest.mark.parametrize(
    ("rows", "known", "sentence"),
    [
        ([], {}, "A week as expected."),
        (
            [("price", "seasonal")],
            {},
            "Only seasonal changes, as last year: like-for-like price.",
        ),
        (
            [("price", "seasonal"), ("index_name", "drift")],
            {},
            "Drift in index, not confirmed. It takes more than one week to confirm a drift.",
        ),
        (
            [("index_name", "drift")],
            {"confirmed": ["index_name in Sport"], "retrain": True},
            "Drift is confirmed in index in Sport: a retraining was decided.",
        ),
        (
            [("index_name", "drift")],
            {"confirmed": ["index_name"]},
            "Drift is confirmed in index: no retraining was decided.",
        ),
        ([], {"retrain": True}, "A retraining was decided without a confirmed drift."),
    ],
)
def test_a_week_is_summarised_in_one_sentence(
    rows: list[tuple[str, str]], known: dict[str, Any], sentence: str
) -> None:
    verdicts = frame([verdict(*row) for row in rows], VERDICT_SCHEMA.names)
    decided = frame([decision(WEEK_END, **known)], DECISION_SCHEMA.names)
    assert summarise(verdicts, next(decided.itertuples())) == sentence


def test_a_share_is_expected_between_nothing_and_all(tmp_path: Path) -> None:
    of_shares = band({"": 0.25}, "newcomers").assign(low=-0.1, high=1.2)
    assert "25.0 %, expected 0.0 % to 100.0 %" in Reader(write_week(tmp_path, band=of_shares)).text
    of_prices = band({"": 0.25}, "price").assign(low=-0.1, high=0.2)
    assert "expected -9.5 % to +22.1 %" in Reader(write_week(tmp_path, band=of_prices)).text


def test_pages_call_columns_as_the_shop_does(tmp_path: Path) -> None:
    names = ColumnNames({"product_group_name": "Category", "index_name": "Made in"})
    rows = [verdict("product_group_name", "drift"), verdict("Fair_trade", "new")]
    rows.append(verdict("index_name", "drift", about="habits"))
    confirmed = {"confirmed": ["product_group_name"]}
    logs = {
        "verdicts": frame(rows, VERDICT_SCHEMA.names),
        "decisions": frame([decision(WEEK_END, **confirmed)], DECISION_SCHEMA.names),
        "performance": frame([measured(WEEK_END)], PERFORMANCE_SCHEMA.names),
    }
    week = Reader(write_week(tmp_path, **logs, names=names)).text
    history = Reader(write_history(tmp_path, **logs, names=names)).text
    decided = next(logs["decisions"].itertuples())
    artifact = week_artifact(decided, logs["verdicts"], logs["performance"], {}, names=names)
    for text in (week, history, artifact):
        assert "Drift is confirmed in Category: no retraining was decided." in text
        assert "product group" not in text.lower()
        assert "habits by Made in" in text
        assert "Fair_trade" in text


def test_a_drift_that_cannot_be_confirmed_is_not_reported_as_waiting_for_another_week() -> None:
    decided = next(frame([decision(WEEK_END)], DECISION_SCHEMA.names).itertuples())
    volume, price = verdict("volume", "drift", about="shop"), verdict("price", "drift")
    alone = summarise(frame([volume], VERDICT_SCHEMA.names), decided)
    assert alone == ("Drift in volume, not confirmed. Signals of this kind never confirm a drift.")
    both = summarise(frame([volume, price], VERDICT_SCHEMA.names), decided)
    assert both.endswith("It takes more than one week to confirm a drift, and volume never can.")


def test_product_groups_within_an_index_group_never_wait_for_another_week() -> None:
    """The monitor never confirms this signal, and so the page must not say that it may."""
    params = MonitorParams.load(Path("params.yaml"))
    menswear = {"segment": "Menswear", "p_value": 1e-6, "q_value": 1e-4}
    rows = [
        verdict("product_group_name", "drift", **menswear, week_end=WEEK_END - back * WEEK)
        for back in range(3)
    ]
    verdicts = frame(rows, VERDICT_SCHEMA.names)
    decided = decide(WEEK_END, verdicts, None, None, 14, params)
    assert (decided.confirmed, decided.candidates) == ((), ())
    assert summarise(verdicts[verdicts["week_end"] == WEEK_END], decided) == (
        "Drift in product group in Menswear, not confirmed. "
        "Signals of this kind never confirm a drift."
    )


def test_a_column_that_habits_confirm_is_not_confirmed_in_what_is_bought(tmp_path: Path) -> None:
    habits = {"about": "habits"}
    rows = [
        verdict("taste", "drift", **habits, week_end=WEEK_END - WEEK),
        verdict("index_name", "drift", **habits),
        verdict("index_name", "drift"),
    ]
    decisions = frame(
        [
            decision(WEEK_END - WEEK),
            decision(WEEK_END, confirmed=["taste", "index_name"], retrain=True),
        ],
        DECISION_SCHEMA.names,
    )
    before = f"week before {WEEK_END - WEEK}: drift"
    once, twice = (tmp_path / name for name in ("once", "twice"))
    page = write_history(once, decisions=decisions, verdicts=frame(rows, VERDICT_SCHEMA.names))
    now = [f"week before {WEEK_END}: confirmed drift", f"week before {WEEK_END}: drift"]
    assert sorted(Reader(page).all("a", "aria-label")) == sorted([*now, before])
    rows.append(verdict("index_name", "drift", week_end=WEEK_END - WEEK))
    page = write_history(twice, decisions=decisions, verdicts=frame(rows, VERDICT_SCHEMA.names))
    assert sorted(Reader(page).all("a", "aria-label")) == sorted([now[0]] * 2 + [before] * 2)


def test_the_history_lists_decisions_newest_first_and_how_old_the_latest_one_is(
    tmp_path: Path,
) -> None:
    verdicts = frame([verdict("price", "drift")], VERDICT_SCHEMA.names)
    confirmed = decision(WEEK_END, confirmed=["price"], retrain=True, reasons=["It drifted twice."])
    decisions = frame([decision(WEEK_END - WEEK), confirmed], DECISION_SCHEMA.names)
    reader = Reader(write_history(tmp_path, decisions=decisions, verdicts=verdicts))
    assert "which ended 3 days ago" in reader.text
    assert "Are the data late" not in reader.text
    assert "It drifted twice." in reader.text
    log = reader.text.partition("Decision log")[2]
    assert log.index(str(WEEK_END)) < log.index(str(WEEK_END - WEEK))
    assert reader.all("a", "aria-label") == [f"week before {WEEK_END}: confirmed drift"]
    late = Reader(write_history(tmp_path, today=WEEK_END + timedelta(days=20)))
    assert "Are the data late" in late.text


def test_a_change_of_champion_and_a_week_without_a_number_are_shown(tmp_path: Path) -> None:
    weeks = [WEEK_END - 2 * WEEK, WEEK_END - WEEK, WEEK_END]
    rows = [measured(week) for week in weeks]
    rows[1] |= {"map_at_12": np.nan, "note": "the champion has seen this week"}
    rows[2] |= {"version": "2"}
    reader = Reader(write_history(tmp_path, performance=frame(rows, PERFORMANCE_SCHEMA.names)))
    assert "version 2" in reader.text
    assert f"the week before {WEEK_END - WEEK}: the champion has seen this week." in reader.text


def test_alerts_that_wait_or_were_held_back_are_shown_with_the_reason(tmp_path: Path) -> None:
    now = datetime(2020, 9, 23, tzinfo=UTC)
    alerts = [
        stored_alert(sent={"log": now}, failed={"mail/hemline": "ConnectionRefusedError"}),
        stored_alert(channels=(), suppressed="alerted already: price on 2020-09-16"),
        stored_alert(sent={"log": now, "mail/hemline": now}),
    ]
    text = Reader(write_history(tmp_path, alerts=alerts)).text
    assert "waiting for mail/hemline (mail/hemline: ConnectionRefusedError)" in text
    assert "held back: alerted already: price on 2020-09-16" in text
    assert "sent to log and mail/hemline" in text


def test_a_week_without_champion_or_last_year_is_shown_from_the_records(
    tmp_path: Path,
) -> None:
    nobody = dict.fromkeys(("version", "model_age_days", "map_at_12", "popularity_map_at_12"))
    unknown = dict.fromkeys(("version", "version_cut", "map_at_12", "low", "high", "difference"))
    rows = {
        "decisions": (decision(WEEK_END, **nobody), DECISION_SCHEMA),
        "verdicts": (verdict("price", "new", effect_last_year=None), VERDICT_SCHEMA),
        "performance": (
            measured(WEEK_END, **unknown, note="there is no champion"),
            PERFORMANCE_SCHEMA,
        ),
    }
    for name, (row, schema) in rows.items():
        write_once(tmp_path / name, WEEK_END, pd.DataFrame([row]), schema)
    logs = {name: read_all(tmp_path / name, schema) for name, (_, schema) in rows.items()}
    pages = [write(tmp_path / "pages", **logs) for write in (write_week, write_history)]
    texts = [Reader(page).text for page in pages]
    decided = next(logs["decisions"].itertuples())
    texts.append(week_artifact(decided, logs["verdicts"], logs["performance"], {}))
    for text in texts:
        assert "there is no champion" in text
        assert "Without data of last year the season cannot be ruled out" in text
        assert not re.search(r"\b(nan|None|NaT)\b", text)


def test_the_report_beside_a_page_is_linked(tmp_path: Path) -> None:
    page = write_week(tmp_path)
    assert "evidently.html" not in Reader(page).all("a", "href")
    page.with_name("evidently.html").touch()
    assert "evidently.html" in Reader(write_week(tmp_path)).all("a", "href")


def test_before_the_first_week_the_history_shows_what_to_do(tmp_path: Path) -> None:
    nothing = {
        "decisions": frame([], DECISION_SCHEMA.names),
        "verdicts": frame([], VERDICT_SCHEMA.names),
        "performance": frame([], PERFORMANCE_SCHEMA.names),
    }
    assert "hemline monitor" in Reader(write_history(tmp_path, **nothing)).text


def test_the_artifact_shows_verdicts_reasons_and_the_champion() -> None:
    verdicts = frame(
        [verdict("price", "drift", moved="1 -> 2"), verdict("index_name", "none")],
        VERDICT_SCHEMA.names,
    )
    decided = frame([decision(WEEK_END)], DECISION_SCHEMA.names)
    performance = frame([measured(WEEK_END)], PERFORMANCE_SCHEMA.names)
    page = week_artifact(next(decided.itertuples()), verdicts, performance, {"here": "/a"})
    assert "| ◆ drift | like-for-like price | 0.000 | 0.000 | 0.000 | 1 -&gt; 2 |" in page
    assert "1 as expected." in page
    assert "- No drift was confirmed." in page
    assert "MAP@12 0.0200, popularity 0.0100 (difference +0.0040 to +0.0160, 95 %)" in page
    assert "90 buyers: significantly better than popularity." in page


@pytest.mark.parametrize(
    ("known", "says"),
    [
        ({}, "significantly better than popularity"),
        ({"low": -0.02, "high": -0.01}, "significantly worse than popularity"),
        ({"low": -0.02, "high": 0.01}, "is not significantly different from popularity"),
        ({"n_buyers": 4, "note": "inconclusive: fewer than 50 customers"}, "inconclusive"),
    ],
)
def test_every_page_says_what_a_weeks_scores_can_tell(
    known: dict[str, Any], says: str, tmp_path: Path
) -> None:
    week = measured(WEEK_END, **known)
    performance = frame([week], PERFORMANCE_SCHEMA.names)
    page = write_week(tmp_path, performance=performance).read_text(encoding="utf-8")
    assert f"{week['n_buyers']} buyers: {says}" in page
    history = write_history(tmp_path, performance=performance).read_text(encoding="utf-8")
    assert "Of 1 week with a number, by the interval of each: " in history
    assert says in history
