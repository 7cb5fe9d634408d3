"""Alerts: composed for a person, kept before they are told, told once, and told again in time."""

import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from hemline.errors import BadInput
from monitoring.alerts.alert import KINDS, Alert, AlertParams, anchor
from monitoring.alerts.alert_delivery import (
    LOG,
    Send,
    StoredAlert,
    held_back,
    raise_alert,
    read_alerts,
    send_pending,
)
from monitoring.alerts.alert_text import plain_text, subject_line, webhook_payload
from monitoring.alerts.training_alerts import (
    challenger_rejected,
    champion_changed,
    retrain_failed,
)
from monitoring.alerts.verdict_table import verdict_table
from monitoring.alerts.week_alerts import (
    data_late,
    digest,
    drift_confirmed,
    validation_failed,
)

ROOT = Path(__file__).parents[2]
WEEK_END = date(2020, 4, 8)
NOW = datetime(2020, 4, 8, 6, 0, tzinfo=UTC)
LINKS = {"dashboard": "http://127.0.0.1:5001/2020-04-08.html"}
PARAMS = AlertParams.load(ROOT / "params.yaml").model_copy(update={"blocks": ("mail/hemline",)})
REST = PARAMS.cool_down_days["drift confirmed"]
VERDICTS = pd.DataFrame(
    [
        (WEEK_END, "sales_channel_id", "all", 0.31, 0.08, "drift", "2: 71 % -> 98 %"),
        (WEEK_END, "price", "Ladieswear", 0.12, 0.10, "drift", "higher"),
        (WEEK_END, "age_band", "all", 0.02, 0.05, "none", ""),
        (WEEK_END, "colour_group_name", "all", 0.20, 0.10, "seasonal", "White: 9 % -> 14 %"),
        (date(2020, 4, 1), "club", "all", 0.90, 0.10, "drift", "an older week"),
    ],
    columns=["week_end", "column", "segment", "effect", "threshold", "verdict", "moved"],
)


def drift(*confirmed: str, week_end: date = WEEK_END, retrain: bool = True) -> Alert:
    return drift_confirmed(
        week_end,
        confirmed=confirmed,
        reasons=["two of three weeks", "MAP@12 fell below popularity."],
        verdicts=VERDICTS,
        retrain=retrain,
        pages_a_person=True,
        links=LINKS,
        params=PARAMS,
    )


def one_of_each() -> list[Alert]:
    return [
        data_late(WEEK_END, latest_day=date(2020, 4, 5), links=LINKS, params=PARAMS),
        validation_failed(WEEK_END, broken=["ages: 203"], links=LINKS, params=PARAMS),
        drift("sales_channel_id"),
        retrain_failed(
            WEEK_END, stage="rank", said="too few buyers", champion="3", links=LINKS, params=PARAMS
        ),
        challenger_rejected(
            WEEK_END, version="4", champion="3", reason="-0.01 MAP@12", links=LINKS, params=PARAMS
        ),
        champion_changed(
            WEEK_END,
            change="0002",
            version="4",
            previous="3",
            how="rollback",
            reason="odd lists",
            links=LINKS,
            params=PARAMS,
        ),
        digest(WEEK_END, verdicts=VERDICTS, held_back=[], links=LINKS, params=PARAMS),
    ]


def test_there_is_a_composer_for_every_kind() -> None:
    assert [alert.kind for alert in one_of_each()] == list(KINDS)


@pytest.mark.parametrize("alert", one_of_each(), ids=lambda alert: alert.kind)
def test_a_mail_says_what_is_done_and_whose_it_is_and_where_to_look(alert: Alert) -> None:
    text = " ".join(plain_text(alert).split())
    for part in (alert.happened, alert.done, alert.first_thing, alert.owner):
        assert " ".join(part.split()) in text
    assert f"docs/monitoring.md#{anchor(alert.kind)}" in text
    assert LINKS["dashboard"] in text
    assert alert.title in subject_line(alert)


def test_the_runbook_has_a_section_for_every_kind() -> None:
    headings = re.findall(r"^#+ (.+)$", (ROOT / "docs" / "monitoring.md").read_text(), re.MULTILINE)
    anchors = [heading.lower().replace(" ", "-") for heading in headings]
    assert {anchor(kind) for kind in KINDS} <= set(anchors)
    assert len(set(anchors)) == len(anchors)


def test_a_drift_alert_shows_what_was_confirmed_first_and_nothing_quiet() -> None:
    alert = drift("price in Ladieswear")
    assert alert.subjects == ("price",)
    assert [row[0] for row in alert.table] == ["column", "price", "sales_channel_id"]
    assert "2: 71 % -> 98 %" in plain_text(alert)
    assert subject_line(alert).startswith("[hemline] look now: drift confirmed: ")


def test_an_alert_does_not_claim_a_training_that_was_not_started() -> None:
    assert "was started" in drift("price").done
    assert "No training was started" in drift("price", retrain=False).done


