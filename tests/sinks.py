"""A real mail server and a real webhook on this machine, which keep what they are sent."""

import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage, Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message as MessageHandler
from aiosmtpd.smtp import AuthResult, LoginPassword

from tests.processes import HOST


class Mailbox(MessageHandler):
    """Keeps every message; refuses the recipients it is told to."""

    def __init__(self, refused: tuple[str, ...] = ()) -> None:
        super().__init__(EmailMessage)
        self.messages: list[Message] = []
        self.refused = refused

    def handle_message(self, message: Message) -> None:
        self.messages.append(message)

    async def handle_RCPT(  # noqa: N802  (aiosmtpd's name and arguments)
        self, _server: Any, _session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if address in self.refused:
            return "550 unknown here"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"


@contextmanager
def mail_server(
    port: int,
    *,
    refused: tuple[str, ...] = (),
    tls: ssl.SSLContext | None = None,
    login: tuple[str, str] | None = None,
) -> Iterator[list[Message]]:
    """Run an SMTP server and give what it received; with a login, only over STARTTLS."""
    mailbox = Mailbox(refused)

    def check(_server: Any, _session: Any, _envelope: Any, _mechanism: Any, given: Any) -> Any:
        assert isinstance(given, LoginPassword)
        return AuthResult(success=(given.login.decode(), given.password.decode()) == login)

    controller = Controller(
        mailbox,
        hostname=HOST,
        port=port,
        tls_context=tls,
        require_starttls=tls is not None,
        authenticator=check if login else None,
        auth_required=login is not None,
    )
    controller.start()
    try:
        yield mailbox.messages
    finally:
        controller.stop()


@contextmanager
def webhook(port: int, *, status: int = 200) -> Iterator[list[dict[str, Any]]]:
    """Run a webhook and give the JSON it received; it answers every call with the status."""
    received: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            received.append(json.loads(self.rfile.read(length)))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing on the terminal of the tests."""

    server = ThreadingHTTPServer((HOST, port), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield received
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
