"""Alerts through real Prefect blocks to a real mail server and a real webhook on this machine."""

import logging
import ssl
from datetime import UTC, date, datetime, timedelta
from email.message import Message
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
import typer
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from prefect import flow, get_run_logger
from prefect.blocks.notifications import CustomWebhookNotificationBlock
from prefect.blocks.system import Secret
from prefect.blocks.webhook import Webhook
from typer.testing import CliRunner

from flows.notify import OUTBOX, main, save_mail, save_webhook, send_test
from hemline.errors import BadInput
from hemline.identity import project_id
from monitoring.alerts.alert import KINDS, Alert, AlertParams, anchor
from monitoring.alerts.alert_delivery import raise_alert, read_alerts
from monitoring.alerts.channels import deliver
from tests.processes import HOST, free_ports
from tests.sinks import mail_server, webhook

ROOT = Path(__file__).parents[2]
NOW = datetime(2020, 4, 8, 6, 0, tzinfo=UTC)
WEEK_END = date(2020, 4, 8)
DASHBOARD = "http://127.0.0.1:5001/2020-04-08.html"
BOTH = ("mail/hemline", "webhook/hemline")
LOGGER = logging.getLogger("tests.notify")

pytestmark = pytest.mark.usefixtures("prefect_api")


@pytest.fixture(scope="module")
def ports(prefect_api: None) -> tuple[int, int]:  # noqa: ARG001  (keeps the blocks)
    """The ports of the mail server and the webhook that both blocks are saved with."""
    mail, hook = free_ports(2)
    assert save_mail(f"smtp://{HOST}:{mail}", "shop@shop.test", ["a@b.test"], str, "hemline")
    address = f"http://{HOST}:{hook}/T/hunter2"
    assert save_webhook(address, "hemline", params()) == "webhook/hemline"
    return mail, hook


def params(*blocks: str, require_tls: bool = False) -> AlertParams:
    changes = {"blocks": blocks, "require_tls": require_tls}
    return AlertParams.load(ROOT / "params.yaml").model_copy(update=changes)


def alert(kind: str, week_end: date = WEEK_END) -> Alert:
    return Alert(
        kind=kind,
        week_end=week_end,
        subjects=("price",),
        title=f"a {kind} for the test",
        owner="the shop's recommendations",
        is_urgent=False,
        happened="The price rose.",
        done="A training was started.",
        first_thing="Look at the table.",
        table=(("column", "moved"), ("price", "higher & <dearer>")),
        links={"dashboard": DASHBOARD},
        runbook=f"docs/monitoring.md#{anchor(kind)}",
    )


def text_of(message: Message) -> str:
    return message.get_payload(decode=True).decode()


def payload_text(payload: dict[str, Any]) -> str:
    return "\n".join(block["text"]["text"] for block in payload["blocks"] if "text" in block)


def test_every_kind_arrives_once_with_owner_story_table_link_and_runbook(
    ports: tuple[int, int], tmp_path: Path
) -> None:
    alert_params = params(*BOTH)
    with mail_server(ports[0]) as mails, webhook(ports[1]) as posts:
        for kind in KINDS:
            raise_alert(alert(kind), tmp_path, alert_params, now=NOW)
            raise_alert(alert(kind), tmp_path, alert_params, now=NOW)
        assert all(not one.failure for one in deliver(tmp_path, alert_params, LOGGER))
        assert deliver(tmp_path, alert_params, LOGGER) == []
    by_id = {stored.id: stored.alert for stored in read_alerts(tmp_path)}
    assert len(by_id) == len(mails) == len(posts) == len(KINDS)
    for mail in mails:
        sent = by_id[mail["Message-ID"].strip("<>").removesuffix("@shop.test")]
        assert sent.kind in mail["Subject"]
        assert mail["To"] == "a@b.test"
        assert mail["Auto-Submitted"] == "auto-generated"
        for part in (
            sent.owner,
            sent.happened,
            "price   higher & <dearer>",
            DASHBOARD,
            sent.runbook,
        ):
            assert part in text_of(mail)
    for post in posts:
        sent = by_id[post["blocks"][0]["block_id"]]
        assert sent.kind in post["text"]
        assert sent.owner in post["blocks"][-1]["elements"][0]["text"]
        for part in (sent.happened, "price   higher &amp; &lt;dearer&gt;", DASHBOARD, sent.runbook):
            assert part in payload_text(post)


