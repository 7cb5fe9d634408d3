"""What a foreign web page gets from the servers of `hemline ui`: nothing.

Whoever runs them also reads other pages, in the same browser. One may send requests to every port
of this machine, or give its own name this machine's address; what it must not do is run a command
in the work pool, read a saved webhook's address, or change a version.
"""

import base64
import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import psutil
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from flows.server_proof import belongs_to
from hemline.prefect_auth import auth_file
from tests.browser import browser_tab, needs_chromium
from tests.processes import HOST
from tests.servers import Ui, running_ui
from tests.tiny_project import REPOSITORY, run

SECRET = "hunter2"  # noqa: S105  (no secret)
FOREIGN = "http://127.0.0.1:9"
SERVERS = ("prefect", "mlflow", "pages", "evidently")
READ = {
    "prefect": ("GET", "/api/version", None),
    "mlflow": ("GET", "/api/2.0/mlflow/registered-models/search", None),
    "pages": ("GET", "/monitoring/index.html", None),
    "evidently": ("GET", "/api/projects", None),
}
READY = {
    "prefect": "Dashboard",
    "mlflow": "Welcome to MLflow",
    "pages": "Monitoring",
    "evidently": "Projects",
}
ATTACKS = (
    ("prefect", "POST", "/api/flows/", {"name": "foreign"}),
    ("prefect", "POST", "/api/variables/", {"name": "foreign", "value": "foreign"}),
    ("prefect", "POST", "/api/block_documents/filter", {"include_secrets": True}),
    (
        *("prefect", "POST", "/api/events"),
        [
            {
                "id": "00000000-0000-4000-8000-000000000001",
                "occurred": "2026-01-01T00:00:00Z",
                "event": "hemline.drift.confirmed",
                "resource": {"prefect.resource.id": "hemline.shop", "hemline.retrain": "true"},
            }
        ],
    ),
    ("mlflow", "POST", "/api/2.0/mlflow/experiments/create", {"name": "foreign"}),
    ("mlflow", "POST", "/ajax-api/2.0/mlflow/registered-models/create", {"name": "foreign"}),
    ("evidently", "POST", "/api/projects", {"name": "foreign", "dashboard": {}}),
    ("pages", "POST", "/", {"name": "foreign"}),
    *((name, *request) for name, request in READ.items()),
)
# What a page can do: with and without the browser's own checks, and over a websocket.
SCRIPT = """
(async () => {
  const got = [];
  for (const [address, method, body] of REQUESTS) {
    for (const options of [
      {headers: body ? {'Content-Type': 'application/json'} : {}},
      {headers: {'Content-Type': 'text/plain'}},
      {mode: 'no-cors', headers: {'Content-Type': 'text/plain'}},
    ]) {
      try {
        const reply = await fetch(address, {method, body: body || undefined, ...options});
        got.push([address, reply.type, reply.status, await reply.text()]);
      } catch (error) { got.push([address, 'refused', 0, '']); }
    }
  }
  for (const path of ['events/in', 'events/out', 'logs/out']) {
    got.push(await new Promise(done => {
      const socket = new WebSocket(PREFECT.replace('http', 'ws') + '/api/' + path, 'prefect');
      socket.onopen = () => done([path, 'socket', 200, 'open']);
      socket.onerror = () => done([path, 'refused', 0, '']);
    }));
  }
  return got;
})()
"""


@pytest.fixture(scope="module")
def ui(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ui]:
    root = tmp_path_factory.mktemp("shop")
    page = root / ".hemline" / "monitoring" / "pages" / "index.html"
    page.parent.mkdir(parents=True)
    page.write_text(f"<p>{SECRET} - caf\u00e9", encoding="utf-8")
    shutil.copy(REPOSITORY / "params.yaml", root)
    with running_ui(root) as started:
        webhook = [sys.executable, "-m", "flows.notify", "--webhook", "ask"]
        address = f"https://hooks.shop.test/T/{SECRET}"
        code = {"PYTHONPATH": f"{REPOSITORY}:{REPOSITORY / 'src'}"}
        variables = {**os.environ, **started.client, **code, "HEMLINE_WEBHOOK_URL": address}
        run(root, *webhook, env=variables)
        yield started


