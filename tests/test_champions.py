"""The log of champions in a real MLflow registry, interrupted before every single write."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime

import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from hemline.errors import BadInput
from hemline.evaluation.gate.gate_verdict import GateVerdict, refuse_rolled_back
from hemline.registry.champions import (
    NO_VERSION,
    Change,
    change_champion,
    changes,
    promote,
    roll_back,
    settle,
)
from hemline.registry.promotion import existing_verdict, record_verdict
from hemline.registry.versions import (
    CHAMPION,
    GATE_REASON,
    MODEL,
    ROLLED_BACK,
    Version,
    known_version,
    set_champion,
    version_by_alias,
)
from hemline.storefront import FORMAT_VERSION

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
    promote(two, reason="  the buyers asked for it ", at=LATER)
    assert changes() == [
        Change("2020-09-23T08:00:00+00:00", one, NO_VERSION, "gate", f"{one} was better"),
        Change("2020-09-24T08:00:00+00:00", two, one, "promote", "the buyers asked for it"),
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


def test_a_gate_interrupted_before_any_write_reaches_the_same_verdict_once(
    client: MlflowClient,
) -> None:
    verdict, n_writes, is_killed = GateVerdict(promotes=True, reason="it was better"), 0, True
    while is_killed:
        version = known_version(add_version(client))
        try:
            with killed_before_write(n_writes):
                record_verdict(version, verdict, NOW)
            is_killed = False
        except Killed:
            n_writes += 1
            finish(version, verdict)
        judged = known_version(version.number)
        assert judged.tags[GATE_REASON] == "it was better"
        assert champion() == version.number
        entries = [change for change in changes() if change.version == version.number]
        assert [change.how for change in entries] == ["gate"]
        assert judged.tags["gate.previous_champion"] == entries[0].previous
        assert_consistent(settle(LATER))
    assert n_writes == 8  # two tags, four writes of the change, the description, the reason


def finish(version: Version, verdict: GateVerdict) -> None:
    """Do what the next run of the flow does."""
    version = known_version(version.number)
    if existing_verdict(version, LATER) is None:
        record_verdict(version, verdict, LATER)


def test_a_rollback_interrupted_leaves_a_champion_and_can_be_repeated(
    client: MlflowClient,
) -> None:
    one, two = add_version(client), add_version(client)
    for n_writes in range(5):  # the mark, then the four of a change
        make_champion(*(number for number in (one, two) if champion() != number))
        with pytest.raises(Killed), killed_before_write(n_writes):
            roll_back(reason="too much swimwear", at=NOW)
        assert_consistent(settle(LATER))
        if champion() == two:
            roll_back(reason="too much swimwear", at=NOW)
        assert champion() == one
        client.delete_model_version_tag(MODEL, two, ROLLED_BACK)


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
