"""Events in a Redis server, for shops with workers on several machines.

Redis acknowledges a write before it is on the disk unless `appendfsync` is `always`, so a server
that is set otherwise is refused. One script per append makes an event, its key and its place in the
visitor's list one step. Redis holds all events in memory: about 1 kB each.
"""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import uuid4

import orjson
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from hemline.clock import now
from hemline.errors import BadInput
from hemline.shop.event_log import KeyReused, LogUnavailable, Recorded, ShopEvent
from hemline.shop.group_writer import Append, GroupWriter, Outcome

_PREFIX: Final = "hemline:"
_TIMEOUT_SECONDS: Final = 2.0
_REWRITING_SECONDS: Final = 0.05  # between two looks at whether the server still rewrites its file
_SETTINGS: Final = {"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction"}
_APPEND: Final = """
local at = 'hemline:'
local sequences = {}
local links, events = cjson.decode(ARGV[1]), {}
for i = 2, #ARGV do events[i - 1] = cjson.decode(ARGV[i]) end
for i, event in ipairs(events) do
  local known = redis.call('HGET', at .. 'keys', event.key)
  if known then
    local earlier = cjson.decode(redis.call('HGET', at .. 'events', known))
    if earlier.kind ~= event.kind or earlier.visitor ~= event.visitor
       or earlier.article_id ~= event.article_id then
      return {0, event.key}
    end
  end
  for j = 1, i - 1 do
    local other = events[j]
    if other.key == event.key and (other.kind ~= event.kind or other.visitor ~= event.visitor
       or other.article_id ~= event.article_id) then
      return {0, event.key}
    end
  end
end
for i, event in ipairs(events) do
  local sequence = redis.call('HGET', at .. 'keys', event.key)
  if not sequence then
    sequence = redis.call('INCR', at .. 'sequence')
    redis.call('HSET', at .. 'events', sequence, ARGV[i + 1])
    redis.call('HSET', at .. 'keys', event.key, sequence)
    redis.call('RPUSH', at .. 'of:' .. event.visitor, sequence)
    if event.kind ~= 'impression' then
      redis.call('RPUSH', at .. 'acts:' .. event.visitor, sequence)
    end
  end
  sequences[i] = tonumber(sequence)
end
for _, link in ipairs(links) do
  if redis.call('HSETNX', at .. 'links', link[1], link[2]) == 1 then
    redis.call('RPUSH', at .. 'guests:' .. link[2], link[1])
  end
end
return {1, sequences}
"""


