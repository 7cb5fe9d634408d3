"""Sends alerts through Prefect blocks: our own for mail, Prefect's for everything else.

Only the blocks that the user named get alerts; addresses and passwords lie in Prefect's database,
encrypted. Prefect's own mail blocks do not let the caller set a Message-ID, without which a
receiver cannot drop the copy of an alert that was sent twice, so mail is a block of ours on the
standard library. The price: Prefect's automations, which run in the server, do not know it.
Prefect's Webhook sends JSON, table and all; its other notification blocks (Slack, Teams, PagerDuty
...) send the plain text.
"""

import asyncio
import inspect
import logging
import smtplib
import ssl
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid, parseaddr
from functools import partial
from pathlib import Path
from typing import Literal, Self, cast

import prefect.blocks.notifications  # noqa: F401  (makes Prefect's own blocks known to Block.load)
from prefect.blocks.abstract import NotificationBlock
from prefect.blocks.core import Block
from prefect.blocks.webhook import Webhook
from pydantic import Field, SecretStr, model_validator

from hemline.errors import BadInput
from monitoring.alerts.alert import AlertParams
from monitoring.alerts.alert_delivery import (
    LOG,
    Delivery,
    Send,
    StoredAlert,
    read_alerts,
    send_pending,
)
from monitoring.alerts.alert_text import plain_text, subject_line, webhook_payload
from monitoring.alerts.outbox import Logger, Outbox

Security = Literal["starttls", "tls", "none"]


class Mail(NotificationBlock):
    """Sends plain text through an SMTP server; Prefect stores the password encrypted."""

    _block_type_name = "Mail"
    _block_type_slug = "mail"

    host: str = Field(description="Name of the SMTP server.")
    port: int = Field(description="Its port: 587 for STARTTLS, 465 for TLS as a rule.")
    security: Security = Field(description="How the connection is encrypted.")
    sender: str = Field(description="Address the mail comes from.")
    to: list[str] = Field(description="Addresses it goes to.", min_length=1)
    username: str | None = Field(default=None, description="None: the server needs no login.")
    password: SecretStr | None = Field(default=None, description="Password of the login.")
    timeout_seconds: float = Field(default=20, description="How long to wait for the server.")

    @model_validator(mode="after")
    def _password_travels_encrypted(self) -> Self:
        if self.password is not None and self.security == "none":
            raise ValueError("a password is sent over starttls or tls only")
        return self

    def message(
        self, subject: str, body: str, *, reference: str | None, written: datetime
    ) -> EmailMessage:
        """Return a mail; the same reference gives the same Message-ID, None a new one."""
        domain = parseaddr(self.sender)[1].rpartition("@")[2]
        name = f"<{reference}@{domain}>" if reference else make_msgid(domain=domain)
        message = EmailMessage()
        message["Subject"] = " ".join(subject.split())
        message["From"] = self.sender
        message["To"] = ", ".join(self.to)
        message["Date"] = format_datetime(written)
        message["Message-ID"] = name
        message["Auto-Submitted"] = "auto-generated"  # no out-of-office answers
        message.set_content(body)
        return message

    def send(self, message: EmailMessage) -> dict[str, tuple[int, bytes]]:
        """Send a mail; return the recipients the server refused, with its answer, if some remain.

        Raises:
            OSError: no connection, no login, or nobody could be reached (smtplib's errors are).
        """
        context = ssl.create_default_context()
        connect = (
            partial(smtplib.SMTP_SSL, context=context) if self.security == "tls" else smtplib.SMTP
        )
        with connect(self.host, self.port, timeout=self.timeout_seconds) as server:
            if self.security == "starttls":
                server.starttls(context=context)
            if self.username is not None and self.password is not None:
                server.login(self.username, self.password.get_secret_value())
            return server.send_message(message)

    async def notify(self, body: str, subject: str | None = None) -> None:
        """Send a mail as Prefect's own blocks do, with a Message-ID of the moment."""
        mail = self.message(
            subject or "Hemline", body, reference=None, written=datetime.now(tz=UTC)
        )
        await asyncio.to_thread(self.send, mail)


def is_plain_http(address: str) -> bool:
    """Return whether what is sent to an address can be read on the way."""
    return address.strip().lower().startswith("http://")