@pytest.mark.parametrize("name", SERVERS)
def test_every_server_answers_only_to_this_machines_names(ui: Ui, name: str) -> None:
    method, path, _ = READ[name]
    host = ui.addresses[name].removeprefix("http://")
    port = host.partition(":")[2]
    for ours in (host, f"localhost:{port}"):
        assert status(ui, name, method, path, {"Host": ours}) == 200
    for foreign in ("evil.test", f"evil.test:{port}", f"{host}.evil.test", f"{host}@evil.test"):
        assert status(ui, name, method, path, {"Host": foreign}) == 403, foreign


@pytest.mark.parametrize("name", SERVERS)
@pytest.mark.parametrize("origin", [FOREIGN, "https://evil.test", "null"])
def test_every_server_refuses_a_foreign_page(ui: Ui, name: str, origin: str) -> None:
    for server, method, path, body in ATTACKS:
        for kind in ("application/json", "text/plain"):
            headers = {"Origin": origin, "Content-Type": kind}
            if server == name:
                assert status(ui, name, method, path, headers, body) == 403, (path, kind)
    ask = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    assert status(ui, name, "OPTIONS", READ[name][1], ask) == 403
    embedded = {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors"}
    assert status(ui, name, "GET", READ[name][1], {**embedded, "Sec-Fetch-Dest": "image"}) == 403
    linked = {**embedded, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert status(ui, name, "GET", READ[name][1], linked) == 200


def test_prefect_answers_nobody_who_does_not_know_the_string(ui: Ui) -> None:
    for server, method, path, body in ATTACKS:
        if server == "prefect":
            for headers in ({}, basic("admin:pass")):
                sent = {"Content-Type": "application/json", **headers}
                assert status(ui, server, method, path, sent, body, knows=False) == 401, path
    socket = ui.addresses["prefect"].replace("http", "ws")
    for path in ("events/in", "events/out", "logs/out"):
        for origin in (FOREIGN, "null"):
            with pytest.raises(InvalidStatus, match="403"):
                connect(f"{socket}/api/{path}", origin=origin, proxy=None)
        with connect(f"{socket}/api/{path}", subprotocols=["prefect"], proxy=None) as stranger:
            stranger.send(json.dumps({"type": "auth", "token": "admin:pass"}))
            with pytest.raises(Exception, match="1008"):
                stranger.recv(timeout=10)


def test_the_string_is_in_a_file_of_its_owner_and_nowhere_else(ui: Ui) -> None:
    path = auth_file(ui.root)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    secret = path.read_text().strip().partition(":")[2]
    assert len(secret) > 40
    family = psutil.Process(ui.process.pid).children(recursive=True)
    assert not any(secret in part for one in family for part in one.cmdline())
    found = [one for one in ui.root.rglob("*") if one.is_file() and secret in content(one)]
    assert found == [path]


def test_text_has_its_charset_and_a_folder_is_not_listed(ui: Ui) -> None:
    reply = httpx.get(f"{ui.addresses['pages']}/monitoring/index.html")
    assert reply.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "caf\u00e9" in reply.content.decode()
    for path in ("/docs/", "/reports/", "/../mlflow.db", "/..%2f..%2f.hemline/mlflow.db"):
        assert status(ui, "pages", "GET", path, {}) == 404


@needs_chromium
def test_a_foreign_page_in_a_real_browser_gets_and_does_nothing(ui: Ui, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<p>a page of somebody else", encoding="utf-8")
    before = state(ui)
    with serving_files(tmp_path) as page, browser_tab("evil.test") as tab:
        for address in (page, page.replace(HOST, "evil.test"), page.replace(HOST, "localhost")):
            tab.open(address, seconds=1)
            answers = tab.run(attack(ui.addresses))
            assert len(answers) == 3 * len(ATTACKS) + 3
            assert all(kind in {"refused", "opaque"} and not text for _, kind, _, text in answers)
        for server in SERVERS:  # its own name given this machine's address
            tab.open(ui.addresses[server].replace(HOST, "evil.test"), seconds=1)
            assert "does not name this machine" in tab.text()
            rebound = {
                name: where.replace(HOST, "evil.test") for name, where in ui.addresses.items()
            }
            answers = tab.run(attack({**rebound, "prefect": rebound[server]}))
            assert not any(SECRET in text or code == 200 for _, _, code, text in answers)
    assert state(ui) == before


@needs_chromium
def test_no_page_reaches_another_host_or_says_that_it_collects_data(ui: Ui) -> None:
    password = base64.b64encode(ui.client["PREFECT_API_AUTH_STRING"].encode()).decode()
    with browser_tab() as tab:
        for name, address in ui.addresses.items():
            tab.open(address)
            if name == "prefect":
                assert tab.shows("Login")
                tab.run(f"localStorage.setItem('prefect-password', '{password}')")
                tab.open(f"{address}/dashboard")
            assert tab.shows(READY[name]), tab.text()
            assert "collects usage data" not in tab.text()
        foreign = [one for one in tab.requested() if not is_ours(one, ui.addresses)]
        assert not foreign


@pytest.mark.slow
def test_a_run_joins_the_server_of_its_own_project_and_no_other(ui: Ui, tmp_path: Path) -> None:
    server = ui.addresses["prefect"]
    assert belongs_to(ui.root, server)
    copy = tmp_path / "copy"
    state = shutil.ignore_patterns("prefect", "mlflow.db")
    shutil.copytree(ui.root, copy, symlinks=True, ignore=state)
    other = tmp_path / "another"
    other.mkdir()
    for root in (copy, other):
        assert not belongs_to(root, server)
        done = deploy(root, server)
        assert done.returncode == 1
        assert f"found: another one at {server}" in done.stderr
        assert "HEMLINE_PREFECT_PORT=" in done.stderr
    with serving_files(tmp_path) as page:
        assert not belongs_to(ui.root, page.rstrip("/"))
    assert not belongs_to(ui.root, f"http://{HOST}:9")


def deploy(root: Path, server: str) -> subprocess.CompletedProcess[str]:
    """The outcome of `hemline deploy` in a folder, as a shell without any variable runs it."""
    environment = {name: value for name, value in os.environ.items() if "PREFECT_" not in name}
    port = {"HEMLINE_PREFECT_PORT": server.rpartition(":")[2]}
    found = {"PYTHONPATH": f"{REPOSITORY}:{REPOSITORY / 'src'}"}
    return subprocess.run(
        [sys.executable, "-m", "flows.deploy"],
        cwd=root,
        env={**environment, **port, **found},
        capture_output=True,
        text=True,
        check=False,
    )


def status(
    ui: Ui,
    name: str,
    method: str,
    path: str,
    headers: dict[str, str],
    body: object = None,
    *,
    knows: bool = True,
) -> int:
    """The status of a request, sent as the owner's own program would unless a header says else."""
    known = basic(ui.client["PREFECT_API_AUTH_STRING"]) if name == "prefect" and knows else {}
    content = None if body is None else json.dumps(body)
    address = f"{ui.addresses[name]}{path}"
    reply = httpx.request(
        method, address, headers={**known, **headers}, content=content, timeout=30
    )
    return reply.status_code


def basic(auth: str) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(auth.encode()).decode()}"}


def state(ui: Ui) -> list[Any]:
    """What the owner sees: everything that an attack would have added."""
    known = basic(ui.client["PREFECT_API_AUTH_STRING"])
    questions = (
        ("prefect", "/api/flows/filter", {}),
        ("prefect", "/api/variables/filter", {}),
        ("prefect", "/api/events/filter", {"filter": {"event": {"prefix": ["hemline."]}}}),
        ("mlflow", "/api/2.0/mlflow/experiments/search", {"max_results": 100}),
        ("mlflow", "/api/2.0/mlflow/registered-models/search", None),
        ("evidently", "/api/projects", None),
    )
    answers = []
    for name, path, question in questions:
        method = "GET" if question is None else "POST"
        address = f"{ui.addresses[name]}{path}"
        reply = httpx.request(method, address, headers=known, json=question, timeout=30)
        answers.append(reply.raise_for_status().json())
    assert "foreign" not in json.dumps(answers)
    return answers


def attack(addresses: dict[str, str]) -> str:
    requests = [
        (addresses[name] + path, method, json.dumps(body) if body else None)
        for name, method, path, body in ATTACKS
    ]
    return SCRIPT.replace("REQUESTS", json.dumps(requests)).replace(
        "PREFECT", json.dumps(addresses["prefect"])
    )


def is_ours(address: str, addresses: dict[str, str]) -> bool:
    ours = tuple(addresses.values())
    sockets = tuple(one.replace("http", "ws") for one in ours)
    return address.startswith(
        (*ours, *sockets, "data:", "about:", *(f"blob:{one}" for one in ours))
    )


def content(path: Path) -> str:
    return path.read_bytes().decode("utf-8", errors="replace")


@contextmanager
def serving_files(folder: Path) -> Iterator[str]:
    """A web server of somebody else on this machine."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing on the terminal of the tests."""

    server = ThreadingHTTPServer((HOST, 0), partial(Quiet, directory=str(folder)))
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://{HOST}:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
