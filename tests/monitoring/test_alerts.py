"""Alerts: composed for a person, stored before they are sent, and sent until they are taken."""

import json
import logging
import re
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from hemline.registry.champion_log import Change
from monitoring.alerts.alert import KINDS, Alert, AlertDraft, AlertParams, anchor, complete_alert
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
from monitoring.alerts.outbox import Outbox
from monitoring.alerts.training_alerts import (
    canary_started,
    challenger_rejected,
    champion_changed,
    retrain_failed,
)
from monitoring.alerts.week_alerts import (
    data_late,
    digest,
    drift_confirmed,
    validation_failed,
)
from monitoring.column_names import ColumnNames
from monitoring.decision import Decision

ROOT = Path(__file__).parents[2]
WEEK_END = date(2020, 4, 8)
NOW = datetime(2020, 4, 8, 6, 0, tzinfo=UTC)
LINKS = {"dashboard": "http://127.0.0.1:5001/2020-04-08.html"}
PARAMS = AlertParams.load(ROOT / "params.yaml").model_copy(update={"blocks": ("mail/hemline",)})
COOL_DOWN = PARAMS.cool_down_days["drift confirmed"]
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


def decision(
    *confirmed: str, week_end: date = WEEK_END, retrain: bool = True, urgent: bool = True
) -> Decision:
    return Decision(
        week_end=week_end,
        retrain=retrain,
        pages_a_person=urgent,
        confirmed=confirmed,
        candidates=(),
        reasons=("two of three weeks", "MAP@12 fell below popularity."),
        version="3",
        model_age_days=70,
        map_at_12=0.02,
        popularity_map_at_12=0.03,
    )


def complete(draft: AlertDraft, links: Mapping[str, str] = LINKS) -> Alert:
    return complete_alert(draft, links, PARAMS)


def drift(*confirmed: str, week_end: date = WEEK_END, retrain: bool = True) -> Alert:
    decided = decision(*confirmed, week_end=week_end, retrain=retrain)
    return complete(drift_confirmed(decided, VERDICTS))


def failed(message: str, stage: str = "rank") -> AlertDraft:
    return retrain_failed(None, stage=stage, message=message, champion="3")


def one_of_each() -> list[Alert]:
    change = Change(at="", version="4", previous="3", how="rollback", reason="odd lists")
    drafts = [
        data_late(WEEK_END, date(2020, 4, 5)),
        validation_failed(WEEK_END, ["ages: 203"]),
        drift_confirmed(decision("sales_channel_id"), VERDICTS),
        retrain_failed(WEEK_END, stage="rank", message="too few buyers", champion="3"),
        challenger_rejected(WEEK_END, version="4", champion="3", reason="-0.01 MAP@12"),
        champion_changed(WEEK_END, 2, change),
        canary_started(WEEK_END, version="4", champion="3", reason="not worse"),
        digest(WEEK_END, VERDICTS, held_back=[]),
    ]
    return [complete(draft) for draft in drafts]


def test_there_is_a_composer_for_every_kind() -> None:
    assert [alert.kind for alert in one_of_each()] == list(KINDS)


@pytest.mark.parametrize("alert", one_of_each(), ids=lambda alert: alert.kind)
def test_a_mail_says_what_was_done_who_owns_it_and_where_to_look(alert: Alert) -> None:
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


def test_a_drift_alert_shows_confirmed_columns_first_and_no_quiet_ones() -> None:
    alert = drift("price in Ladieswear")
    assert alert.subjects == ("price",)
    assert [row[0] for row in alert.table] == ["column", "like-for-like price", "sales channel"]
    assert "2: 71 % -> 98 %" in plain_text(alert)
    assert subject_line(alert).startswith("[hemline] URGENT: drift confirmed: ")


def test_an_alert_does_not_claim_a_training_that_was_not_started() -> None:
    assert "starts automatically" in drift("price").done
    assert "starts automatically" not in drift("price", retrain=False).done
    assert "No training was started" in drift("price", retrain=False).done