def deliver(
    folder: Path, params: AlertParams, logger: Logger, *, project: str | None = None
) -> list[Delivery]:
    """Log and send every pending alert of the outbox; what fails waits for the next call.

    Args:
        folder: of the outbox.
        params: names the blocks.
        logger: gets every alert, and what failed.
        project: id of the project, whose own blocks come before those of the bare name.

    Returns:
        Every attempt; those whose `failure` is empty were taken. What waits for a block that
        params.yaml no longer names is not attempted, and logged.
    """
    Outbox(folder, StoredAlert).report_damage(logger)
    blocks = block_channels(params, logger, project=project)
    channels: dict[str, Send] = {LOG: partial(_log, logger), **blocks}
    deliveries = send_pending(folder, channels, now=datetime.now(tz=UTC))
    for one in deliveries:
        if one.failure:
            title = f"{one.alert.kind}: {one.alert.title}"
            logger.error("alert '%s' was not sent to %s: %s", title, one.channel, one.failure)
    if deliveries and not params.blocks:
        logger.warning(
            "alerts are stored in %s, but sent to nobody: alerts.blocks in params.yaml is empty",
            folder,
        )
    pending = Counter(channel for stored in read_alerts(folder) for channel in stored.pending)
    for channel, count in pending.items():
        if channel not in channels:
            logger.warning("alerts.blocks no longer names %s; pending alerts: %d", channel, count)
    return deliveries


def block_channels(
    params: AlertParams, logger: Logger, *, project: str | None = None
) -> dict[str, Send]:
    """Return what hands an alert to each of the blocks that params.yaml names; see `deliver`."""
    return {name: partial(_send, name, project, params, logger) for name in params.blocks}


def own_block(name: str, project: str) -> str:
    """Return the name of a project's own block: params.yaml, which clones share, gives the rest.

    >>> own_block("webhook/hemline", "0123456789ab")
    'webhook/hemline-0123456789ab'
    """
    return f"{name}-{project}"


def _log(logger: Logger, stored: StoredAlert) -> None:
    logger.warning("%s\n\n%s", subject_line(stored.alert), plain_text(stored.alert))


def _send(
    name: str, project: str | None, params: AlertParams, logger: Logger, stored: StoredAlert
) -> None:
    """Hand an alert to a block, loaded each time: Prefect's Webhook can be called once only."""
    block = _load(name, project)
    if params.require_tls:
        _require_tls(name, block)
    with _addresses_not_logged():
        if isinstance(block, Mail):
            _mail(block, stored, logger)
        elif isinstance(block, Webhook):
            _post(block, stored)
        elif isinstance(block, NotificationBlock):
            _notify(block, stored)
        else:
            raise BadInput(
                f"alerts.blocks: {name} can send a notification",
                found=type(block).__name__,
                fix="name a Mail, Webhook or notification block",
            )


def _load(name: str, project: str | None) -> Block:
    """Return the project's own block, else the one of exactly this name."""
    for saved in ([own_block(name, project)] if project else []) + [name]:
        with suppress(ValueError):  # there is none of that name
            return cast("Block", Block.load(saved))
    raise BadInput(
        f"alerts.blocks: {name} is a block that Prefect has",
        found="none of that name",
        fix="save it: hemline notify --help",
    )


def _require_tls(name: str, block: Block) -> None:
    """Raise BadInput if an address of the block is plain http, or certificates go unchecked."""
    values = [getattr(block, field) for field in type(block).model_fields]
    addresses = [
        value.get_secret_value() if isinstance(value, SecretStr) else value for value in values
    ]
    plain = [one for one in addresses if isinstance(one, str) and is_plain_http(one)]
    if plain or getattr(block, "verify", True) is False:
        raise BadInput(
            f"alerts.blocks: {name} sends over https to a server whose certificate is checked",
            found="an address that begins with http://" if plain else "verify: false",
            fix="save it again with an https address, or set alerts.require_tls to false in "
            "params.yaml if everybody on the way may read the alerts",
        )


@contextmanager
def _addresses_not_logged() -> Iterator[None]:
    """Silence httpx, which logs the address of every call: that of a webhook is a secret."""
    logger = logging.getLogger("httpx")
    before = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(before)


def _mail(block: Mail, stored: StoredAlert, logger: Logger) -> None:
    subject, body = subject_line(stored.alert), plain_text(stored.alert)
    message = block.message(subject, body, reference=stored.id, written=stored.raised_at)
    for reader, (code, reply) in block.send(message).items():
        # The others have it, so it counts as taken: sending again would reach them twice.
        text = reply.decode(errors="replace")
        logger.error("the mail server refused %s: %s %s", reader, code, text)


def _post(block: Webhook, stored: StoredAlert) -> None:
    response = asyncio.run(block.call(webhook_payload(stored.alert, stored.id)))
    if not response.is_success:
        raise BadInput(
            "the webhook takes the alert",
            found=f"status {response.status_code}",
            fix="save its address again if it has changed",
        )


def _notify(block: NotificationBlock, stored: StoredAlert) -> None:
    with block.raise_on_failure():
        result = block.notify(plain_text(stored.alert), subject_line(stored.alert))
        if inspect.iscoroutine(result):  # Prefect's own blocks send at once outside of async code
            asyncio.run(result)