class RedisLog:
    """An `EventLog` on a server.

    Args:
        url: redis://[user:password@]host:port/number, rediss:// with TLS, or unix://path.

    Raises:
        BadInput: the server does not answer, or would lose acknowledged events.
    """

    def __init__(self, url: str) -> None:
        self._client = redis_client(url)
        with _refused(url):
            _require_durable(self._client, url)
            self._append = self._client.register_script(_APPEND)
            self._client.hsetnx(_PREFIX + "about", "identity", uuid4().hex)
            self._client.hsetnx(_PREFIX + "about", "opened", now().isoformat())
            about = self._client.hgetall(_PREFIX + "about")
        self.identity = about[b"identity"].decode()
        self.opened = datetime.fromisoformat(about[b"opened"].decode())
        self._writer = GroupWriter(self._write, "event log")

    def append(self, events: Sequence[ShopEvent]) -> "Future[list[int]]":
        """See EventLog."""
        links = [(event.guest, event.visitor) for event in events if event.guest is not None]
        return self._writer.submit(Append(events, links))

    def link(self, guest: str, customer: str) -> "Future[list[int]]":
        """See EventLog."""
        return self._writer.submit(Append(links=[(guest, customer)]))

    def of(self, visitor: str) -> list[Recorded]:
        """See EventLog."""
        with unavailable():
            guests = self._client.lrange(f"{_PREFIX}guests:{visitor}", 0, -1)
            names = [visitor, *(guest.decode() for guest in guests)]
            asked = self._client.pipeline(transaction=False)
            for name in names:
                asked.lrange(f"{_PREFIX}acts:{name}", 0, -1)
            return self._recorded(sorted(int(one) for part in asked.execute() for one in part))

    def since(self, sequence: int, limit: int) -> list[Recorded]:
        """See EventLog."""
        with unavailable():
            last = int(self._client.get(_PREFIX + "sequence") or 0)
            found: list[Recorded] = []
            while sequence < last and len(found) < limit:
                until = min(last, sequence + limit)
                found += self._recorded(range(sequence + 1, until + 1), as_customers=True)
                sequence = until
            return found[:limit]

    def forget(self, visitor: str) -> int:
        """See EventLog. They have left the server's files, too, when this returns.

        Raises:
            LogUnavailable: the server does not answer, or could not rewrite its append-only file,
                which has them then; to be called again.
        """
        with unavailable():
            guests = self._client.lrange(f"{_PREFIX}guests:{visitor}", 0, -1)
            removed = sum(map(self._forget_one, [visitor, *(name.decode() for name in guests)]))
            self._client.delete(f"{_PREFIX}guests:{visitor}")
            self._rewrite_files()
            return removed

    def close(self) -> None:
        """See EventLog."""
        self._writer.close()
        self._client.close()

    def _forget_one(self, visitor: str) -> int:
        sequences = self._client.lrange(f"{_PREFIX}of:{visitor}", 0, -1)
        events = self._client.hmget(_PREFIX + "events", sequences) if sequences else []
        with self._client.pipeline() as step:
            for sequence, event in zip(sequences, events, strict=True):
                step.hdel(_PREFIX + "events", sequence)
                step.hdel(_PREFIX + "keys", orjson.loads(event)["key"])
            step.delete(f"{_PREFIX}of:{visitor}", f"{_PREFIX}acts:{visitor}")
            step.hdel(_PREFIX + "links", visitor)
            step.execute()
        return len(sequences)

    def _rewrite_files(self) -> None:
        """Wait until the append-only file is written anew from what the server has now."""
        self._wait_for_rewriting()  # one that has begun already writes what was there before
        self._client.bgrewriteaof()
        if self._wait_for_rewriting() != "ok":
            raise LogUnavailable("the Redis server could not rewrite its append-only file: its log")

    def _wait_for_rewriting(self) -> str:
        """Wait until no rewriting is running or due; return how the last one ended."""
        while True:
            about = self._client.info("persistence")
            if not (about["aof_rewrite_in_progress"] or about["aof_rewrite_scheduled"]):
                return str(about["aof_last_bgrewrite_status"])
            time.sleep(_REWRITING_SECONDS)

    def _recorded(self, sequences: Sequence[int], *, as_customers: bool = False) -> list[Recorded]:
        if not sequences:
            return []
        stored = self._client.hmget(_PREFIX + "events", [str(one) for one in sequences])
        found = [
            (sequence, orjson.loads(event))
            for sequence, event in zip(sequences, stored, strict=True)
            if event is not None
        ]
        if as_customers and found:
            names = [content["visitor"] for _, content in found]
            for (_, content), customer in zip(
                found, self._client.hmget(_PREFIX + "links", names), strict=True
            ):
                if customer is not None:
                    content["visitor"] = customer.decode()
        return [Recorded(sequence, _event(content)) for sequence, content in found]

    def _write(self, batch: list[Append]) -> list[Outcome]:
        """Run the batch's scripts in one exchange; raises LogUnavailable without an answer."""
        with unavailable():
            step = self._client.pipeline(transaction=False)
            for append in batch:
                contents = [orjson.dumps(_content(event)) for event in append.events]
                self._append(args=[orjson.dumps(append.links), *contents], client=step)
            return [_outcome(reply) for reply in step.execute(raise_on_error=False)]


def redis_client(url: str) -> Any:
    """Return a client that gives up soon, and does not repeat what may have been done.

    Its own types leave open whether answers are text; these are bytes.
    """
    return redis.Redis.from_url(
        url,
        socket_timeout=_TIMEOUT_SECONDS,
        socket_connect_timeout=_TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )


def without_password(url: str) -> str:
    """Return a server's address as it may be shown."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


@contextmanager
def unavailable() -> Iterator[None]:
    """Turn the client's errors into LogUnavailable."""
    try:
        yield
    except (redis.RedisError, OSError) as error:
        raise LogUnavailable(f"{type(error).__name__}: {error}") from error


@contextmanager
def _refused(url: str) -> Iterator[None]:
    try:
        yield
    except (redis.RedisError, OSError) as error:
        raise BadInput(
            "the Redis server of the shop's events answers, and may be asked how it is set",
            found=f"{without_password(url)}: {type(error).__name__}: {error}",
            fix="start it, correct shop.events in params.yaml (or HEMLINE_SHOP_EVENTS), and allow "
            "its user CONFIG GET",
        ) from error


def _require_durable(client: "redis.Redis", url: str) -> None:
    found = {name: client.config_get(name).get(name, "") for name in _SETTINGS}
    wrong = {name: found[name] for name, needed in _SETTINGS.items() if found[name] != needed}
    if wrong:
        raise BadInput(
            "the Redis server of the shop's events writes each event to the disk before it answers",
            found=f"{without_password(url)} has "
            + ", ".join(f"{name} {value}" for name, value in wrong.items()),
            fix="set in its redis.conf: "
            + "; ".join(f"{name} {_SETTINGS[name]}" for name in wrong)
            + ". Or keep the events in SQLite, and only the sessions in this server",
        )


def _outcome(reply: Any) -> Outcome:
    if isinstance(reply, redis.RedisError):
        return LogUnavailable(f"{type(reply).__name__}: {reply}")
    is_done, content = reply
    return [int(one) for one in content] if is_done else KeyReused(content.decode())


def _content(event: ShopEvent) -> dict[str, Any]:
    fields = {name: value for name, value in vars(event).items() if name != "guest"}
    return {**fields, "context": dict(event.context)}


def _event(content: dict[str, Any]) -> ShopEvent:
    return ShopEvent(**{**content, "at": datetime.fromisoformat(content["at"])})
