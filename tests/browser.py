"""Headless Chromium for the tests, driven through its own protocol; nothing but Chromium is needed.

https://chromedevtools.github.io/devtools-protocol/
"""

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

from tests.processes import eventually

needs_chromium = pytest.mark.skipif(
    not (shutil.which("chromium") or shutil.which("chromium-browser")),
    reason="no chromium on PATH: what a real browser does with the pages was not tested",
)

_LEFT = "Inspected target navigated or closed"


class PageLeft(Exception):  # noqa: N818  (named for what happened)
    """A page was left before it could answer."""


@dataclass
class Tab:
    """One page: what it is told to do, what it answered, and every request it made."""

    connection: ClientConnection
    events: list[dict[str, Any]] = field(default_factory=list)
    _sent: int = 0

    def ask(self, method: str, **parameters: object) -> dict[str, Any]:
        """Call a method of the protocol and return its result.

        Raises:
            PageLeft: the page that was to answer was left meanwhile.
        """
        self._sent += 1
        self.connection.send(json.dumps({"id": self._sent, "method": method, "params": parameters}))
        while True:
            message = json.loads(self.connection.recv(timeout=60))
            if message.get("id") == self._sent:
                if _LEFT in str(message.get("error", "")):
                    raise PageLeft(method)
                assert "error" not in message, message
                return dict(message["result"])
            self.events.append(message)

    def open(self, address: str, *, seconds: float = 3) -> None:
        """Open a page and give its scripts some time."""
        self.ask("Page.navigate", url=address)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(0.2)
            self.ask("Page.enable")  # reads the events that have arrived

    def run(self, script: str) -> Any:
        """Return what an expression, or a promise, comes to in the page."""
        answer = self.ask(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def requested(self) -> list[str]:
        """Return the address of every request that left the page, those of websockets included."""
        sent = [one for one in self.events if one["method"] == "Network.requestWillBeSent"]
        sockets = [one for one in self.events if one["method"] == "Network.webSocketCreated"]
        blocked = {
            one["params"]["requestId"]
            for one in self.events
            if one["method"] == "Network.loadingFailed" and "blockedReason" in one["params"]
        }
        return [
            *(
                one["params"]["request"]["url"]
                for one in sent
                if one["params"]["requestId"] not in blocked
            ),
            *(one["params"]["url"] for one in sockets),
        ]

    def shows(self, text: str) -> bool:
        """Return whether a text appears, once the page's scripts have drawn it."""
        return eventually(lambda: text in self.text(), seconds=60)

    def text(self) -> str:
        """Return what a reader sees."""
        return str(self.run("document.body.innerText"))


@contextmanager
def browser_tab(*names: str) -> Iterator[Tab]:
    """A tab of a Chromium of its own, which ends with it; it finds this machine under the names."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    assert program is not None
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        options = ["--headless=new", "--remote-debugging-port=0", f"--user-data-dir={folder}"]
        options += ["--no-first-run", "--disable-gpu", "--disable-background-networking"]
        if names:
            rules = ", ".join(f"MAP {name} 127.0.0.1" for name in names)
            options.append(f"--host-resolver-rules={rules}")
        if os.geteuid() == 0:
            options.append("--no-sandbox")  # Chromium refuses root otherwise
        process = subprocess.Popen(
            [program, *options, "about:blank"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            yield from _tab(Path(folder) / "DevToolsActivePort")
        finally:
            process.terminate()
            process.wait()


def _tab(ports: Path) -> Iterator[Tab]:
    assert eventually(lambda: ports.exists() and "\n" in ports.read_text(), seconds=60)
    port, path = ports.read_text().splitlines()
    with connect(f"ws://127.0.0.1:{port}{path}", max_size=None, proxy=None) as browser:
        target = Tab(browser).ask("Target.createTarget", url="about:blank")["targetId"]
        page = f"ws://127.0.0.1:{port}/devtools/page/{target}"
        with connect(page, max_size=None, proxy=None) as connection:
            tab = Tab(connection)
            for domain in ("Page", "Network", "Runtime", "Log"):
                tab.ask(f"{domain}.enable")
            yield tab