def test_what_a_server_that_is_down_missed_arrives_at_the_next_call(
    ports: tuple[int, int], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    alert_params = params(*BOTH)
    raise_alert(alert("data late"), tmp_path, alert_params, now=NOW)
    with webhook(ports[1]) as posts:
        deliver(tmp_path, alert_params, LOGGER)
        assert "was not sent to mail/hemline" in caplog.text
        assert "ConnectionRefusedError" in caplog.text
        assert [stored.pending for stored in read_alerts(tmp_path)] == [("mail/hemline",)]
        with mail_server(ports[0]) as mails:
            deliver(tmp_path, alert_params, LOGGER)
        deliver(tmp_path, alert_params, LOGGER)
    assert len(mails) == len(posts) == 1


def test_a_second_alert_on_the_same_column_is_held_back_and_then_counted(
    ports: tuple[int, int], tmp_path: Path
) -> None:
    alert_params = params("mail/hemline")
    rest = alert_params.cool_down_days["drift confirmed"]
    with mail_server(ports[0]) as mails:
        for days in (0, 7, rest):
            drift = alert("drift confirmed", WEEK_END + timedelta(days=days))
            raise_alert(drift, tmp_path, alert_params, now=NOW)
            deliver(tmp_path, alert_params, LOGGER)
    assert len(mails) == 2
    assert "1 alert was held back" in text_of(mails[1])


def test_a_webhook_that_refuses_is_not_taken_for_one_that_took_and_its_address_stays_secret(
    ports: tuple[int, int], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    alert_params = params("webhook/hemline")
    raise_alert(alert("data late"), tmp_path, alert_params, now=NOW)
    with webhook(ports[1], status=302) as posts, caplog.at_level(logging.INFO):
        deliver(tmp_path, alert_params, LOGGER)
    assert len(posts) == 1
    (stored,) = read_alerts(tmp_path)
    assert "status 302" in stored.failed["webhook/hemline"]
    assert "hunter2" not in caplog.text + stored.model_dump_json()


def test_a_recipient_who_is_refused_is_named_and_the_others_get_one_mail(
    prefect_api: None,  # noqa: ARG001  (has to run)
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    (port,) = free_ports(1)
    save_mail(f"smtp://{HOST}:{port}", "s@shop.test", ["a@b.test", "gone@b.test"], str, "two")
    alert_params = params("mail/two")
    with mail_server(port, refused=("gone@b.test",)) as mails:
        raise_alert(alert("data late"), tmp_path, alert_params, now=NOW)
        deliver(tmp_path, alert_params, LOGGER)
        deliver(tmp_path, alert_params, LOGGER)
    assert len(mails) == 1
    assert "refused gone@b.test: 550" in caplog.text


def test_without_blocks_an_alert_is_stored_and_logged_once_and_the_log_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    @flow
    def monitoring() -> None:
        raise_alert(alert("data late"), tmp_path, params(), now=NOW)
        deliver(tmp_path, params(), get_run_logger())

    for _ in range(2):
        monitoring()
    assert caplog.text.count("The price rose.") == 1
    assert caplog.text.count("alerts.blocks in params.yaml is empty") == 1


def test_a_block_that_does_not_exist_or_cannot_notify_is_reported(tmp_path: Path) -> None:
    Secret(value="x").save("odd", overwrite=True)
    alert_params = params("mail/missing", "secret/odd")
    raise_alert(alert("data late"), tmp_path, alert_params, now=NOW)
    deliver(tmp_path, alert_params, LOGGER)
    (stored,) = read_alerts(tmp_path)
    assert "none of that name" in stored.failed["mail/missing"]
    assert "name a Mail, Webhook or notification block" in stored.failed["secret/odd"]


def test_any_notification_block_of_prefect_gets_the_text(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    custom = CustomWebhookNotificationBlock(
        name="custom", url=f"http://{HOST}:{port}", json_data={"s": "{{subject}}", "b": "{{body}}"}
    )
    custom.save("custom", overwrite=True)
    save_webhook(f"http://{HOST}:{port}", "beside", params())
    alert_params = params("custom-webhook/custom", "webhook/beside")
    raise_alert(alert("data late"), tmp_path, alert_params, now=NOW)

    @flow
    def sending() -> None:
        deliver(tmp_path, alert_params, get_run_logger())

    with webhook(port) as posts:
        sending()
    assert len(posts) == 2
    assert posts[0]["s"].startswith("[hemline] data late")
    assert "The price rose." in posts[0]["b"]


def test_a_password_is_prompted_for_stays_secret_and_sent_over_a_checked_connection(
    prefect_api: None,  # noqa: ARG001  (has to run)
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (port,) = free_ports(1)
    server = f"smtp+starttls://shop@{HOST}:{port}"
    save_mail(server, "s@shop.test", ["a@b.test"], lambda: "hunter2", "tls")
    alert_params = params("mail/tls")
    raise_alert(alert("data late"), tmp_path, alert_params, now=NOW)
    tls, certificate = self_signed(tmp_path)
    with mail_server(port, tls=tls, login=("shop", "hunter2")) as mails:
        (_, refused) = deliver(tmp_path, alert_params, LOGGER)
        assert refused.failure == "SSLCertVerificationError"
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        deliver(tmp_path, alert_params, LOGGER)
    assert len(mails) == 1
    (stored,) = read_alerts(tmp_path)
    assert "hunter2" not in stored.model_dump_json()


def test_a_webhook_over_plain_http_is_refused_unless_params_allow_it(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    address = f"http://{HOST}:{port}/T/hunter2"
    for plain in (address, address.replace("http", "HTTP")):
        with pytest.raises(BadInput, match="require_tls") as refusal:
            save_webhook(plain, "plain", params(require_tls=True))
        assert "hunter2" not in str(refusal.value)
    save_webhook(address, "plain", params())
    CustomWebhookNotificationBlock(name="custom", url=address, json_data={}).save(
        "plain", overwrite=True
    )
    Webhook(url=address.replace("http", "https"), verify=False).save("unchecked", overwrite=True)
    blocks = ("webhook/plain", "custom-webhook/plain", "webhook/unchecked")
    strict = params(*blocks, require_tls=True)
    raise_alert(alert("data late"), tmp_path, strict, now=NOW)
    with webhook(port) as posts:
        deliver(tmp_path, strict, LOGGER)
        (stored,) = read_alerts(tmp_path)
        assert posts == []
        assert set(stored.failed) == set(blocks)
        assert all("require_tls" in failure for failure in stored.failed.values())
        assert "hunter2" not in stored.model_dump_json()
        deliver(tmp_path, params(*blocks), LOGGER)
    assert len(posts) == 2


@pytest.mark.parametrize(
    "server", ["mail.example.com", "smtp+starttls://me:secret@shop", "smtps://", "ftp://shop"]
)
def test_a_mail_server_of_another_form_is_refused_without_repeating_its_password(
    server: str,
) -> None:
    with pytest.raises(BadInput, match="smtp\\+starttls://user@host:port") as refusal:
        save_mail(server, "s@shop.test", ["a@b.test"], str, "bad")
    assert "secret" not in str(refusal.value)


def test_a_mail_without_a_sender_or_a_reader_is_refused() -> None:
    for sender, to in (("", ["a@b.test"]), ("s@shop.test", [])):
        with pytest.raises(BadInput, match="correct --mail, --sender and --to"):
            save_mail("smtps://shop", sender, to, str, "bad")


def test_a_password_without_encryption_is_refused() -> None:
    with pytest.raises(ValueError, match="over starttls or tls only"):
        save_mail("smtp://me@shop", "s@shop.test", ["a@b.test"], lambda: "x", "bad")


def test_a_test_goes_through_every_block_and_needs_one(ports: tuple[int, int]) -> None:
    with mail_server(ports[0]) as mails, webhook(ports[1]) as posts:
        tests = send_test(params(*BOTH), LOGGER)
    assert [(one.channel, one.failure) for one in tests] == [(name, "") for name in BOTH]
    assert "a test of Hemline's alerts" in mails[0]["Subject"]
    assert len(mails) == len(posts) == 1
    with pytest.raises(BadInput, match="--mail"):
        send_test(params(), LOGGER)


def test_the_command_saves_a_webhook_whose_address_is_not_in_the_history(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (port,) = free_ports(1)
    monkeypatch.setenv("HEMLINE_WEBHOOK_URL", f"http://{HOST}:{port}/T/hunter2")
    monkeypatch.chdir(tmp_path)
    content = (ROOT / "params.yaml").read_text(encoding="utf-8")
    assert "require_tls: true" in content
    allowed = content.replace("require_tls: true", "require_tls: false")
    (tmp_path / "params.yaml").write_text(allowed, encoding="utf-8")
    app = typer.Typer()
    app.command()(main)
    done = CliRunner().invoke(app, ["--webhook", "ask", "--name", "prompted"])
    assert done.exit_code == 0, done.output
    assert "webhook/prompted" in done.output
    assert "hunter2" not in done.output
    alert_params = params("webhook/prompted")
    raise_alert(alert("data late"), tmp_path, alert_params, now=NOW)
    with webhook(port) as posts:
        deliver(tmp_path, alert_params, LOGGER, project="another")
        assert not posts, "the block of one clone is none of another's"
        deliver(tmp_path, alert_params, LOGGER, project=project_id(tmp_path))
    assert len(posts) == 1


def test_the_command_without_an_option_says_what_it_can_do() -> None:
    with pytest.raises(BadInput, match="--webhook, --mail, --test or --send"):
        main()


def test_sending_what_a_channel_refuses_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    content = (ROOT / "params.yaml").read_text(encoding="utf-8")
    assert "blocks: []" in content
    named = content.replace("blocks: []", "blocks: [webhook/nobody]")
    (tmp_path / "params.yaml").write_text(named, encoding="utf-8")
    app = typer.Typer()
    app.command()(main)
    nothing = CliRunner().invoke(app, ["--send"])
    assert (nothing.exit_code, "no alert is pending" in nothing.output) == (0, True)
    raise_alert(alert("data late"), OUTBOX, params("webhook/nobody"), now=NOW)
    refused = CliRunner().invoke(app, ["--send"])
    assert (refused.exit_code, "webhook/nobody: " in refused.output) == (1, True)


def test_an_alert_pending_for_a_block_no_longer_named_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    raise_alert(alert("data late"), tmp_path, params("webhook/gone"), now=NOW)
    deliver(tmp_path, params(), LOGGER)
    assert "no longer names webhook/gone; pending alerts: 1" in caplog.text


def self_signed(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """Return a server's context with a certificate of its own for this machine, and its file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    today = datetime.now(tz=UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address(HOST))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    path, key_path = folder / "certificate.pem", folder / "key.pem"
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(path, key_path)
    return context, path
