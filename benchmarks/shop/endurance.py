"""`python -m benchmarks.shop.endurance`: is anything lost when champions change or processes die?

It copies the trained project of the current folder (scratch_shop), and serves the copy with two
workers. Every number named lost, doubled, failed with one retry, seen again or not one version's
list has to be 0, else the command ends with status 1.
"""

import asyncio
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import typer
import yaml

from benchmarks.record import Row, publish
from benchmarks.shop.champion_parts import some_ids
from benchmarks.shop.champion_swaps import swap_rows
from benchmarks.shop.killed_processes import Kill, event_rows
from benchmarks.shop.redis_store import RedisStore, has_redis
from benchmarks.shop.scratch_shop import (
    RunningServer,
    ScratchShop,
    add_version,
    lists_of,
    registry_of,
    scratch_shop,
    serving_scratch,
)
from benchmarks.shop.unlike_rounds import unlike_rows
from hemline.errors import BadInput
from hemline.shop.registered_versions import CHALLENGER, CHAMPION
from hemline.stages.command import run

_WORKERS: Final = 2
_ZERO: Final = {
    *("lost", "doubled", "other sequence", "failed with one retry", "other answers"),
    *("seen again", "other list after undo", "not one version's list"),
}
_PARTS: Final = ("swaps", "sqlite", "redis", "unlikes")


def main(
    *,
    parts: Annotated[str, typer.Option(help="Of swaps,sqlite,redis,unlikes.")] = ",".join(_PARTS),
    write: Annotated[
        bool, typer.Option(help="Write benchmarks/results/shop-endurance.json.")
    ] = True,
) -> None:
    """Change, kill and contradict the shop of this folder's champion, and count what goes wrong."""
    unknown = {*parts.split(",")} - {*_PARTS}
    if unknown:
        raise BadInput(
            f"the parts are {', '.join(_PARTS)}", found=", ".join(unknown), fix="change --parts"
        )
    settings = yaml.safe_load((Path(__file__).parent / "settings.yaml").read_text("utf-8"))
    rng = np.random.default_rng(settings["seed"])
    customer_ids, article_ids = some_ids(Path.cwd(), settings["customers"], rng)
    chosen = settings["endurance"]
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="hemline-") as name:
        shop = scratch_shop(Path.cwd(), Path(name) / "shop")
        for part in parts.split(","):
            of_part = _measured(part, shop, customer_ids, article_ids, chosen, rng)
            publish(None, of_part, notes=[])
            rows += of_part
    is_whole = {*parts.split(",")} == {*_PARTS} and has_redis()
    publish("shop-endurance" if write and is_whole else None, rows, notes=_notes(chosen))
    require_nothing_lost(rows)


def _measured(
    part: str,
    shop: ScratchShop,
    customer_ids: Sequence[str],
    article_ids: Sequence[str],
    chosen: dict[str, Any],
    rng: np.random.Generator,
) -> list[Row]:
    if part == "swaps":
        return _swapped(shop, customer_ids, chosen, rng)
    if part == "unlikes":
        return _unliked(shop, customer_ids, chosen)
    if part == "redis" and not has_redis():
        return []
    return _killed(shop, part, customer_ids, article_ids, chosen)


