"""Alerts leave the machine here, through Prefect's blocks, and only through those the user named.

Addresses and passwords live in Prefect's database, encrypted, never in params.yaml. Without a block
alerts are kept and logged.
"""

import logging
import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Final
from urllib.parse import urlsplit

import typer
from prefect.blocks.webhook import Webhook
from pydantic import SecretStr

from flows.command_line import run_command
from hemline.errors import BadInput
from monitoring.alerts.alert import Alert, AlertParams, anchor
from monitoring.alerts.alert_delivery import (
    Delivery,
    raise_alert,
    send_pending,
)
from monitoring.alerts.channels import Logger, Mail, Security, deliver, sending

OUTBOX: Final = Path(".hemline") / "monitoring" / "alerts"
"""The outbox of a project, relative to its folder."""

_PARAMS: Final = Path("params.yaml")
_ASK: Final = "ask"
_SECURITY: Final[dict[str, Security]] = {
    "smtp+starttls": "starttls",
    "smtps": "tls",
    "smtp": "none",
}
_PORTS: Final = {"smtp+starttls": 587, "smtps": 465, "smtp": 25}
_WEBHOOK_VARIABLE: Final = "HEMLINE_WEBHOOK_URL"
_PASSWORD_VARIABLE: Final = "HEMLINE_MAIL_PASSWORD"  # noqa: S105  (the name of a variable)


def send_test(params: AlertParams, logger: Logger) -> list[Delivery]:
    """Send one alert that says it is a test through every block; none is kept.

    Raises:
        BadInput: no block is named.
    """
    if not params.blocks:
        raise BadInput(
            "alerts.blocks in params.yaml names at least one block",
            found="none",
            fix='save one with --webhook or --mail, then add its name, such as "mail/hemline"',
        )
    now = datetime.now(tz=UTC)
    with TemporaryDirectory() as folder:  # an outbox of its own: a test is not kept
        raise_alert(_test_alert(params), Path(folder), params, now=now)
        channels = {name: sending(name, logger) for name in params.blocks}
        return send_pending(Path(folder), channels, now=now)


def save_webhook(address: str, name: str) -> str:
    """Save the address of a Slack-style webhook as a Prefect block and return the block's name."""
    if not address.startswith(("https://", "http://")):
        raise BadInput(
            "a webhook's address begins with https://",
            found="another beginning",
            fix="copy the whole address",
        )
    Webhook(url=SecretStr(address)).save(name, overwrite=True)
    return f"webhook/{name}"


def save_mail(
    server: str, sender: str, to: Sequence[str], password: Callable[[], str], name: str
) -> str:
    """Save a way to send mail as a Prefect block and return the block's name.

    Args:
        server: smtp+starttls://user@host:587, or smtps:// (TLS) or smtp:// (neither).
        sender: address the mail comes from.
        to: addresses it goes to, at least one.
        password: asked only if the server's address names a user.
        name: of the block.

    Raises:
        BadInput: something is missing, of another form, or the address carries a password.
    """
    parts = urlsplit(server)
    is_complete = bool(parts.hostname) and "@" in sender and bool(to)
    if parts.scheme not in _SECURITY or not is_complete or parts.password:
        raise BadInput(
            "mail goes through smtp+starttls://user@host:port (or smtps, smtp), given without a "
            "password, from a sender to at least one reader",
            found=f"{parts.scheme or 'no scheme'}, host {parts.hostname or 'none'}, "
            f"sender {sender or 'none'}, readers {', '.join(to) or 'none'}"
            + (", a password" if parts.password else ""),
            fix="correct --mail, --sender and --to; a password is asked for, or read from "
            f"{_PASSWORD_VARIABLE}",
        )
    block = Mail(
        host=parts.hostname,
        port=parts.port or _PORTS[parts.scheme],
        security=_SECURITY[parts.scheme],
        sender=sender,
        to=list(to),
        username=parts.username,
        password=SecretStr(password()) if parts.username else None,
    )
    block.save(name, overwrite=True)
    return f"mail/{name}"


def main(
    webhook: Annotated[
        str | None,
        typer.Option(
            help="Save the address of a Slack-style webhook. It is a secret: pass 'ask' to read it "
            f"from {_WEBHOOK_VARIABLE} or a prompt, which keeps it out of the shell's history."
        ),
    ] = None,
    mail: Annotated[
        str | None, typer.Option(help="Save a mail server, such as smtp+starttls://user@host:587.")
    ] = None,
    sender: Annotated[str, typer.Option(help="Address the mail comes from.")] = "",
    to: Annotated[
        list[str] | None, typer.Option(help="Address the mail goes to; may be repeated.")
    ] = None,
    name: Annotated[
        str, typer.Option(help="Name of the Prefect block that stores it.")
    ] = "hemline",
    test: Annotated[
        bool, typer.Option("--test", help="Send a test alert through every block.")
    ] = False,
    send: Annotated[
        bool, typer.Option("--send", help="Send all alerts that wait in the outbox.")
    ] = False,
) -> None:
    """Set up where alerts are sent, test it, or send the alerts that wait."""
    if webhook is None and mail is None and not test and not send:
        raise BadInput(
            "at least one option is given",
            found="none",
            fix="pass --webhook, --mail, --test or --send; --help explains them",
        )
    logging.basicConfig(format="%(levelname)s %(message)s")
    logger = logging.getLogger("flows.notify")
    if webhook is not None:
        address = _secret(_WEBHOOK_VARIABLE) if webhook == _ASK else webhook
        _print_saved(save_webhook(address, name))
    if mail is not None:
        _print_saved(save_mail(mail, sender, to or [], partial(_secret, _PASSWORD_VARIABLE), name))
    if test:
        _report(send_test(AlertParams.load(_PARAMS), logger))
    if send:
        _exit_if_refused(deliver(OUTBOX, AlertParams.load(_PARAMS), logger))


def _report(tests: Sequence[Delivery]) -> None:
    for one in tests:
        typer.echo(f"{one.channel}: {one.failure or 'accepted a test alert'}")
    _exit_if_refused(tests)


def _exit_if_refused(deliveries: Sequence[Delivery]) -> None:
    if any(one.failure for one in deliveries):
        raise SystemExit(1)


def _print_saved(block: str) -> None:
    typer.echo(
        f"saved as {block}: add it to alerts.blocks in params.yaml, then test it with --test"
    )


def _secret(variable: str) -> str:
    """Return a secret from the environment, else from a prompt that does not show it."""
    return os.environ.get(variable) or str(typer.prompt(variable, hide_input=True))


def _test_alert(params: AlertParams) -> Alert:
    return Alert(
        kind="digest",
        week_end=None,
        subjects=("test",),
        title="a test of Hemline's alerts",
        owner=params.owners["digest"],
        is_urgent=False,
        happened="Somebody ran `hemline notify --test`.",
        done="Nothing else was sent.",
        first_thing="Nothing, if you can read this.",
        table=(("block", "is named in"), *((name, "alerts.blocks") for name in params.blocks)),
        links={},
        runbook=f"{params.runbook}#{anchor('digest')}",
    )


if __name__ == "__main__":
    run_command("notify", main)
