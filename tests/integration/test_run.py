"""`finops run` as a person types it: end to end, again, after a restatement, after a bad delivery, and after being killed.

The first delivery holds a spike, and real receivers are told of it and of the bad delivery.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from orchestration.sample.generator import generate
from orchestration.sample.restatement import apply_restatement
from tests.dbt.project import MARTS
from tests.support.receivers import (
    LOOPBACK,
    HttpReceiver,
    MailReceiver,
    bytes_of,
    http_receiver,
    mail_receiver,
    make_certificate,
)

SECRET = "s3cret-of-nobody"
SPIKE = date(2026, 10, 19)
COMMAND = [str(Path(sys.executable).with_name("finops")), "run"]


@pytest.fixture
def organization(finops_home: Path) -> Path:
    """A small sample organisation of three months with a spike; returns its configuration."""
    generate(finops_home / "bills", factor=0.05, months=3, spike=SPIKE)
    return finops_home / "bills" / "finops-config.yaml"


@dataclass
class Receivers:
    """A webhook, and a mail server that wants STARTTLS and a login. Both are told of critical incidents and to operators."""

    hook: HttpReceiver
    mail: MailReceiver

    def settings(self) -> dict[str, Any]:
        everyone = ["email.everyone", "webhooks.itsm"]
        return {
            "email": {
                "smtp_server": LOOPBACK,
                "smtp_port": self.mail.port,
                "user": "finops",
                "password": "${RECEIVER_SECRET}",
                "sender": "finops@example.com",
                "recipients": {"everyone": ["oncall@example.com"]},
            },
            "webhooks": [{"name": "itsm", "url": self.hook.url, "secret": "${RECEIVER_SECRET}"}],
            "routes": [
                {"to": everyone, "kinds": ["anomaly"], "severities": ["critical"]},
                {"to": everyone, "kinds": ["gate", "run_failure"]},
            ],
        }

    @property
    def by_webhook(self) -> list[dict[str, Any]]:
        """The alerts that came."""
        return [alert for request in self.hook.requests for alert in request.json["alerts"]]

    @property
    def by_mail(self) -> list[tuple[str, str]]:
        """Subject and text of the mails that came."""
        mails = [message_from_bytes(bytes_of(envelope), policy=policy.default) for envelope in self.mail.mails]
        bodies = [mail.get_body(("plain",)) for mail in mails]
        return [(mail["Subject"], body.get_content()) for mail, body in zip(mails, bodies, strict=True) if body]


@pytest.fixture
def receivers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receivers]:
    certificate = make_certificate(tmp_path / "mail.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    monkeypatch.setenv("RECEIVER_SECRET", SECRET)
    with http_receiver() as hook, mail_receiver(certificate, password=SECRET.encode()) as mail:
        yield Receivers(hook, mail)


def run(config: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, "--config", str(config)], capture_output=True, text=True, check=False, env=dict(os.environ)
    )


def rows(url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(query.encode()).fetchall()


def marts(url: str) -> dict[str, list[tuple[Any, ...]]]:
    return {mart: rows(url, f"select m::text from finops.{mart} as m order by 1") for mart in MARTS}


def pages(home: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (home / "reports").glob("chargeback-*")}


def test_a_run_is_exact_can_be_repeated_restated_and_refuses_bad_bills(
    organization: Path, database: str, finops_home: Path, receivers: Receivers
) -> None:
    settings = yaml.safe_load(organization.read_text()) | {"alerting": receivers.settings()}
    organization.write_text(yaml.safe_dump(settings))
    first = run(organization)
    assert first.returncode == 0, first.stdout + first.stderr
    assert "Gates    17 of 17 passed" in first.stdout
    assert str(finops_home / "reports" / "chargeback-2026-10.html") in first.stdout
    truth = json.loads((organization.parent / "truth.json").read_text())
    found = {
        (source, f"{period:%Y-%m}"): (lines, billed, effective)
        for source, period, lines, billed, effective in rows(
            database,
            "select source_name, billing_period, sum(line_count), sum(billed_cost), sum(effective_cost)"
            " from finops.cost_records group by 1, 2",
        )
    }
    assert found == {
        (one["source"], one["billing_period"]): (
            one["lines"],
            Decimal(one["billed_cost"]),
            Decimal(one["effective_cost"]),
        )
        for one in truth["totals"] + truth["ai_totals"]
    }

    # The spike, and nothing else, arrives once on each: how much, and what moved.
    (alert,), ((subject, text),) = receivers.by_webhook, receivers.by_mail
    spike = next(one for one in truth["anomalies"] if one["start"] == SPIKE.isoformat())
    title = f"{spike['service_name']} in account {spike['sub_account_id']}: "
    assert (alert["kind"], alert["severity"], alert["occurred_on"]) == ("anomaly", "critical", SPIKE.isoformat())
    assert alert["title"].startswith(title)
    impact = Decimal(alert["title"].removeprefix(title).partition(" USD more")[0].replace(",", ""))
    # The truth is before discounts.
    assert impact == pytest.approx(Decimal(spike["extra_cost"][SPIKE.isoformat()]), rel=Decimal("0.1"))
    resource = f"resource {spike['resource_id']}"
    assert alert["text"].endswith(f"on {SPIKE}. Mostly {resource}.")
    assert subject == f"[critical] {alert['title']}"
    assert resource in text
    assert alert["facts"][resource] in text
    assert receivers.mail.encrypted == [True]
    assert "Alerts   1 told, 0 waiting, 0 refused" in first.stdout
    before, written = marts(database), pages(finops_home)

    second = run(organization)
    assert second.returncode == 0, second.stdout + second.stderr
    assert (marts(database), pages(finops_home)) == (before, written)
    assert (len(receivers.by_webhook), len(receivers.by_mail)) == (1, 1)
    assert "Alerts   0 told, 0 waiting, 0 refused" in second.stdout

    # A bad delivery of one source: an error that says where, and what was there stays.
    azure = next((organization.parent / "deliveries" / "azure").rglob("2026-10/*.parquet"))
    good = azure.read_bytes()
    azure.write_bytes(good[: len(good) // 2])
    refused = run(organization)
    assert refused.returncode == 1
    assert "2026-10/part-0.parquet" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert marts(database) == before
    assert [alert["title"] for alert in receivers.by_webhook[1:]] == ["Delivery refused: azure, October 2026"]
    assert [one for one, _ in receivers.by_mail[1:]] == ["[high] Delivery refused: azure, October 2026"]
    azure.write_bytes(good)

    apply_restatement(organization.parent)
    assert run(organization).returncode == 0
    assert (len(receivers.by_webhook), len(receivers.by_mail)) == (2, 2)
    ((restated,),) = rows(
        database,
        "select sum(billed_cost) from finops.chargeback_reports where source_name = 'aws_main' and billing_period = '2026-09-01'",
    )
    assert restated == Decimal(truth["restatement"]["total"]["billed_cost"])
    assert marts(database) != before


def test_killed_runs_leave_nothing_half_done(organization: Path, database: str, finops_home: Path) -> None:
    """Runs killed at random moments, one after the other; the run that is let through ends where an undisturbed one does."""
    moments = random.Random(20261)
    for _ in range(int(os.environ.get("FINOPS_TEST_KILLS", "3"))):
        process = subprocess.Popen(
            [*COMMAND, "--config", str(organization)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        time.sleep(moments.uniform(1, 14))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    through = run(organization)
    assert through.returncode == 0, through.stdout + through.stderr
    disturbed = marts(database), pages(finops_home)

    with psycopg.connect(database, autocommit=True) as connection:
        for schema in ("raw", "config", "staging", "intermediate", "finops"):
            connection.execute(f"drop schema {schema} cascade".encode())
    for page in (finops_home / "reports").glob("*"):
        page.unlink()
    undisturbed = run(organization)
    assert undisturbed.returncode == 0, undisturbed.stdout + undisturbed.stderr
    assert (marts(database), pages(finops_home)) == disturbed