def test_a_long_table_says_how_many_rows_it_leaves_out() -> None:
    many = pd.concat([VERDICTS.iloc[[0]]] * 15)
    alert = drift_confirmed(decision("sales_channel_id", retrain=False), many)
    assert len(alert.table) == 1 + 12 + 1
    assert alert.table[-1][0] == "and 3 more"


def test_what_could_not_be_measured_leaves_its_cell_empty() -> None:
    unmeasured = VERDICTS.iloc[[0]].assign(effect=float("nan"))
    alert = drift_confirmed(decision("sales_channel_id"), unmeasured)
    assert alert.table[1][3:5] == ("", "0.080")


def test_many_broken_rules_are_named_up_to_eight() -> None:
    broken = [f"rule {number}" for number in range(1, 12)]
    alert = validation_failed(WEEK_END, broken)
    assert alert.title == "The data break 11 rules"
    assert alert.happened.endswith("rule 8; and 3 more.")


def test_broken_rules_lead_to_the_report_of_their_checks() -> None:
    of_week, of_all = (validation_failed(week_end, ["ages: 203"]) for week_end in (WEEK_END, None))
    assert f"pages/{WEEK_END}/checks/index.html" in of_week.first_thing
    assert "data/validation/index.html" in of_all.first_thing


def test_a_digest_holds_the_season_and_what_was_held_back() -> None:
    weekly = digest(WEEK_END, VERDICTS, held_back=["price again"])
    assert [row[0] for row in weekly.table] == ["column", "colour group"]
    assert "1 seasonal, 2 drift" in weekly.title
    assert "price again" in weekly.happened
    quiet = digest(WEEK_END, VERDICTS.iloc[2:3], held_back=[])
    assert "nothing moved" in quiet.title


def test_an_alert_calls_columns_as_the_shop_does_and_is_recognised_by_ours() -> None:
    names = ColumnNames({"colour_group_name": "Shade", "sales_channel_id": "Till"})
    confirmed = decision("sales_channel_id", "colour_group_name in France")
    alert = drift_confirmed(confirmed, VERDICTS, names)
    assert alert.subjects == ("colour_group_name", "sales_channel_id")
    assert alert.title.startswith("Shade, Till changed more than the season explains, week before")
    assert alert.happened.startswith("Drift is confirmed in: Till; Shade in France.")
    assert [row[0] for row in alert.table] == ["column", "Till", "like-for-like price"]
    weekly = digest(WEEK_END, VERDICTS, held_back=[], names=names)
    assert weekly.table[1][0] == "Shade"


def test_nothing_in_a_message_becomes_markup_or_a_second_header() -> None:
    evil = "<!channel> ``` & <script>\nBcc: all@shop"
    alert = complete(failed(evil, stage=f"rank\n{evil}"), {})
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
    draft = failed("no answer from postgresql://shop:hunter2@db/shop")
    alert = complete(draft, {"page": "http://me:hunter2@shop/page"})
    assert "hunter2" not in alert.model_dump_json()
    assert alert.links["page"] == "http://shop/page"


def collect(into: list[StoredAlert]) -> Send:
    return into.append


def down(_stored: StoredAlert) -> None:
    raise ConnectionRefusedError


def test_the_same_alert_twice_is_one_and_is_sent_once(tmp_path: Path) -> None:
    received: list[StoredAlert] = []
    assert raise_alert(drift("price"), tmp_path, PARAMS, now=NOW) == "new"
    assert raise_alert(drift("price"), tmp_path, PARAMS, now=NOW) == "known"
    for _ in range(2):
        send_pending(tmp_path, {"mail/hemline": collect(received)}, now=NOW)
    assert [stored.alert.subjects for stored in received] == [("price",)]