def _unliked(shop: ScratchShop, customer_ids: Sequence[str], chosen: dict[str, Any]) -> list[Row]:
    n, n_each = chosen["unlikes"], chosen["unlikes_each"]
    case = f"{n:,} unlikes, each followed by a list from the other worker"
    with _served(shop, "unlikes") as (server, _):
        return asyncio.run(unlike_rows(case, server, customer_ids[: n // n_each], n_each=n_each))


def _swapped(
    shop: ScratchShop, customer_ids: Sequence[str], chosen: dict[str, Any], rng: np.random.Generator
) -> list[Row]:
    with registry_of(shop):
        other = add_version(shop)
        _point(CHALLENGER, other)
        first = shop.champion.number
        lists = {
            first: lists_of(shop, first, CHAMPION, customer_ids),
            other: lists_of(shop, other, CHALLENGER, customer_ids),
        }
        with _served(shop, "swaps") as (server, _):
            seconds, rate = chosen["swap_seconds"], chosen["swap_rate"]
            return swap_rows(
                f"{chosen['swaps']} changes of champion in {seconds} s at {rate} requests a second",
                server.address,
                lists,
                n_swaps=chosen["swaps"],
                seconds=seconds,
                rate=rate,
                rng=rng,
            )


def _point(alias: str, number: int) -> None:
    from hemline.registry.mlflow_client import client  # noqa: PLC0415  (imports MLflow)
    from hemline.registry.versions import MODEL  # noqa: PLC0415  (as above)

    client().set_registered_model_alias(MODEL, alias, str(number))


def _killed(
    shop: ScratchShop,
    store: str,
    customer_ids: Sequence[str],
    article_ids: Sequence[str],
    chosen: dict[str, Any],
) -> list[Row]:
    with _served(shop, "killed", store) as (server, kill_store):
        return asyncio.run(
            event_rows(
                f"{chosen['events']:,} events, {chosen['kills']} workers killed",
                {"sqlite": "SQLite", "redis": "Redis, itself killed once more"}[store],
                server,
                n_events=chosen["events"],
                n_writers=chosen["writers"],
                n_kills=chosen["kills"],
                visitors=customer_ids,
                article_ids=article_ids,
                kill_store=kill_store,
            )
        )


@contextmanager
def _served(
    shop: ScratchShop, name: str, store: str = "sqlite"
) -> Iterator[tuple[RunningServer, Kill | None]]:
    """Serve the copy with empty stores; yield what kills the store too, where it is a server."""
    folder = shop.root.parent / f"{name}-{store}"
    folder.mkdir()
    sessions = f"sqlite:{folder}/sessions.db"
    if store == "sqlite":
        events = f"sqlite:{folder}/events.db"
        with serving_scratch(shop, workers=_WORKERS, events=events, sessions=sessions) as server:
            yield server, None
    else:
        with (
            RedisStore(folder) as redis,
            serving_scratch(shop, workers=_WORKERS, events=redis.url, sessions=sessions) as server,
        ):
            yield server, redis.kill


def require_nothing_lost(rows: Sequence[Row]) -> None:
    """Raise BadInput where something was lost, doubled, or shown that must not be.

    A change of champion may let no request fail, a kill only those that were in flight.
    """
    wrong = [f"{row.model}: {row.metric} {row.value:.0f}" for row in rows
             if row.metric in _ZERO and row.value]  # fmt: skip
    values = {(row.case, row.model, row.metric): row.value for row in rows}
    for (case, model, metric), failed in values.items():
        most = values.get((case, model, "in flight at the kills"), 0.0)  # none in a swap
        if metric == "failed" and failed > most:
            wrong.append(f"{model}: failed {failed:.0f}, of which {most:.0f} were in flight")
    if wrong:
        raise BadInput(
            "the shop loses nothing when champions change and processes are killed",
            found="; ".join(wrong),
            fix="read the table above, and .hemline/logs/shop.log of the copy",
        )


def _notes(chosen: dict[str, Any]) -> list[str]:
    return [
        (
            "Changes of champion are made as `hemline promote` and `hemline rollback` make them. "
            "The versions answer with other models, and each list is compared with that of the "
            "version that it names. Two workers see each change, so twice as many swaps."
        ),
        (
            f"Events: {chosen['writers']} writers over HTTP; every kill is kill -9 of the worker "
            "that runs longest. A request that failed is sent once more with its key. Redis has "
            "`appendonly yes`, `appendfsync always`; while it is away the shop refuses with 503, "
            "and the writer waits for Retry-After."
        ),
        (
            f"Unlikes: {chosen['unlikes_each']} for each customer, who is then shown the longest "
            "list by the other worker. At the end all are undone, and the list is the first again."
        ),
    ]


if __name__ == "__main__":
    run(main)
