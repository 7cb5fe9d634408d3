"""The log of champions in a real MLflow registry, interrupted before every single write."""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from hemline.errors import BadInput
from hemline.evaluation.gate.gate_verdict import GateVerdict, refuse_rolled_back
from hemline.registry import registry_lock
from hemline.registry.champion_log import NO_VERSION, Change, changes
from hemline.registry.champions import change_champion, promote, roll_back, settle
from hemline.registry.promotion import existing_verdict, record_verdict
from hemline.registry.versions import (
    CHAMPION,
    GATE_REASON,
    MODEL,
    ROLLED_BACK,
    known_version,
    set_champion,
    version_by_alias,
)
from hemline.serving.version_files import FORMAT_VERSION

NOW, LATER = datetime(2020, 9, 23, 8, 0, tzinfo=UTC), datetime(2020, 9, 24, 8, 0, tzinfo=UTC)
WRITES = (
    "set_registered_model_alias",
    "set_registered_model_tag",
    "delete_registered_model_tag",
    "set_model_version_tag",
    "delete_model_version_tag",
    "update_model_version",
)


class Killed(BaseException):
    """The process ended here."""


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"sqlite:///{tmp_path_factory.mktemp('registry') / 'mlflow.db'}"


@pytest.fixture
def client(database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[MlflowClient]:
    """An empty registry of the test's own."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", database)
    client = MlflowClient()
    client.create_registered_model(MODEL)
    yield client
    client.delete_registered_model(MODEL)


@contextmanager
def killed_before_write(number: int) -> Iterator[None]:
    """End the process before MLflow's client has written more than `number` times."""
    written = 0

    def limited(name: str) -> object:
        original = getattr(MlflowClient, name)

        def write(*arguments: object, **named: object) -> object:
            nonlocal written
            written += 1
            if written > number:
                raise Killed
            return original(*arguments, **named)

        return write

    with pytest.MonkeyPatch.context() as patch:
        for name in WRITES:
            patch.setattr(MlflowClient, name, limited(name))
        yield


def add_version(client: MlflowClient, format_version: str = FORMAT_VERSION) -> str:
    tags = {"cut": "2020-09-16", "source": "synthetic", "form": format_version}
    return str(client.create_model_version(MODEL, source="models", tags=tags).version)


def state(client: MlflowClient) -> object:
    """Everything the registry holds about the champion: alias, log, intent, marks and verdicts."""
    versions = client.search_model_versions(f"name = '{MODEL}'")
    return (
        champion(),
        dict(client.get_registered_model(MODEL).tags),
        {one.version: (dict(one.tags), one.description) for one in versions},
    )


def start_again(client: MlflowClient) -> None:
    """Three versions, of which 1 and 2 were promoted by the gate and 3 is new; 2 is champion.

    Made once and copied back afterwards, which is far faster than writing it again.
    """
    live = Path(client.tracking_uri.removeprefix("sqlite:///"))
    start = live.with_name("start.db")
    if start.exists():
        _copy_database(start, live)
        return
    client.delete_registered_model(MODEL)
    client.create_registered_model(MODEL)
    for _ in range(3):
        add_version(client)
    make_champion("1", "2")
    _copy_database(live, start)


def _copy_database(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source)) as there, closing(sqlite3.connect(target)) as here:
        there.backup(here)


def gate(number: str = "3") -> None:
    """What every run of the training flow does about a version."""
    version = known_version(number)
    if existing_verdict(version, NOW) is not None:
        return
    if ROLLED_BACK in version.tags:
        verdict = refuse_rolled_back(version.tags[ROLLED_BACK])
    else:
        verdict = GateVerdict(promotes=True, reason="it was better", champion=champion())
    assert record_verdict(version, verdict, NOW)


def promote_three() -> None:
    promote("3", reason="the buyers asked for it", at=NOW)


def roll_back_once() -> None:
    roll_back(reason="too much swimwear", at=NOW)


def roll_back_from_two() -> None:
    roll_back(reason="too much swimwear", at=NOW, from_version="2")


def promote_what_was_rolled_back() -> None:
    promote("2", reason="it was the prices", at=NOW)


def nothing() -> None:
    pass


def champion() -> str:
    version = version_by_alias(CHAMPION)
    return version.number if version else NO_VERSION


def make_champion(*numbers: str) -> None:
    for number in numbers:
        change_champion(number, how="gate", reason=f"{number} was better", at=NOW)