def test_a_channel_that_is_down_gets_everything_later_and_the_others_get_theirs_now(
    tmp_path: Path,
) -> None:
    logged: list[StoredAlert] = []
    received: list[StoredAlert] = []
    weeks = [WEEK_END, WEEK_END + timedelta(days=COOL_DOWN)]
    for week in weeks:
        raise_alert(drift("price", week_end=week), tmp_path, PARAMS, now=NOW)
    first = send_pending(tmp_path, {LOG: collect(logged), "mail/hemline": down}, now=NOW)
    mail = "mail/hemline"
    attempts = [(LOG, ""), (mail, "ConnectionRefusedError"), (LOG, "")]
    assert [(one.channel, one.failure) for one in first] == attempts
    assert read_alerts(tmp_path)[0].failed == {"mail/hemline": "ConnectionRefusedError"}
    send_pending(tmp_path, {LOG: collect(logged), "mail/hemline": collect(received)}, now=NOW)
    assert [stored.alert.week_end for stored in received] == weeks
    assert [stored.alert.week_end for stored in logged] == weeks
    assert all(stored.failed == {} and not stored.pending for stored in read_alerts(tmp_path))


def test_a_kill_between_taking_and_marking_sends_the_same_id_again(tmp_path: Path) -> None:
    received: list[StoredAlert] = []

    def killed(stored: StoredAlert) -> None:
        received.append(stored)
        raise KeyboardInterrupt

    raise_alert(drift("price"), tmp_path, PARAMS, now=NOW)
    with pytest.raises(KeyboardInterrupt):
        send_pending(tmp_path, {"mail/hemline": killed}, now=NOW)
    send_pending(tmp_path, {"mail/hemline": collect(received)}, now=NOW)
    assert [stored.id for stored in received] == [received[0].id] * 2


def test_two_flows_at_once_send_it_once(tmp_path: Path) -> None:
    received: list[StoredAlert] = []

    def slow(stored: StoredAlert) -> None:
        time.sleep(0.1)
        received.append(stored)

    raise_alert(drift("price"), tmp_path, PARAMS, now=NOW)
    with ThreadPoolExecutor() as flows:
        for _ in range(3):
            flows.submit(send_pending, tmp_path, {"mail/hemline": slow}, now=NOW)
    assert len(received) == 1


def test_a_column_cools_down_after_its_alert_and_the_next_one_counts_what_was_held_back(
    tmp_path: Path,
) -> None:
    received: list[StoredAlert] = []
    weeks = [WEEK_END + timedelta(days=days) for days in (0, 7, 14, COOL_DOWN)]
    outcomes = [
        raise_alert(
            drift("price", week_end=week), tmp_path, PARAMS, now=NOW + timedelta(hours=number)
        )
        for number, week in enumerate(weeks)
    ]
    assert outcomes == ["new", "suppressed", "suppressed", "new"]
    send_pending(tmp_path, {"mail/hemline": collect(received)}, now=NOW)
    assert [stored.alert.n_held_back for stored in received] == [0, 2]
    assert "2 alerts were held back" in plain_text(received[1].alert)
    held = [stored for stored in read_alerts(tmp_path) if stored.suppressed]
    assert [stored.alert.week_end for stored in held] == weeks[1:3]
    assert all("price on 2020-04-08" in stored.suppressed for stored in held)
    assert held_back(tmp_path, weeks[1]) == [held[0].alert.title]
    assert held_back(tmp_path, weeks[0]) == []


def test_a_column_that_joins_one_in_cool_down_is_alerted(tmp_path: Path) -> None:
    next_week = WEEK_END + timedelta(days=7)
    raise_alert(drift("price", "age_band"), tmp_path, PARAMS, now=NOW)
    both = drift("price", "sales_channel_id", week_end=next_week)
    assert (
        raise_alert(drift("age_band", week_end=next_week), tmp_path, PARAMS, now=NOW)
        == "suppressed"
    )
    assert raise_alert(both, tmp_path, PARAMS, now=NOW) == "new"


def test_cool_down_counts_weeks_of_data_and_not_the_clock(tmp_path: Path) -> None:
    later = WEEK_END + timedelta(days=COOL_DOWN)
    raise_alert(drift("price"), tmp_path, PARAMS, now=NOW)
    assert raise_alert(drift("price", week_end=later), tmp_path, PARAMS, now=NOW) == "new"


