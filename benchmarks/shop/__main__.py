"""`python -m benchmarks.shop`: CPU of an answer, latency at a constant rate, capacity, memory.

It reads the trained project of the current folder and leaves its champion, events and sessions as
they are: the shop under load writes to stores of its own.
"""

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import psutil
import typer
import yaml

from benchmarks.record import Row, publish
from benchmarks.shop.answer_costs import cost_rows
from benchmarks.shop.champion_parts import parts_of_an_answer, some_ids
from benchmarks.shop.open_load import Request, send_at_once, send_at_rate
from benchmarks.shop.shop_load import latency_rows, mixed_requests
from benchmarks.shop.shop_process import free_port, private_megabytes, serving
from hemline.stages.command import run

_HOST: Final = "127.0.0.1"


def main(
    *,
    seconds: Annotated[int, typer.Option(help="Of the open loop; 0: as in settings.yaml.")] = 0,
    write: Annotated[bool, typer.Option(help="Write benchmarks/results/shop.json.")] = True,
) -> None:
    """Measure the champion of this folder, and a simple peer beside it."""
    settings = yaml.safe_load((Path(__file__).parent / "settings.yaml").read_text("utf-8"))
    seconds = seconds or settings["seconds"]
    rng = np.random.default_rng(settings["seed"])
    customer_ids, article_ids = some_ids(Path.cwd(), settings["customers"], rng)
    rows = cost_rows("CPU of an answer", parts_of_an_answer(Path.cwd()), customer_ids)
    mix, rate = settings["mix"], settings["rate"]
    with _shop(settings["workers"]) as (server, address):
        send_at_once(address, _recommend(customer_ids), settings["connections"])
        before = _processor_seconds(server)
        load = mixed_requests(rate * seconds, mix, customer_ids, article_ids, rng)
        answered = send_at_rate(address, load, rate)
        used = _processor_seconds(server) - before
        rows += latency_rows(f"open loop, {rate} requests a second, {seconds} s", answered)
        rows.append(_row("the server", "cpu ms a request", used / len(load) * 1000))
        memory = private_megabytes(server)
        rows.append(_row("a worker", "private MB", float(np.mean(memory))))
        rows.append(
            _row("hemline, 2 workers", "requests/s", _capacity(address, settings, customer_ids))
        )
    with _peer() as address:
        send_at_once(address, _recommend(customer_ids), settings["connections"])
        rows.append(
            _row(
                "implicit + FastAPI, 2 workers",
                "requests/s",
                _capacity(address, settings, customer_ids),
            )
        )
    publish("shop" if write else None, rows, notes=_notes(settings, seconds))


@contextmanager
def _shop(workers: int) -> Iterator[tuple[psutil.Process, str]]:
    port = free_port()
    address = f"http://{_HOST}:{port}"
    with tempfile.TemporaryDirectory() as folder:
        for name in ("events", "sessions"):
            os.environ[f"HEMLINE_SHOP_{name.upper()}"] = f"sqlite:{folder}/{name}.db"
        command = [sys.executable, "-m", "hemline.shop.shop_server"]
        command += ["--port", str(port), "--workers", str(workers)]
        with serving(command, Path.cwd(), address, "/ready") as server:
            yield server, address


@contextmanager
def _peer() -> Iterator[str]:
    port = free_port()
    address = f"http://{_HOST}:{port}"
    command = [sys.executable, "-m", "uvicorn", "benchmarks.shop.simple_peer:app"]
    command += ["--port", str(port), "--workers", "2", "--log-level", "warning"]
    with serving(command, Path.cwd(), address, "/openapi.json"):
        yield address


def _capacity(address: str, settings: dict[str, Any], customer_ids: list[str]) -> float:
    """Return lists a second when 16 connections never wait before the next request."""
    rng = np.random.default_rng(settings["seed"])
    n = settings["capacity_requests"]
    requests = _recommend([customer_ids[one] for one in rng.integers(len(customer_ids), size=n)])
    begin = time.perf_counter()
    answered = send_at_once(address, requests, settings["connections"])
    seconds = time.perf_counter() - begin
    return sum(one.status == 200 for one in answered) / seconds  # noqa: PLR2004  (HTTP's OK)


def _recommend(customer_ids: list[str]) -> list[Request]:
    return [Request("recommend", f"/recommendations/{one}") for one in customer_ids]


def _processor_seconds(server: psutil.Process) -> float:
    times = [one.cpu_times() for one in (server, *server.children(recursive=True))]
    return float(sum(one.user + one.system for one in times))


def _row(model: str, metric: str, value: float) -> Row:
    return Row("service", model, metric, value, None)


def _notes(settings: dict[str, Any], seconds: int) -> list[str]:
    return [
        (
            "CPU of an answer: one process, no server; the parts take turns, so their ratios hold "
            "on any machine. `Storefront` is the pipeline's own way."
        ),
        (
            f"Open loop: {settings['rate']} requests a second for {seconds} s, {settings['mix']}; "
            "measured from the time at which a request was due. The load comes from the same two "
            "cores, and each event is durable before it is acknowledged."
        ),
        (
            "Requests a second: lists for known customers over "
            f"{settings['connections']} connections. The peer knows no sessions, filters, reasons "
            "or fallbacks, and has one model."
        ),
        "gorse and metarank are not in the Python registry, so neither is measured.",
    ]


if __name__ == "__main__":
    run(main)