def assert_consistent(log: list[Change]) -> None:
    """The alias is where the log has it, entries follow from each other, nothing is pending."""
    assert log == changes()
    assert champion() == (log[-1].version if log else NO_VERSION)
    assert [change.previous for change in log] == [NO_VERSION, *(one.version for one in log[:-1])]
    assert "change.pending" not in MlflowClient().get_registered_model(MODEL).tags


def test_a_change_is_entered_with_when_from_whom_and_why(client: MlflowClient) -> None:
    one, two = add_version(client), add_version(client)
    make_champion(one)
    promote(two, reason="  the buyers\n asked\u202e for it\a ", at=LATER)
    assert changes() == [
        Change("2020-09-23T08:00:00+00:00", one, NO_VERSION, "gate", f"{one} was better"),
        Change(
            "2020-09-24T08:00:00+00:00", two, one, "promote", r"the buyers asked\u202e for it\x07"
        ),
    ]
    assert_consistent(settle(LATER))


def test_a_change_interrupted_before_any_write_is_settled_and_no_reason_is_lost(
    client: MlflowClient,
) -> None:
    one, two = add_version(client), add_version(client)
    make_champion(one)
    n_writes = 0
    while True:
        before, target = champion(), two if champion() == one else one
        try:
            with killed_before_write(n_writes):
                promote(target, reason=f"attempt {n_writes}", at=NOW)
        except Killed:
            log = settle(LATER)
            assert_consistent(log)
            assert champion() in {before, target}
            assert champion() == before or log[-1].reason == f"attempt {n_writes}"
            assert all(change.how != "elsewhere" for change in log)
            n_writes += 1
        else:
            break
    assert n_writes == 4  # announced, made, entered, withdrawn
    assert_consistent(settle(LATER))


COMMANDS = {
    "promote": (nothing, promote_three, 4),  # intent, alias, entry, intent removed
    "rollback": (nothing, roll_back_once, 5),  # the mark as well
    "rollback --from": (nothing, roll_back_from_two, 5),
    "promote what was rolled back": (roll_back_once, promote_what_was_rolled_back, 5),  # as well
    "gate": (nothing, gate, 8),  # two numbers of the verdict, description and reason as well
}


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("is_shown_in_between", [False, True])
def test_a_command_interrupted_in_any_window_and_given_again_is_carried_out_once(
    client: MlflowClient, name: str, is_shown_in_between: bool
) -> None:
    before, command, n_writes = COMMANDS[name]
    start_again(client)
    before()
    command()
    undisturbed = state(client)
    for window in range(n_writes + 1):
        start_again(client)
        before()
        if window < n_writes:
            with pytest.raises(Killed), killed_before_write(window):
                command()
        else:
            with killed_before_write(window):  # it ended, but nobody saw that
                command()
        if is_shown_in_between:
            assert_consistent(settle(NOW))
        command()
        assert state(client) == undisturbed, f"killed before write {window}"
        assert_consistent(settle(LATER))
        assert state(client) == undisturbed


@pytest.mark.parametrize("name", ["promote", "gate"])
def test_a_rollback_after_an_interrupted_change_leaves_the_version_that_was_served(
    client: MlflowClient, name: str
) -> None:
    _, command, n_writes = COMMANDS[name]
    seen = set()
    for window in range(n_writes):
        start_again(client)
        with pytest.raises(Killed), killed_before_write(window):
            command()
        served = champion()
        roll_back_once()
        assert champion() == {"2": "1", "3": "2"}[served]
        marked = [one for one in "123" if ROLLED_BACK in known_version(one).tags]
        assert marked == [served]
        assert changes()[-1].previous == served
        assert_consistent(settle(LATER))
        seen.add(served)
    assert seen == {"2", "3"}


def test_a_gate_that_goes_on_after_a_rollback_does_not_promote_what_was_rolled_back(
    client: MlflowClient,
) -> None:
    for window in range(8):
        start_again(client)
        with pytest.raises(Killed), killed_before_write(window):
            gate()
        was_promoted = champion() == "3"
        roll_back_once()
        gate()  # the next run of the flow
        assert champion() == ("2" if was_promoted else "3")
        judged = known_version("3")
        assert (ROLLED_BACK in judged.tags) == was_promoted
        assert judged.tags[GATE_REASON] == "it was better"
        assert judged.tags["gate.previous_champion"] == ("2" if was_promoted else "1")
        assert_consistent(settle(LATER))


def test_a_verdict_about_an_earlier_champion_is_not_recorded(client: MlflowClient) -> None:
    start_again(client)
    verdict = GateVerdict(promotes=True, reason="better than 2", champion="2")
    roll_back_once()  # while the gate was measuring
    assert not record_verdict(known_version("3"), verdict, NOW)
    assert champion() == "1"
    assert GATE_REASON not in known_version("3").tags
    gate()
    assert champion() == "3"


