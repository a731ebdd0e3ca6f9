"""Channels of alerts against real servers of this machine, that take, refuse, hang and cut the connection."""

from __future__ import annotations

import base64
import hmac
import json
import logging
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from pydantic import SecretStr

from orchestration.lib.alerts.alert import RESOLVES
from orchestration.lib.alerts.channels.pagerduty import pagerduty
from orchestration.lib.alerts.channels.slack import slack
from orchestration.lib.alerts.channels.slack_blocks import blocks
from orchestration.lib.alerts.channels.smtp import email
from orchestration.lib.alerts.channels.webhook import webhooks
from orchestration.lib.alerts.outcome import Later, Refused, Sent
from orchestration.lib.config_alerting import EmailSettings, PagerDutySettings, SlackSettings, WebhookSettings
from tests.support.alerts import FIGURE, alert, message
from tests.support.receivers import LOOPBACK, Request, bytes_of, http_receiver, mail_receiver, make_certificate

_SECRET = "s3cret-of-nobody"
_TIMEOUT = 1.0


def _webhook(url: str) -> Any:
    return webhooks(
        (WebhookSettings(name="itsm", url=SecretStr(f"{url}/{_SECRET}"), secret=SecretStr(_SECRET)),), _TIMEOUT
    )


def _mail(port: int, **settings: Any) -> Any:
    chosen = {
        "starttls": False,
        "sender": "finops@example.com",
        "recipients": {"all": ("ops@example.com",)},
        **settings,
    }
    return email(EmailSettings(smtp_server=LOOPBACK, smtp_port=port, **chosen), _TIMEOUT)


def test_a_webhook_can_verify_who_sent_what_and_when() -> None:
    with http_receiver() as receiver:
        assert _webhook(receiver.url)(message("webhook:itsm")) == Sent()
    (request,) = receiver.requests
    signed = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.".encode() + request.body
    wanted = base64.b64encode(hmac.digest(_SECRET.encode(), signed, "sha256")).decode()
    assert request.headers["webhook-signature"] == f"v1,{wanted}"
    assert request.headers["webhook-id"] == request.json["message_id"] == message("x").message_id
    assert request.json["alerts"][0]["facts"] == {"cost": "300.55 EUR, expected 102.00 EUR"}


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (500, Later("the webhook itsm answers HTTP 500")),
        ((429, {"Retry-After": "7"}, b""), Later("the webhook itsm answers HTTP 429", 7.0)),
        (410, Refused("the webhook itsm answers HTTP 410")),
        ((302, {"Location": "http://127.0.0.1:1/"}, b""), Refused("the webhook itsm answers HTTP 302")),
        ("hang", Later("the webhook itsm does not answer within 1 seconds", is_lost=True)),
        ("cut", Later("the webhook itsm cannot be reached, or cuts the connection (RemoteDisconnected)", is_lost=True)),
    ],
)
def test_what_a_webhook_does_is_said_without_its_address(answer: Any, outcome: object) -> None:
    with http_receiver(answer) as receiver:
        assert _webhook(receiver.url)(message("webhook:itsm")) == outcome


def test_nobody_at_the_address_may_pass() -> None:
    outcome = _webhook("http://127.0.0.1:9")(message("webhook:itsm"))
    assert isinstance(outcome, Later)
    assert _SECRET not in outcome.reason
    assert "127.0.0.1" not in outcome.reason


