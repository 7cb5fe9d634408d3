"""How an alert reaches a Prefect block: ours for mail, Prefect's own for everything else.

Prefect's own mail goes through apprise or prefect-email; neither lets the caller set a Message-ID,
without which a receiver cannot drop the copy of an alert that was sent twice, so mail is a block of
ours on the standard library. The price: Prefect's automations, which run in the server, do not know
it. Prefect's Webhook sends JSON as it is, table and all; its other notification blocks (Slack,
Teams, PagerDuty ...) take the plain text.
"""

import asyncio
import inspect
import logging
import smtplib
import ssl
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid, parseaddr
from pathlib import Path
from typing import Any, Literal, Self, cast

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

Security = Literal["starttls", "tls", "none"]
Logger = logging.Logger | logging.LoggerAdapter[Any]


class Mail(NotificationBlock):
    """Sends plain text through an SMTP server; Prefect keeps the password encrypted."""

    _block_type_name = "Mail"
    _block_type_slug = "mail"

    host: str = Field(description="Name of the SMTP server.")
    port: int = Field(description="Its port: 587 for STARTTLS, 465 for TLS as a rule.")
    security: Security = Field(description="How the connection is kept private.")
    sender: str = Field(description="Address the mail comes from.")
    to: list[str] = Field(description="Addresses it goes to.", min_length=1)
    username: str | None = Field(default=None, description="None: the server asks for no login.")
    password: SecretStr | None = Field(default=None, description="Of the login.")
    timeout_seconds: float = Field(default=20, description="How long to wait for an answer.")

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
        with ExitStack() as stack:
            server: smtplib.SMTP
            if self.security == "tls":
                server = smtplib.SMTP_SSL(
                    self.host, self.port, timeout=self.timeout_seconds, context=context
                )
            else:
                server = smtplib.SMTP(self.host, self.port, timeout=self.timeout_seconds)
            stack.enter_context(server)
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


def deliver(outbox: Path, params: AlertParams, logger: Logger) -> list[Delivery]:
    """Log and send every alert of the outbox that waits; what fails waits for the next call.

    Returns:
        Every attempt; those whose `failure` is empty were taken. What waits for a block that
        params.yaml names no more is not attempted, and logged.
    """
    channels: dict[str, Send] = {LOG: _logging(logger)}
    channels |= {name: sending(name, logger) for name in params.blocks}
    deliveries = send_pending(outbox, channels, now=datetime.now(tz=UTC))
    for delivery in deliveries:
        if delivery.failure:
            what = f"{delivery.alert.kind}, {delivery.alert.title}"
            logger.error("%s did not take '%s': %s", delivery.channel, what, delivery.failure)
    if deliveries and not params.blocks:
        logger.warning("kept in %s, sent to nobody: alerts.blocks in params.yaml is empty", outbox)
    for channel, count in _abandoned(outbox, channels).items():
        logger.warning("alerts.blocks no longer names %s; alerts that wait: %d", channel, count)
    return deliveries


def sending(name: str, logger: Logger) -> Send:
    """Return what hands an alert to the block of that name, say "mail/hemline".

    The block is loaded anew for each alert: Prefect's Webhook can be called once only.
    """

    def send(kept: StoredAlert) -> None:
        block = _load(name)
        with _addresses_kept_out_of_the_log():
            if isinstance(block, Mail):
                _mail(block, kept, logger)
            elif isinstance(block, Webhook):
                _post(block, kept)
            elif isinstance(block, NotificationBlock):
                _notify(block, kept)
            else:
                raise BadInput(
                    f"alerts.blocks: {name} can send a notification",
                    found=type(block).__name__,
                    fix="name a Mail, Webhook or notification block",
                )

    return send


@contextmanager
def _addresses_kept_out_of_the_log() -> Iterator[None]:
    """Silence httpx, which logs the address of every call: that of a webhook is a secret."""
    logger = logging.getLogger("httpx")
    before = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(before)


def _load(name: str) -> Block:
    try:
        return cast("Block", Block.load(name))
    except ValueError:
        raise BadInput(
            f"alerts.blocks: {name} is a block that Prefect has",
            found="none of that name",
            fix="save it: hemline notify --help",
        ) from None


def _mail(block: Mail, kept: StoredAlert, logger: Logger) -> None:
    message = block.message(
        subject_line(kept.alert),
        plain_text(kept.alert),
        reference=kept.id,
        written=kept.raised_at,
    )
    for reader, (code, said) in block.send(message).items():
        # The others have it, so it counts as taken: sending again would reach them twice.
        logger.error(
            "the mail server refused %s: %s %s", reader, code, said.decode(errors="replace")
        )


def _post(block: Webhook, kept: StoredAlert) -> None:
    response = asyncio.run(block.call(webhook_payload(kept.alert, kept.id)))
    if not response.is_success:
        raise BadInput(
            "the webhook takes the alert",
            found=f"status {response.status_code}",
            fix="save its address again if it has changed",
        )


def _notify(block: NotificationBlock, kept: StoredAlert) -> None:
    with block.raise_on_failure():
        told = block.notify(plain_text(kept.alert), subject_line(kept.alert))
        if inspect.iscoroutine(told):  # Prefect's own blocks answer at once outside of async code
            asyncio.run(told)


def _logging(logger: Logger) -> Send:
    def log(kept: StoredAlert) -> None:
        logger.warning("%s\n\n%s", subject_line(kept.alert), plain_text(kept.alert))

    return log


def _abandoned(outbox: Path, channels: Mapping[str, Send]) -> Counter[str]:
    """Return, of every channel that is no more, how many alerts still wait for it."""
    waiting = (channel for kept in read_alerts(outbox) for channel in kept.pending)
    return Counter(channel for channel in waiting if channel not in channels)