def test_a_version_rolled_back_while_it_was_judged_is_not_promoted(client: MlflowClient) -> None:
    start_again(client)
    verdict = GateVerdict(promotes=True, reason="better than 2", champion="2")
    version = known_version("3")
    promote_three()
    roll_back_once()
    assert not record_verdict(version, verdict, NOW)
    assert champion() == "2"


def test_numbers_of_an_interrupted_judgement_do_not_stand_beside_those_of_the_next(
    client: MlflowClient,
) -> None:
    start_again(client)
    client.set_model_version_tag(MODEL, "3", "gate.difference", "+0.400000")
    gate()
    assert "gate.difference" not in known_version("3").tags


def test_a_command_waits_for_another_or_is_refused_with_what_to_do(
    client: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    start_again(client)
    before = state(client)
    monkeypatch.setattr(registry_lock, "WAIT_SECONDS", 0.1)
    for command in (promote_three, roll_back_once, gate):
        with registry_lock.registry_locked(), pytest.raises(BadInput) as refusal:
            command()
        assert f"process {os.getpid()} has held" in refusal.value.found
        assert "end it if it hangs" in refusal.value.fix
    assert state(client) == before


def test_two_processes_that_change_the_champion_at_once_do_so_one_after_the_other(
    client: MlflowClient, database: str
) -> None:
    start_again(client)
    script = "from tests.test_champions import contend; print(flush=True); contend('theirs')"
    with subprocess.Popen(
        [sys.executable, "-c", script],
        env={**os.environ, "MLFLOW_TRACKING_URI": database},
        stdout=subprocess.PIPE,
    ) as rival:
        assert rival.stdout is not None
        rival.stdout.readline()  # its imports are done
        contend("ours")
    assert rival.returncode == 0
    log = settle(LATER)
    assert_consistent(log)
    assert sorted(change.reason for change in log[2:]) == sorted(
        f"{verb} {name} {turn}"
        for verb in ("promote", "back")
        for name in ("ours", "theirs")
        for turn in range(3)
    )


def contend(name: str) -> None:
    """Promote version 3 and roll it back three times, while another process does the same."""
    for turn in range(3):
        while True:
            try:
                promote("3", reason=f"promote {name} {turn}", at=NOW)
                break
            except BadInput:  # the other one was faster, and it is champion
                continue
        roll_back(reason=f"back {name} {turn}", at=NOW)


def test_a_rollback_given_again_after_it_ended_goes_back_once(client: MlflowClient) -> None:
    start_again(client)
    promote_three()
    first = roll_back(reason="winter coats", at=NOW)
    notes: list[str] = []
    again = roll_back(reason=" winter\tcoats\n", at=LATER, report=notes.append)
    assert again == first
    assert (first.previous, first.version, champion()) == ("3", "2", "2")
    assert notes == [f"nothing to do, the command was carried out before: {first}"]
    named = roll_back(reason="other words", at=LATER, from_version="3")
    assert named == first
    second = roll_back(reason="winter coats", at=LATER, from_version="2")
    assert (second.previous, second.version) == ("2", "1")


def test_a_rollback_from_a_version_that_is_not_champion_is_refused(client: MlflowClient) -> None:
    start_again(client)
    before = state(client)
    with pytest.raises(BadInput, match="--from 3; the champion is 2"):
        roll_back(reason="winter coats", at=NOW, from_version="3")
    assert state(client) == before


def test_a_promotion_given_again_after_it_ended_changes_nothing(client: MlflowClient) -> None:
    start_again(client)
    first = promote("3", reason="winter coats", at=NOW)
    before = state(client)
    assert promote("3", reason="winter coats", at=LATER) == first
    with pytest.raises(BadInput, match="is the champion"):
        promote("3", reason="I like it", at=LATER)
    assert state(client) == before


def test_what_an_earlier_hemline_left_of_an_interrupted_rollback_is_repaired(
    client: MlflowClient,
) -> None:
    start_again(client)
    client.set_model_version_tag(MODEL, "2", ROLLED_BACK, "marked before the alias moved")
    settle(LATER)
    assert ROLLED_BACK not in known_version("2").tags
    pending = {"version": "1", "previous": "2", "how": "rollback", "reason": "r", "at": "t"}
    client.set_registered_model_tag(MODEL, "change.pending", json.dumps(pending))
    set_champion("1")
    assert_consistent(settle(LATER))
    assert changes()[-1] == Change("t", "1", "2", "rollback", "r")
    client.set_registered_model_tag(MODEL, "change.pending", json.dumps(pending))
    assert_consistent(settle(LATER))
    assert [change.version for change in changes()] == ["1", "2", "1"]


def test_an_interrupted_rollback_from_a_version_that_was_deleted_is_completed(
    client: MlflowClient,
) -> None:
    start_again(client)
    with pytest.raises(Killed), killed_before_write(2):
        roll_back_once()
    client.delete_model_version(MODEL, "2")
    assert_consistent(settle(LATER))
    assert champion() == "1"


def test_rolling_back_twice_goes_back_two_and_never_to_what_was_rolled_back_from(
    client: MlflowClient,
) -> None:
    one, two, three = (add_version(client) for _ in range(3))
    make_champion(one, two, three)
    assert roll_back(reason="three is wrong", at=NOW).version == two
    assert roll_back(reason="two is wrong too", at=NOW).version == one
    with pytest.raises(BadInput, match="none before version"):
        roll_back(reason="and one", at=NOW)
    assert champion() == one
    assert ROLLED_BACK not in known_version(one).tags


def test_a_person_can_bring_back_what_was_rolled_back(client: MlflowClient) -> None:
    one, two = add_version(client), add_version(client)
    make_champion(one, two)
    roll_back(reason="looked wrong", at=NOW)
    assert "looked wrong" in known_version(two).tags[ROLLED_BACK]
    promote(two, reason="it was the prices, not the model", at=LATER)
    assert ROLLED_BACK not in known_version(two).tags
    assert roll_back(reason="after all", at=LATER).version == one


def test_a_rolled_back_version_keeps_its_verdict_and_stays_away(client: MlflowClient) -> None:
    one, two = add_version(client), add_version(client)
    make_champion(one)
    record_verdict(known_version(two), GateVerdict(promotes=True, reason="it was better"), NOW)
    roll_back(reason="looked wrong", at=LATER)
    assert existing_verdict(known_version(two), LATER) == "it was better"
    record_verdict(known_version(two), refuse_rolled_back("looked wrong"), LATER)
    assert champion() == one


def test_a_version_promoted_before_its_verdict_is_not_made_champion_again(
    client: MlflowClient,
) -> None:
    one, two = add_version(client), add_version(client)
    make_champion(one)
    promote(two, reason="I know it", at=NOW)
    record_verdict(known_version(two), GateVerdict(promotes=True, reason="it was champion"), LATER)
    assert existing_verdict(known_version(two), LATER) == "it was champion"
    assert [change.version for change in changes()] == [one, two]
    assert_consistent(changes())


def test_an_alias_moved_outside_hemline_is_entered_as_such(client: MlflowClient) -> None:
    one, two = add_version(client), add_version(client)
    make_champion(one)
    set_champion(two)
    log = settle(LATER)
    assert (log[-1].how, log[-1].version, log[-1].previous) == ("elsewhere", two, one)
    assert_consistent(log)
    assert settle(LATER) == log


@pytest.mark.usefixtures("client")
def test_without_a_champion_the_log_is_empty_and_nothing_can_be_rolled_back() -> None:
    assert settle(NOW) == []
    with pytest.raises(BadInput, match="none before version none"):
        roll_back(reason="a habit", at=NOW)


def test_what_cannot_be_promoted_is_refused_and_changes_nothing(client: MlflowClient) -> None:
    one, old, two = (
        add_version(client),
        add_version(client, format_version="1"),
        add_version(client),
    )
    make_champion(one)
    for number, found in (
        (old, "has format 1"),
        (one, "is the champion"),
        ("99", "99; the registry has"),
    ):
        with pytest.raises(BadInput, match=found):
            promote(number, reason="why not", at=NOW)
    for change in (lambda: promote(two, reason=" ", at=NOW), lambda: roll_back(reason="", at=NOW)):
        with pytest.raises(BadInput, match="has a reason"):
            change()
    assert [change.version for change in changes()] == [one]


def test_the_cut_of_a_version_registered_before_the_rename_is_read(client: MlflowClient) -> None:
    tags = {"as_of": "2020-09-16", "source": "synthetic"}
    number = client.create_model_version(MODEL, source="models", tags=tags).version
    old, new = known_version(str(number)), known_version(add_version(client))
    assert old.cut == new.cut == date(2020, 9, 16)
    assert (old.is_readable, new.is_readable) == (False, True)


def test_a_registry_without_the_model_has_no_log(database: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", database)
        with pytest.raises(MlflowException):
            MlflowClient().get_registered_model(MODEL)
        assert changes() == []