def test_a_long_table_says_how_many_rows_it_leaves_out() -> None:
    many = pd.concat([VERDICTS.iloc[[0]]] * 15)
    alert = drift_confirmed(
        WEEK_END,
        confirmed=["sales_channel_id"],
        reasons=[],
        verdicts=many,
        retrain=False,
        pages_a_person=False,
        links={},
        params=PARAMS,
    )
    assert len(alert.table) == 1 + 12 + 1
    assert alert.table[-1][0] == "and 3 more"


def test_what_could_not_be_measured_leaves_its_cell_empty() -> None:
    unmeasured = VERDICTS.iloc[[0]].assign(effect=float("nan"))
    assert verdict_table(unmeasured)[1][3] == ""


def test_many_broken_rules_are_named_up_to_eight() -> None:
    broken = [f"rule {number}" for number in range(1, 12)]
    alert = validation_failed(WEEK_END, broken=broken, links={}, params=PARAMS)
    assert alert.title == "The data break 11 rules"
    assert alert.happened.endswith("rule 8; and 3 more.")


def test_broken_rules_lead_to_the_page_of_the_checks_that_found_them() -> None:
    of_week, of_all = (
        validation_failed(week_end, broken=["ages: 203"], links={}, params=PARAMS)
        for week_end in (WEEK_END, None)
    )
    assert f"pages/{WEEK_END}/checks/index.html" in of_week.first_thing
    assert "data/validation/index.html" in of_all.first_thing


def test_a_digest_holds_the_season_and_what_was_held_back() -> None:
    told = digest(WEEK_END, verdicts=VERDICTS, held_back=["price again"], links={}, params=PARAMS)
    assert [row[0] for row in told.table] == ["column", "colour_group_name"]
    assert "1 seasonal, 2 drift" in told.title
    assert "price again" in told.happened
    quiet = digest(WEEK_END, verdicts=VERDICTS.iloc[2:3], held_back=[], links={}, params=PARAMS)
    assert "nothing moved" in quiet.title


def test_nothing_in_a_message_becomes_markup_or_a_second_header() -> None:
    said = "<!channel> ``` & <script>\nBcc: all@shop"
    alert = retrain_failed(
        None, stage=f"rank\n{said}", said=said, champion="3", links={}, params=PARAMS
    )
    assert "\n" not in subject_line(alert)
    payload = webhook_payload(alert, "1")
    story = payload["blocks"][1]["text"]["text"]
    assert "&lt;!channel&gt;" in story
    assert "<" not in story
    assert "<" not in payload["text"]


def test_a_webhooks_blocks_keep_to_slacks_lengths() -> None:
    alert = drift("price").model_copy(update={"happened": "&" * 5000, "title": "x" * 500})
    blocks = webhook_payload(alert, "1")["blocks"]
    texts = [block["text"]["text"] for block in blocks if "text" in block]
    assert len(texts[0]) == 150
    assert all(len(text) <= 3000 for text in texts)
    assert texts[1].endswith("&amp; ...")


def test_no_password_of_an_address_gets_into_an_alert() -> None:
    said = "no answer from postgresql://shop:hunter2@db/shop"
    alert = retrain_failed(
        None,
        stage="rank",
        said=said,
        champion="3",
        links={"page": "http://me:hunter2@shop/page"},
        params=PARAMS,
    )
    assert "hunter2" not in alert.model_dump_json()
    assert alert.links["page"] == "http://shop/page"


def keep(into: list[StoredAlert]) -> Send:
    return into.append


def down(_kept: StoredAlert) -> None:
    raise ConnectionRefusedError


def test_the_same_alert_twice_is_one_and_is_told_once(tmp_path: Path) -> None:
    told: list[StoredAlert] = []
    assert raise_alert(drift("price"), tmp_path, PARAMS, now=NOW) == "new"
    assert raise_alert(drift("price"), tmp_path, PARAMS, now=NOW) == "known"
    for _ in range(2):
        send_pending(tmp_path, {"mail/hemline": keep(told)}, now=NOW)
    assert [kept.alert.subjects for kept in told] == [("price",)]


def test_a_channel_that_is_down_gets_everything_later_and_the_others_get_theirs_now(
    tmp_path: Path,
) -> None:
    logged: list[StoredAlert] = []
    told: list[StoredAlert] = []
    weeks = [WEEK_END, WEEK_END + timedelta(days=REST)]
    for week in weeks:
        raise_alert(drift("price", week_end=week), tmp_path, PARAMS, now=NOW)
    first = send_pending(tmp_path, {LOG: keep(logged), "mail/hemline": down}, now=NOW)
    assert [one.failure for one in first] == ["", "", "ConnectionRefusedError"]
    assert read_alerts(tmp_path)[0].failed == {"mail/hemline": "ConnectionRefusedError"}
    send_pending(tmp_path, {LOG: keep(logged), "mail/hemline": keep(told)}, now=NOW)
    assert [kept.alert.week_end for kept in told] == weeks
    assert [kept.alert.week_end for kept in logged] == weeks
    assert all(kept.failed == {} and not kept.pending for kept in read_alerts(tmp_path))


