"""Settings of alerts: what is refused, with its line, and that no secret is shown or stored."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from orchestration.lib.config import Config, load_config
from orchestration.lib.errors import FinopsError

_SECRETS = {
    "SLACK_WEBHOOK": "https://hooks.slack.com/services/T/B/s3cret",
    "SMTP_PASSWORD": "s3cret",
    "HOOK_SECRET": "whsec_s3cret",
    "PD_KEY": "s3cretkey",
    "EMPTY": "",
}
_HEAD = """\
organization:
  name: Example
  first_billing_period: 2026-01
  time_zone: Europe/Berlin
sources:
  - name: aws
    format: focus
    location: .
teams:
  - name: Checkout
    cost_center: CC-1
alerting:
"""
_WHOLE = """\
  link_base: https://example.com/{month}.html
  email:
    smtp_server: smtp.example.com
    user: finops
    password: ${SMTP_PASSWORD}
    sender: finops@example.com
    recipients:
      critical_alerts: [a@example.com, b@example.com]
  slack:
    webhook_url: ${SLACK_WEBHOOK}
    channels:
      critical: "#costs"
  webhooks:
    - name: itsm
      url: https://itsm.example.com/s3cret
      secret: ${HOOK_SECRET}
  pagerduty:
    routing_key: ${PD_KEY}
  quiet_hours: {start: "22:00", end: "07:00"}
"""


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in _SECRETS.items():
        monkeypatch.setenv(name, value)


def _load(tmp_path: Path, alerting: str) -> Config:
    path = tmp_path / "finops-config.yaml"
    path.write_text(_HEAD + alerting)
    return load_config(path)


def _problems(tmp_path: Path, alerting: str) -> str:
    with pytest.raises(FinopsError) as raised:
        _load(tmp_path, alerting)
    return str(raised.value)


def test_settings_as_users_write_them(tmp_path: Path) -> None:
    config = _load(tmp_path, _WHOLE)
    assert config.alerting.receivers == {
        "email.critical_alerts": ("email:a@example.com", "email:b@example.com"),
        "slack.critical": ("slack:#costs",),
        "webhooks.itsm": ("webhook:itsm",),
        "pagerduty": ("pagerduty",),
    }
    assert config.organization.time_zone == "Europe/Berlin"


def test_no_secret_is_shown_and_no_setting_of_alerts_stored(tmp_path: Path) -> None:
    config = _load(tmp_path, _WHOLE)
    assert "s3cret" not in repr(config)
    assert "alerting" not in config.sections()


@pytest.mark.parametrize(
    ("alerting", "said"),
    [
        (
            "  slack: {webhook_url: https://hooks.slack.com/s3cret}\n",
            "line 13: alerting.slack.webhook_url: is a secret. Put it into an environment variable",
        ),
        ("  pagerduty: {routing_key: s3cret}\n", "line 13: alerting.pagerduty.routing_key: is a secret."),
        ("  pagerduty: {routing_key: ' s3cret'}\n", "routing_key holds nothing, spaces around it or a line break"),
        ("  pagerduty: {routing_key: '${EMPTY}'}\n", "routing_key holds nothing"),
        ("  webhooks: [{name: a, url: https://x, secret: s3cret}]\n", "alerting.webhooks[0].secret: is a secret."),
        ("  webhooks: [{name: a, url: http://x/s3cret, secret: '${PD_KEY}'}]\n", "url must be an https:// address"),
        ("  slack: {webhook_url: '${PD_KEY}'}\n", "webhook_url must be an https:// address"),
        ("  slack: {channels: {critical: '#a'}}\n", "needs webhook_url, or token with channels"),
        ("  slack: {token: '${PD_KEY}'}\n", "a token needs channels to post to"),
        ("  quiet_hours: {start: 25:00, end: '07:00'}\n", "must be a time of day such as 22:00"),
        ("  quiet_hours: {start: '07:00', end: '07:00'}\n", "that would be always or never"),
        ("  pagerdutty: {}\n", "Did you mean 'pagerduty'?"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_line(tmp_path: Path, alerting: str, said: str) -> None:
    problems = _problems(tmp_path, alerting)
    assert said in problems
    assert "line 1" in problems
    assert "s3cret" not in problems


def test_a_password_crosses_no_network_in_clear(tmp_path: Path) -> None:
    assert "a password needs starttls" in _problems(
        tmp_path, _WHOLE.replace("    user: finops\n", "    user: finops\n    starttls: false\n")
    )


def test_routes_lead_somewhere_and_nobody_is_left_out(tmp_path: Path) -> None:
    routes = "  routes:\n    - to: [email.critcal_alerts, slack.critical, pagerduty]\n      teams: [Chekout]\n"
    problems = _problems(tmp_path, _WHOLE + routes)
    assert "line 33: alerting.routes[0].to[0]: 'email.critcal_alerts' is none of the receivers." in problems
    assert "Did you mean 'email.critical_alerts'?" in problems
    assert "line 34: alerting.routes[0].teams[0]: 'Chekout' is none of the teams. Did you mean 'Checkout'?" in problems
    assert "line 20: alerting.email.recipients.critical_alerts: is told nothing." in problems
    assert "alerting.webhooks[0]: is told nothing. Name 'webhooks.itsm' in a route" in problems


def test_a_list_whose_name_says_nothing_needs_a_route(tmp_path: Path) -> None:
    assert "alerting.slack.channels.general: is told nothing." in _problems(
        tmp_path, _WHOLE.replace("critical: ", "general: ")
    )


def test_a_time_zone_is_one(tmp_path: Path) -> None:
    path = tmp_path / "finops-config.yaml"
    path.write_text(_HEAD.replace("Europe/Berlin", "Berlin").removesuffix("alerting:\n"))
    with pytest.raises(FinopsError, match=r"line 4: organization.time_zone: found 'Berlin', must be a time zone"):
        load_config(path)


def test_every_setting_of_the_example_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SLACK_WEBHOOK_URL", "SLACK_BOT_TOKEN", "WEBHOOK_SECRET", "PAGERDUTY_ROUTING_KEY"):
        monkeypatch.setenv(name, "https://example.com/")
    example = (Path(__file__).parents[2] / "config" / "finops-config.yaml.example").read_text(encoding="utf-8")
    head, section = example.split("\nalerting:\n")
    path = tmp_path / "finops-config.yaml"
    path.write_text(head + "\nalerting:\n" + re.sub(r"(?m)^( {2,6})# (?=[ \w-])", r"\1", section))
    alerting = load_config(path).alerting
    assert len(alerting.routes) == 4
    assert set(alerting.receivers) == {name for route in alerting.routes for name in route.to}
