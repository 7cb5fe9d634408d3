import multiprocessing
import os
import signal
import stat
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import redis

from hemline.clock import now
from hemline.errors import BadInput
from hemline.shop.event_log import EventLog, KeyReused, LogUnavailable, ShopEvent
from hemline.shop.redis_log import RedisLog
from hemline.shop.session_stores import open_log, open_sessions
from hemline.shop.sqlite_log import SqliteLog
from hemline.shop.visitor_sessions import Session
from tests.processes import eventually
from tests.redis_server import DURABLE, needs_redis, redis_server

ANNA, BEN, GUEST = "customer:anna", "customer:ben", "guest:1"
Opened = Callable[[], EventLog]


@pytest.fixture(params=["sqlite", pytest.param("redis", marks=needs_redis)])
def address(request: pytest.FixtureRequest) -> Iterator[str]:
    """An empty store; the path of a socket has to be short."""
    with tempfile.TemporaryDirectory(prefix="hemline-") as name:
        if request.param == "sqlite":
            yield f"sqlite:{name}/events.db"
        else:
            with redis_server(Path(name), *DURABLE) as url:
                yield url


@pytest.fixture
def log(address: str) -> Iterator[EventLog]:
    opened = open_log(address, Path())
    yield opened
    opened.close()


def event(key: str, visitor: str = ANNA, **changes: object) -> ShopEvent:
    plain = ShopEvent("purchase", visitor, "0108775015", key, now())
    return replace(plain, **changes)  # type: ignore[arg-type]


def _is_rewriting(server: "redis.Redis") -> bool:
    return bool(server.info("persistence")["aof_rewrite_in_progress"])


def _stored(folder: Path) -> str:
    """What the server's append-only files say, one after the other."""
    files = sorted(folder.rglob("appendonly.aof*"))
    return b"".join(path.read_bytes() for path in files).decode(errors="replace")


def append(log: EventLog, *events: ShopEvent) -> list[int]:
    return log.append(events).result(timeout=20)


def test_events_come_back_as_they_were_in_the_order_of_their_sequence(log: EventLog) -> None:
    first = event("1", price=0.0254, units=2, context={"page": "home", "slot": "favourites"})
    second = event("2", BEN, kind="unlike")
    assert append(log, first, second) == [1, 2]
    assert [(one.sequence, one.event) for one in log.since(0, 10)] == [(1, first), (2, second)]
    assert [one.event for one in log.since(1, 10)] == [second]
    assert [one.event for one in log.since(0, 1)] == [first]
    assert [one.event for one in log.of(BEN)] == [second]
    assert log.of("customer:nobody") == []


def test_an_impression_is_in_the_log_but_not_among_what_a_visitor_did(log: EventLog) -> None:
    append(log, event("1", kind="impression"), event("2", kind="view"))
    assert [one.event.kind for one in log.of(ANNA)] == ["view"]
    assert [one.event.kind for one in log.since(0, 10)] == ["impression", "view"]


def test_an_event_that_is_sent_again_keeps_its_place(log: EventLog) -> None:
    append(log, event("1"), event("2"))
    assert append(log, event("1"), event("3"), event("2"), event("3")) == [1, 3, 2, 3]
    assert [one.sequence for one in log.since(0, 10)] == [1, 2, 3]


@pytest.mark.parametrize("change", [{"kind": "return"}, {"visitor": BEN}, {"article_id": "2"}])
def test_a_key_names_one_event_and_nothing_sent_with_another_is_recorded(
    log: EventLog, change: dict[str, object]
) -> None:
    append(log, event("1"))
    for others in (
        (event("2"), event("1", **change)),
        (event("3"), event("3", **change)),
    ):
        with pytest.raises(KeyReused, match="names one event"):
            append(log, *others)
    assert append(log, event("4")) == [2]