def test_a_kill_between_taking_and_marking_sends_the_same_id_again(tmp_path: Path) -> None:
    told: list[StoredAlert] = []

    def killed(kept: StoredAlert) -> None:
        told.append(kept)
        raise KeyboardInterrupt

    raise_alert(drift("price"), tmp_path, PARAMS, now=NOW)
    with pytest.raises(KeyboardInterrupt):
        send_pending(tmp_path, {"mail/hemline": killed}, now=NOW)
    send_pending(tmp_path, {"mail/hemline": keep(told)}, now=NOW)
    assert [kept.id for kept in told] == [told[0].id] * 2


def test_two_flows_at_once_tell_it_once(tmp_path: Path) -> None:
    told: list[StoredAlert] = []

    def slow(kept: StoredAlert) -> None:
        time.sleep(0.1)
        told.append(kept)

    raise_alert(drift("price"), tmp_path, PARAMS, now=NOW)
    with ThreadPoolExecutor() as flows:
        for _ in range(3):
            flows.submit(send_pending, tmp_path, {"mail/hemline": slow}, now=NOW)
    assert len(told) == 1


def test_a_column_rests_after_its_alert_and_the_next_one_counts_what_was_held_back(
    tmp_path: Path,
) -> None:
    told: list[StoredAlert] = []
    weeks = [WEEK_END + timedelta(days=days) for days in (0, 7, 14, REST)]
    outcomes = [
        raise_alert(
            drift("price", week_end=week), tmp_path, PARAMS, now=NOW + timedelta(hours=number)
        )
        for number, week in enumerate(weeks)
    ]
    assert outcomes == ["new", "suppressed", "suppressed", "new"]
    send_pending(tmp_path, {"mail/hemline": keep(told)}, now=NOW)
    assert [kept.alert.n_held_back for kept in told] == [0, 2]
    assert "2 alerts were held back" in plain_text(told[1].alert)
    held = [kept for kept in read_alerts(tmp_path) if kept.suppressed]
    assert [kept.alert.week_end for kept in held] == weeks[1:3]
    assert all("price on 2020-04-08" in kept.suppressed for kept in held)
    assert held_back(tmp_path, weeks[1]) == [held[0].alert.title]
    assert held_back(tmp_path, weeks[0]) == []


def test_a_column_that_joins_a_resting_one_is_told(tmp_path: Path) -> None:
    next_week = WEEK_END + timedelta(days=7)
    raise_alert(drift("price", "age_band"), tmp_path, PARAMS, now=NOW)
    both = drift("price", "sales_channel_id", week_end=next_week)
    assert (
        raise_alert(drift("age_band", week_end=next_week), tmp_path, PARAMS, now=NOW)
        == "suppressed"
    )
    assert raise_alert(both, tmp_path, PARAMS, now=NOW) == "new"


def test_cool_down_counts_weeks_of_data_and_not_the_clock(tmp_path: Path) -> None:
    later = WEEK_END + timedelta(days=REST)
    raise_alert(drift("price"), tmp_path, PARAMS, now=NOW)
    assert raise_alert(drift("price", week_end=later), tmp_path, PARAMS, now=NOW) == "new"


def test_an_earlier_week_looked_at_afterwards_is_not_held_back(tmp_path: Path) -> None:
    raise_alert(drift("price"), tmp_path, PARAMS, now=NOW)
    earlier = drift("price", week_end=WEEK_END - timedelta(days=7))
    assert raise_alert(earlier, tmp_path, PARAMS, now=NOW) == "new"


def test_a_failure_about_no_week_is_known_by_its_day(tmp_path: Path) -> None:
    failed = retrain_failed(None, stage="rank", said="no", champion="3", links={}, params=PARAMS)
    outcomes = [
        raise_alert(failed, tmp_path, PARAMS, now=NOW + timedelta(hours=hours))
        for hours in (0, 5, 24)
    ]
    assert outcomes == ["new", "known", "new"]


def test_what_was_raised_without_blocks_does_not_flood_one_set_up_later(tmp_path: Path) -> None:
    told: list[StoredAlert] = []
    without = PARAMS.model_copy(update={"blocks": ()})
    raise_alert(drift("price"), tmp_path, without, now=NOW)
    send_pending(tmp_path, {"mail/hemline": keep(told)}, now=NOW)
    assert told == []
    assert read_alerts(tmp_path)[0].pending == (LOG,)


def test_a_file_changed_by_hand_is_named(tmp_path: Path) -> None:
    raise_alert(drift("price"), tmp_path, PARAMS, now=NOW)
    (path,) = tmp_path.glob("*.json")
    path.write_text("{}")
    with pytest.raises(BadInput, match=path.name):
        read_alerts(tmp_path)


@pytest.mark.parametrize("name", ["owners", "cool_down_days"])
def test_params_name_every_kind(name: str) -> None:
    content = PARAMS.model_dump()
    content[name].pop("digest")
    with pytest.raises(ValueError, match=f"{name} lacks digest"):
        AlertParams.model_validate(content)


def test_params_carry_no_defaults() -> None:
    assert all(field.is_required() for field in AlertParams.model_fields.values())
