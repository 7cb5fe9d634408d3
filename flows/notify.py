"""The command line of alerts: save the Prefect blocks they are sent through, test them, send.

Addresses and passwords lie in Prefect's database, encrypted, never in params.yaml.
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
from hemline.cli.terminal import say
from hemline.errors import BadInput
from hemline.identity import project_id
from monitoring.alerts.alert import AlertDraft, AlertParams, complete_alert
from monitoring.alerts.alert_delivery import Delivery, raise_alert, send_pending
from monitoring.alerts.channels import (
    Mail,
    Security,
    block_channels,
    deliver,
    is_plain_http,
    own_block,
)
from monitoring.alerts.outbox import Logger

OUTBOX: Final = Path(".hemline") / "monitoring" / "alerts"
"""The outbox of a project, relative to its folder."""

_PARAMS: Final = Path("params.yaml")
_PROMPT: Final = "ask"
_SCHEMES: Final[dict[str, tuple[Security, int]]] = {
    "smtp+starttls": ("starttls", 587),
    "smtps": ("tls", 465),
    "smtp": ("none", 25),
}
_WEBHOOK_VARIABLE: Final = "HEMLINE_WEBHOOK_URL"
_PASSWORD_VARIABLE: Final = "HEMLINE_MAIL_PASSWORD"  # noqa: S105  (the name of a variable)


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
        str,
        typer.Option(
            help="Name of the Prefect block that stores it. The project's id is added to it, so "
            "that two clones on one server have blocks of their own."
        ),
    ] = "hemline",
    test: Annotated[
        bool, typer.Option("--test", help="Send a test alert through every block.")
    ] = False,
    send: Annotated[bool, typer.Option("--send", help="Send all pending alerts.")] = False,
) -> None:
    """Set up where alerts are sent, test it, or send pending alerts.

    Raises:
        BadInput: no option was given.
    """
    if webhook is None and mail is None and not test and not send:
        raise BadInput(
            "at least one option is given",
            found="none",
            fix="pass --webhook, --mail, --test or --send; --help explains them",
        )
    logging.basicConfig(format="%(levelname)s %(message)s")
    logger, project = logging.getLogger("flows.notify"), project_id(Path.cwd())
    if webhook is not None:
        address = _secret(_WEBHOOK_VARIABLE) if webhook == _PROMPT else webhook
        save_webhook(address, own_block(name, project), AlertParams.load(_PARAMS))
        _report_saved(f"webhook/{name}")
    if mail is not None:
        password = partial(_secret, _PASSWORD_VARIABLE)
        save_mail(mail, sender, to or [], password, own_block(name, project))
        _report_saved(f"mail/{name}")
    deliveries: list[Delivery] = []
    if test:
        deliveries += send_test(AlertParams.load(_PARAMS), logger, project=project)
        for one in deliveries:
            say(f"{one.channel}: {one.failure or 'test alert sent'}")
    if send:
        sent = deliver(OUTBOX, AlertParams.load(_PARAMS), logger, project=project)
        for one in sent:
            say(f"{one.channel}: {one.failure or 'sent'}")
        if not sent:
            typer.echo("Nothing was sent: no alert is pending, or alerts.blocks names no block.")
        deliveries += sent
    if any(one.failure for one in deliveries):
        raise SystemExit(1)


def save_webhook(address: str, name: str, params: AlertParams) -> str:
    """Save the address of a Slack-style webhook as a Prefect block and return the block's name.

    Raises:
        BadInput: it is no web address, or one of plain http that params do not allow.
    """
    is_plain = is_plain_http(address)
    if not address.lower().startswith("https://") and not (is_plain and not params.require_tls):
        raise BadInput(
            "a webhook's address begins with https://",
            found="http://, which everybody on the way can read"
            if is_plain
            else "another beginning",
            fix="set alerts.require_tls to false in params.yaml if that is meant"
            if is_plain
            else "copy the whole address",
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
        password: called only if the server's address names a user.
        name: of the block.

    Raises:
        BadInput: something is missing, of another form, or the address carries a password.
    """
    parts = urlsplit(server)
    is_complete = bool(parts.hostname) and "@" in sender and bool(to)
    if parts.scheme not in _SCHEMES or not is_complete or parts.password:
        raise BadInput(
            "a mail server is given as smtp+starttls://user@host:port (or smtps, smtp) without a "
            "password, with a sender and at least one recipient",
            found=f"{parts.scheme or 'no scheme'}, host {parts.hostname or 'none'}, "
            f"sender {sender or 'none'}, recipients {', '.join(to) or 'none'}"
            + (", a password" if parts.password else ""),
            fix="correct --mail, --sender and --to. The password is prompted for, or read from "
            f"{_PASSWORD_VARIABLE}",
        )
    security, port = _SCHEMES[parts.scheme]
    block = Mail(
        host=parts.hostname,
        port=parts.port or port,
        security=security,
        sender=sender,
        to=list(to),
        username=parts.username,
        password=SecretStr(password()) if parts.username else None,
    )
    block.save(name, overwrite=True)
    return f"mail/{name}"


def send_test(params: AlertParams, logger: Logger, *, project: str | None = None) -> list[Delivery]:
    """Send a test alert through every block; it is not stored.

    Raises:
        BadInput: no block is named.
    """
    if not params.blocks:
        raise BadInput(
            "alerts.blocks in params.yaml names at least one block",
            found="none",
            fix='save one with --webhook or --mail, then add its name, such as "mail/hemline"',
        )
    draft = AlertDraft(
        kind="digest",
        week_end=None,
        subjects=("test",),
        title="a test of Hemline's alerts",
        happened="Somebody ran `hemline notify --test`.",
        done="Nothing else was sent.",
        first_thing="Nothing. If you can read this, alerts reach you.",
        table=(("block", "is named in"), *((name, "alerts.blocks") for name in params.blocks)),
    )
    now = datetime.now(tz=UTC)
    with TemporaryDirectory() as folder:
        raise_alert(complete_alert(draft, {}, params), Path(folder), params, now=now)
        return send_pending(Path(folder), block_channels(params, logger, project=project), now=now)


def _secret(variable: str) -> str:
    """Return a secret from the environment, else from a prompt that does not show it."""
    return os.environ.get(variable) or str(typer.prompt(variable, hide_input=True))


def _report_saved(block: str) -> None:
    typer.echo(f"saved as {block}. Add it to alerts.blocks in params.yaml, then run --test")


if __name__ == "__main__":
    run_command("notify", main)