def test_what_a_guest_did_before_and_after_signing_up_is_the_customers(log: EventLog) -> None:
    append(log, event("1", GUEST))
    append(log, event("2", ANNA, guest=GUEST))
    append(log, event("3", GUEST))
    log.link(GUEST, BEN).result(timeout=20)  # the first link holds
    assert [one.event.key for one in log.of(ANNA)] == ["1", "2", "3"]
    assert log.of(BEN) == []
    assert {one.event.visitor for one in log.since(0, 10)} == {ANNA}


def test_who_is_forgotten_leaves_nothing(log: EventLog) -> None:
    append(log, event("1", GUEST, kind="impression"), event("2", BEN))
    append(log, event("3", ANNA, guest=GUEST))
    assert log.forget(ANNA) == 2
    assert log.of(ANNA) == log.of(GUEST) == []
    assert [one.event.key for one in log.since(0, 10)] == ["2"]
    assert append(log, event("4", GUEST)) == [4]  # a new guest: numbers are not given twice
    assert log.of(ANNA) == []


@needs_redis
def test_who_is_forgotten_leaves_the_files_of_redis_too() -> None:
    slow = ("--rdb-key-save-delay", "100000")  # 0.1 s a key that a rewriting writes
    with (
        tempfile.TemporaryDirectory(prefix="hemline-") as name,
        redis_server(Path(name), *DURABLE, "--rdbcompression", "no", *slow) as url,
    ):
        log, server = RedisLog(url), redis.Redis.from_url(url)
        append(log, event("1"), event("2", BEN))
        server.bgrewriteaof()
        assert eventually(lambda: _is_rewriting(server), seconds=20)
        assert ANNA in _stored(Path(name))
        assert log.forget(ANNA) == 1
        assert eventually(lambda: ANNA not in _stored(Path(name)), seconds=20)
        assert BEN in _stored(Path(name))
        log.close()


@needs_redis
def test_a_redis_that_cannot_rewrite_its_files_says_that_it_keeps_them() -> None:
    slow = ("--rdb-key-save-delay", "1000000")  # 1 s a key that a rewriting writes
    with (
        tempfile.TemporaryDirectory(prefix="hemline-") as name,
        redis_server(Path(name), *DURABLE, *slow) as url,
        ThreadPoolExecutor(1) as threads,
    ):
        log, server = RedisLog(url), redis.Redis.from_url(url)
        append(log, event("1"), event("2", BEN))
        forgetting = threads.submit(log.forget, ANNA)
        assert eventually(lambda: _is_rewriting(server), seconds=20)
        for child in psutil.Process(server.info("server")["process_id"]).children():
            child.kill()
        with pytest.raises(LogUnavailable, match="could not rewrite"):
            forgetting.result(timeout=20)
        log.close()


def test_many_writers_get_one_order_without_gaps(log: EventLog, address: str) -> None:
    other = open_log(address, Path())
    with ThreadPoolExecutor(8) as threads:
        sequences = list(
            threads.map(lambda n: append((log, other)[n % 2], event(str(n)))[0], range(400))
        )
    other.close()
    assert sorted(sequences) == list(range(1, 401))
    read = [one.event.key for one in log.since(0, 1000)]
    assert [sequences[int(key)] for key in read] == sorted(sequences)


def test_a_log_keeps_its_name_and_another_has_another(log: EventLog, address: str) -> None:
    again = open_log(address, Path())
    assert (again.identity, again.opened) == (log.identity, log.opened)
    again.close()
    with tempfile.TemporaryDirectory() as name:
        other = SqliteLog(Path(name) / "events.db")
        assert other.identity != log.identity
        other.close()


def test_what_was_given_before_the_end_is_written_and_nothing_after_it(address: str) -> None:
    log = open_log(address, Path())
    done = [log.append([event(str(n))]) for n in range(100)]
    log.close()
    assert [one.result(timeout=0) for one in done] == [[n] for n in range(1, 101)]
    with pytest.raises(LogUnavailable):
        append(log, event("late"))