def test_mail_over_starttls_has_text_html_and_the_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = make_certificate(tmp_path / "mail.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with mail_receiver(certificate, password=_SECRET.encode()) as receiver:
        channel = _mail(receiver.port, starttls=True, user="finops", password=SecretStr(_SECRET))
        assert channel(message("email:ops@example.com")) == Sent()
    assert (receiver.logins, receiver.encrypted) == ([(b"finops", _SECRET.encode())], [True])
    (envelope,) = receiver.mails
    assert envelope.rcpt_tos == ["ops@example.com"]
    mail = message_from_bytes(bytes_of(envelope), policy=policy.default)
    assert mail["Message-ID"] == f"<{message('x').message_id}@example.com>"
    assert mail["Subject"] == "[critical] Service <EC2> & more: 198.55 EUR more than expected"
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert "cost  300.55 EUR, expected 102.00 EUR" in text.get_content()
    assert html is not None
    assert "Service &lt;EC2&gt; &amp; more" in html.get_content()
    (image,) = [part for part in mail.walk() if part.get_content_type() == "image/png"]
    assert f"cid:{image['Content-ID'].strip('<>')}" in html.get_content()
    assert image.get_content().startswith(b"\x89PNG")


def test_a_mail_server_that_is_not_trusted_gets_no_password(tmp_path: Path) -> None:
    with mail_receiver(make_certificate(tmp_path / "mail.pem")) as receiver:
        outcome = _mail(receiver.port, starttls=True, user="finops", password=SecretStr(_SECRET))(message("email:a@b"))
    assert isinstance(outcome, Later)
    assert "is not trusted" in outcome.reason
    assert receiver.logins == []


def test_a_wrong_password_is_refused_and_not_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = make_certificate(tmp_path / "mail.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with mail_receiver(certificate, password=b"another") as receiver:
        outcome = _mail(receiver.port, starttls=True, user="finops", password=SecretStr(_SECRET))(message("email:a@b"))
    assert outcome == Refused("the mail server 127.0.0.1 refuses the user or the password: SMTP 535")


@pytest.mark.parametrize(
    ("settings", "outcome"),
    [
        ({"at_recipient": ["450 greylisted"]}, Later("the mail server 127.0.0.1 refuses the recipient: SMTP 450")),
        ({"at_recipient": ["550 no such user"]}, Refused("the mail server 127.0.0.1 refuses the recipient: SMTP 550")),
        ({"at_data": ["452 full"]}, Later("the mail server 127.0.0.1 refuses: SMTP 452")),
        ({"at_data": ["554 no"]}, Refused("the mail server 127.0.0.1 refuses: SMTP 554")),
        ({"hang": 1.3}, Later("the mail server 127.0.0.1 does not answer within 1 seconds", is_lost=True)),
    ],
)
def test_what_a_mail_server_refuses_for_now_and_for_good(settings: dict[str, Any], outcome: object) -> None:
    with mail_receiver(**settings) as receiver:
        assert _mail(receiver.port)(message("email:ops@example.com")) == outcome


def test_a_mail_server_without_starttls_is_told_nothing() -> None:
    with mail_receiver() as receiver:
        outcome = _mail(receiver.port, starttls=True)(message("email:ops@example.com"))
    assert isinstance(outcome, Refused)
    assert receiver.mails == []


def test_no_mail_server_may_pass() -> None:
    assert isinstance(_mail(9)(message("email:ops@example.com")), Later)


def test_slack_webhook_gets_blocks_in_which_no_name_is_a_mention(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with http_receiver(200, 500, "cut") as receiver:
        channel = slack(SlackSettings(webhook_url=SecretStr(f"{receiver.url}/{_SECRET}")), _TIMEOUT)
        told = message("slack", alert(title="<!channel> costs more", link="https://example.com/r"))
        assert channel(told) == Sent()
        assert channel(told) == Later("Slack answers HTTP 500")
        assert isinstance(channel(told), Later)
    content = receiver.requests[0].json
    assert "<!channel>" not in json.dumps([block for block in content["blocks"] if block["type"] != "header"])
    assert content["text"] == "[critical] &lt;!channel&gt; costs more"
    assert content["blocks"][0]["text"]["type"] == "plain_text"
    assert "<https://example.com/r|Open>" in json.dumps(content)
    assert _SECRET not in caplog.text


def test_slack_bot_posts_and_puts_the_picture_into_the_thread() -> None:
    def api(request: Request) -> tuple[int, dict[str, str], bytes]:
        said: dict[str, Any] = {"ok": True, "channel": "C1", "ts": "7.7", "files": [{"id": "F1"}]}
        if request.path.endswith("getUploadURLExternal"):
            said = {"ok": True, "upload_url": f"{receiver.url}/upload", "file_id": "F1"}
        return 200, {"Content-Type": "application/json"}, json.dumps(said).encode()

    with http_receiver(api) as receiver:
        channel = slack(_bot_settings(receiver.url), _TIMEOUT)
        assert channel(message("slack:#costs")) == Sent("")
    post, asked, upload, complete = receiver.requests
    assert post.path == "/api/chat.postMessage"
    assert post.headers["authorization"] == f"Bearer {_SECRET}"
    assert post.json["channel"] == "#costs"
    assert post.json["metadata"]["event_payload"] == {"message_id": message("x").message_id}
    assert asked.path == "/api/files.getUploadURLExternal"
    assert b"\x89PNG" in upload.body
    assert parse_qs(complete.body.decode())["thread_ts"] == ["7.7"]


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ((200, {}, b'{"ok": false, "error": "channel_not_found"}'), Refused("Slack answers channel_not_found")),
        (
            (429, {"Retry-After": "3"}, b'{"ok": false, "error": "ratelimited"}'),
            Later("Slack answers ratelimited", 3.0),
        ),
        ((503, {}, b"<html>no</html>"), Later("Slack answers something else than Slack would")),
        ("hang", Later("Slack does not answer within 1 seconds", is_lost=True)),
    ],
)
def test_what_slack_refuses_for_now_and_for_good(answer: Any, outcome: object) -> None:
    with http_receiver(answer) as receiver:
        assert slack(_bot_settings(receiver.url), _TIMEOUT)(message("slack:#costs")) == outcome


def test_a_picture_that_slack_does_not_take_is_noted_and_nothing_is_sent_again() -> None:
    posted: tuple[int, dict[str, str], bytes] = (200, {}, b'{"ok": true, "channel": "C1", "ts": "7.7"}')
    with http_receiver(posted, (200, {}, b'{"ok": false, "error": "missing_scope"}')) as receiver:
        outcome = slack(_bot_settings(receiver.url), _TIMEOUT)(message("slack:#costs"))
    assert outcome == Sent("without its pictures (missing_scope)")


def _bot_settings(url: str) -> SlackSettings:
    return SlackSettings(token=SecretStr(_SECRET), channels={"all": "#costs"}, api_url=f"{url}/api/")


def test_slack_never_gets_more_than_it_takes() -> None:
    many = [
        alert(str(number), title="x" * 500, text="y" * 9000, facts=(("f", "v" * 5000),) * 20) for number in range(40)
    ]
    found = blocks(message("slack", *many))
    assert len(found) <= 50
    for block in found:
        assert len(block.get("text", {}).get("text", "")) <= (150 if block["type"] == "header" else 3000)
        assert len(block.get("fields", [])) <= 10
        assert all(len(one["text"]) <= 2000 for one in block.get("fields", []))


def test_pagerduty_closes_what_it_opened_by_the_same_key() -> None:
    with http_receiver((202, {}, b"{}")) as receiver:
        channel = pagerduty(PagerDutySettings(routing_key=SecretStr(_SECRET), url=receiver.url), _TIMEOUT)
        assert channel(message("pagerduty", alert("a" * 300), alert(f"{RESOLVES}{'a' * 300}"))) == Sent()
    opened, closed = (request.json for request in receiver.requests)
    assert closed == {"routing_key": _SECRET, "event_action": "resolve", "dedup_key": opened["dedup_key"]}


def test_pagerduty_opens_an_incident_for_each_alert_by_its_id() -> None:
    with http_receiver((202, {}, b"{}"), 429, (202, {}, b"{}")) as receiver:
        channel = pagerduty(PagerDutySettings(routing_key=SecretStr(_SECRET), url=receiver.url), _TIMEOUT)
        told = message("pagerduty", alert("a"), alert("b", severity="high", figure=FIGURE))
        assert channel(told) == Later("PagerDuty answers HTTP 429")
        assert channel(told) == Sent()
    events = [request.json for request in receiver.requests]
    assert [event["dedup_key"] for event in events] == ["a", "b", "a", "b"]
    assert [event["payload"]["severity"] for event in events[2:]] == ["critical", "error"]
    assert events[0]["payload"]["custom_details"]["cost"] == "300.55 EUR, expected 102.00 EUR"
    assert receiver.requests[0].path == "/v2/enqueue"