def test_an_earlier_week_evaluated_afterwards_is_not_held_back(tmp_path: Path) -> None:
    raise_alert(drift("price"), tmp_path, PARAMS, now=NOW)
    earlier = drift("price", week_end=WEEK_END - timedelta(days=7))
    assert raise_alert(earlier, tmp_path, PARAMS, now=NOW) == "new"


def test_a_failure_about_no_week_is_known_by_its_day(tmp_path: Path) -> None:
    alert = complete(failed("no"))
    outcomes = [
        raise_alert(alert, tmp_path, PARAMS, now=NOW + timedelta(hours=hours))
        for hours in (0, 5, 24)
    ]
    assert outcomes == ["new", "known", "new"]


def test_what_was_raised_without_blocks_does_not_flood_one_set_up_later(tmp_path: Path) -> None:
    received: list[StoredAlert] = []
    without = PARAMS.model_copy(update={"blocks": ()})
    raise_alert(drift("price"), tmp_path, without, now=NOW)
    send_pending(tmp_path, {"mail/hemline": collect(received)}, now=NOW)
    assert received == []
    assert read_alerts(tmp_path)[0].pending == (LOG,)


DAMAGES = {
    "emptied": b"",
    "zeros": bytes(200),
    "no text": b"\xff\xfe{",
    "other json": b"[1]",
    "other fields": b"{}",
    "deep": b"[" * 10_000,
}


@pytest.mark.parametrize("content", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_file_is_named_and_the_other_alerts_are_sent(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    raise_alert(drift("price"), tmp_path, PARAMS, now=NOW)
    (path,) = tmp_path.glob("*.json")
    path.write_bytes(content)
    raise_alert(drift("channel"), tmp_path, PARAMS, now=NOW)
    (tmp_path / "folder.json").mkdir()
    received: list[StoredAlert] = []
    Outbox(tmp_path, StoredAlert).report_damage(logging.getLogger("outbox"))
    send_pending(tmp_path, {LOG: collect(received)}, now=NOW)
    assert [one.alert.subjects for one in received] == [("channel",)]
    named = [message.partition(" is not as it was written")[0] for message in caplog.messages]
    assert named == sorted([str(path), str(tmp_path / "folder.json")])
    assert path.read_bytes() == content


def test_a_cut_or_exchanged_file_is_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for subject in ("price", "channel"):
        raise_alert(drift(subject), tmp_path, PARAMS, now=NOW)
    first, second = sorted(tmp_path.glob("*.json"))
    first.write_bytes(second.read_bytes())
    second.write_bytes(second.read_bytes()[:-20])
    Outbox(tmp_path, StoredAlert).report_damage(logging.getLogger("outbox"))
    assert read_alerts(tmp_path) == []
    assert f"it holds the message of {second.name}" in caplog.messages[0]
    assert str(second) in caplog.messages[1]


def test_an_alert_stored_before_the_rename_of_as_of_is_read_and_not_raised_again(
    tmp_path: Path,
) -> None:
    raise_alert(drift("price"), tmp_path, PARAMS, now=NOW)
    (path,) = tmp_path.glob("*.json")
    content = json.loads(path.read_text())
    content["alert"]["as_of"] = content["alert"].pop("week_end")
    path.write_text(json.dumps(content))
    assert read_alerts(tmp_path)[0].alert.week_end == WEEK_END
    assert raise_alert(drift("price"), tmp_path, PARAMS, now=NOW) == "known"


@pytest.mark.parametrize("name", ["owners", "cool_down_days"])
def test_params_name_every_kind(name: str) -> None:
    content = PARAMS.model_dump()
    content[name].pop("digest")
    with pytest.raises(ValueError, match=f"{name} lacks digest"):
        AlertParams.model_validate(content)


def test_params_carry_no_defaults() -> None:
    assert all(field.is_required() for field in AlertParams.model_fields.values())