def write_until_killed(address: str, acknowledged: str, begin: int) -> None:
    log = open_log(address, Path())
    with open(acknowledged, "a", buffering=1, encoding="utf-8") as file:  # noqa: PTH123  (appends)

        def one(n: int) -> None:
            append(log, event(f"{begin}-{n}"))
            file.write(f"{begin}-{n}\n")

        with ThreadPoolExecutor(16) as threads:
            list(threads.map(one, range(1_000_000)))


def test_no_acknowledged_event_is_lost_when_a_writer_is_killed(
    address: str, tmp_path: Path
) -> None:
    acknowledged = tmp_path / "acknowledged"
    acknowledged.touch()
    for begin in range(2):
        size = acknowledged.stat().st_size
        writer = multiprocessing.get_context("spawn").Process(
            target=write_until_killed, args=(address, str(acknowledged), begin)
        )
        writer.start()
        assert eventually(lambda size=size: acknowledged.stat().st_size > size + 1500, seconds=60)
        assert writer.pid is not None
        os.kill(writer.pid, signal.SIGKILL)
        writer.join()
    told = [line for line in acknowledged.read_text().splitlines(keepends=True) if line[-1] == "\n"]
    log = open_log(address, Path())
    kept = [one.event.key for one in log.since(0, 100_000)]
    assert len(kept) == len(set(kept))
    assert {line.strip() for line in told} <= set(kept)
    log.close()


def test_the_file_of_events_is_its_owners_alone(tmp_path: Path) -> None:
    log = SqliteLog(tmp_path / "events.db")
    append(log, event("1"))
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}
    log.close()


def test_a_file_that_is_no_log_is_refused(tmp_path: Path) -> None:
    (tmp_path / "events.db").write_text("no database " * 100)
    with pytest.raises(BadInput, match="holds the shop's events"):
        SqliteLog(tmp_path / "events.db")
    with pytest.raises(BadInput, match=r"shop\.events is sqlite:<path>"):
        open_log("mysql://user:secret@host/shop", tmp_path)


@needs_redis
@pytest.mark.parametrize(
    ("options", "found"),
    [
        ((), "appendonly no, appendfsync everysec"),
        (("--appendonly", "yes"), "appendfsync everysec"),
        ((*DURABLE, "--maxmemory-policy", "allkeys-lru"), "maxmemory-policy allkeys-lru"),
    ],
)
def test_a_redis_that_could_lose_an_event_is_refused(options: tuple[str, ...], found: str) -> None:
    with tempfile.TemporaryDirectory(prefix="hemline-") as name:
        with redis_server(Path(name), *options) as url, pytest.raises(BadInput, match=found):
            RedisLog(url)
        with pytest.raises(BadInput, match="answers") as refused:
            RedisLog("redis://anna:secret@127.0.0.1:9/0")
        assert "secret" not in str(refused.value)


@needs_redis
def test_a_redis_that_goes_away_and_comes_back() -> None:
    with tempfile.TemporaryDirectory(prefix="hemline-") as name:
        with redis_server(Path(name), *DURABLE) as url:
            log = RedisLog(url)
            append(log, event("1"))
        with pytest.raises(LogUnavailable):
            append(log, event("2"))
        with pytest.raises(LogUnavailable):
            log.of(ANNA)
        with redis_server(Path(name), *DURABLE):
            assert append(log, event("2")) == [2]
            assert [one.event.key for one in log.of(ANNA)] == ["1", "2"]
        log.close()


def test_sessions_come_back_and_expire(address: str) -> None:
    anna = Session("anna", {"age": 34}, ("0108775015",), {"language": "sv"})
    place = address.replace("events.db", "sessions.db")
    sessions, others = (open_sessions(place, Path(), seconds=1) for _ in range(2))
    assert sessions.read(GUEST) == Session()
    sessions.write(GUEST, anna)
    assert others.read(GUEST) == anna
    assert eventually(lambda: others.read(GUEST) == Session(), seconds=5)
    sessions.write(GUEST, anna)
    others.forget(GUEST)
    assert sessions.read(GUEST) == Session()
    for store in (sessions, others):
        store.close()
