"""From rows of marts, and from runs that failed, to messages that arrive at real servers."""

from __future__ import annotations

from datetime import date, timedelta
from email import message_from_bytes, policy
from pathlib import Path

import dagster as dg
import psycopg
import pytest
from click.testing import CliRunner
from psycopg.types.json import Jsonb
from pydantic import SecretStr

from orchestration.cli import main
from orchestration.defs.alerts.sensors import failure_sensor, outbox_sensor
from orchestration.defs.resources import Warehouse
from orchestration.lib.alerts.telling import tell_from_marts, tell_of_run
from orchestration.lib.config_alerting import Alerting, EmailSettings, PagerDutySettings, WebhookSettings
from orchestration.lib.config_models import Config, Organization
from orchestration.lib.config_sources import Source
from orchestration.lib.run_failures import failures_of
from orchestration.lib.warehouse import ensure_warehouse
from tests.support.receivers import LOOPBACK, bytes_of, http_receiver, mail_receiver

_DAY = date(2026, 10, 20)
_MARTS = """
create schema finops;
create schema intermediate;
create table finops.daily_costs (charge_date date);
insert into finops.daily_costs values ('2026-10-21');
create table finops.anomalies (
    anomaly_id text, dimension text, dimension_value text, billing_currency text, started_on date, last_seen_on date, state text,
    feedback text, severity text, expected_cost numeric, actual_cost numeric, impact_cost numeric, drivers jsonb, breakdown jsonb, team text
);
create table finops.anomaly_days (anomaly_id text, charge_date date, expected_cost numeric, actual_cost numeric);
create table intermediate.int_daily_series (
    dimension text, dimension_value text, billing_currency text, charge_date date, curve_cost numeric, is_complete boolean
);
create table intermediate.int_series_costs (
    sub_account_id text, service_name text, billing_currency text, charge_date date, curve_cost numeric
);
insert into intermediate.int_series_costs
select '000123456789', 'Amazon S3', 'USD', day, 50
from generate_series(date '2026-10-01', date '2026-10-22', interval '1 day') as day;
insert into intermediate.int_daily_series
select 'account', '000123456789', 'USD', day, 1000, day < date '2026-10-22'
from generate_series(date '2026-10-01', date '2026-10-22', interval '1 day') as day;
insert into intermediate.int_daily_series
select 'service', 'Amazon EC2', 'USD', day, 100 + extract(dow from day), true
from generate_series(date '2026-09-01', date '2026-10-19', interval '1 day') as day;
"""
_ANOMALY = """
insert into finops.anomalies values (%s, %s, %s, 'USD', %s, %s, 'open', null, %s, 200, 900.5, 700.5, %s, '{}', null)
"""
# 80 % of every month of two years, and 100 % of the last.
_BUDGETS = """
create table finops.forecasts as select date '2026-10-10' as trained_to;
create table finops.budget_events as
select
    concat(month, threshold) as budget_event_id, 'team' as scope_type, 'Search' as scope_name, 'a@example.com' as owner,
    'EUR' as budget_currency, 'month' as period_kind, 'actual' as threshold_kind, threshold * 0.01 as threshold_share,
    case threshold when 100 then 'critical' else 'medium' end as severity, 100.0 as budget_cost, 100.0 as actual_cost,
    null::numeric as expected_cost, null::numeric as overrun_probability, month::date as period_start,
    (month + interval '1 month - 1 day')::date as period_end, (month + interval '9 days')::date as reached_on
from generate_series(timestamp '2024-11-01', timestamp '2026-10-01', interval '1 month') as month
cross join (values (80), (100)) as thresholds (threshold)
where threshold = 80 or month = timestamp '2026-10-01'
order by month desc, threshold;
"""
_EC2 = ("service", "Amazon EC2")


def _config(http_url: str, mail_port: int) -> Config:
    return Config(
        organization=Organization(name="Example", first_billing_period="2026-01"),
        sources=(Source(name="aws", format="focus", location="."),),
        alerting=Alerting(
            email=EmailSettings(
                smtp_server=LOOPBACK,
                smtp_port=mail_port,
                starttls=False,
                sender="finops@example.com",
                recipients={"critical_alerts": ("oncall@example.com",), "operators": ("data@example.com",)},
            ),
            webhooks=(WebhookSettings(name="itsm", url=SecretStr(http_url), secret=SecretStr("secret")),),
        ),
    )


@pytest.fixture
def marts(database: str) -> str:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(_MARTS)
        for number, day in enumerate((_DAY, _DAY + timedelta(days=1))):
            connection.execute("insert into finops.anomaly_days values ('new', %s, 100, %s)", (day, 400 + 100 * number))
        drivers = Jsonb([{"level": "account", "value": "000123456789", "change": "700.5"}])
        connection.execute(_ANOMALY, ("new", *_EC2, _DAY, _DAY + timedelta(days=1), "critical", drivers))
        connection.execute(_ANOMALY, ("long ago", *_EC2, date(2026, 2, 1), date(2026, 2, 3), "critical", drivers))
    return database


def test_an_incident_arrives_with_its_cause_and_its_picture_once(marts: str) -> None:
    with http_receiver() as hook, mail_receiver() as mail:
        config = _config(hook.url, mail.port)
        told = tell_from_marts(marts, config)
        assert (told.new, told.outcomes, told.problems) == (1, {"sent": 2}, [])
        assert tell_from_marts(marts, config).new == 0
        with psycopg.connect(marts, autocommit=True) as connection:
            connection.execute("update finops.anomalies set severity = 'high' where anomaly_id = 'new'")
        assert tell_from_marts(marts, config).new == 0
    (request,), (envelope,) = hook.requests, mail.mails
    (alert,) = request.json["alerts"]
    assert alert["title"] == "Service Amazon EC2: 700.50 USD more than expected"
    assert alert["facts"]["account 000123456789"] == "+700.50 USD"
    assert envelope.rcpt_tos == ["oncall@example.com"]
    mail_ = message_from_bytes(bytes_of(envelope), policy=policy.default)
    assert [part.get_content_type() for part in mail_.walk() if part.get_content_maintype() == "image"] == ["image/png"]
    with psycopg.connect(marts) as connection:
        ((figure,),) = connection.execute("select figure from alerts.alerts").fetchall()
    assert figure["actual"][-3:] == ["101", "400", "500"]
    assert figure["expected"][-3:] == [None, "100", "100"]
    assert figure["marked"] == ["2026-10-20", "2026-10-21"]
    assert figure["dates"][0] == "2026-09-22"


def test_a_first_run_over_years_tells_of_no_budget_that_is_long_over(marts: str) -> None:
    with http_receiver() as hook, mail_receiver() as mail, psycopg.connect(marts, autocommit=True) as connection:
        connection.execute("delete from finops.anomalies")
        connection.execute(_BUDGETS)
        # A fee of October is dated to its end, beyond what is delivered.
        connection.execute("insert into finops.daily_costs values ('2026-10-31')")
        assert tell_from_marts(marts, _config(hook.url, mail.port)).new == 3
    titles = [alert["title"] for request in hook.requests for alert in request.json["alerts"]]
    assert titles == [
        "Team Search has reached 100 % of its budget of October 2026",
        "Team Search has reached 80 % of its budget of October 2026",
        "Team Search has reached 80 % of its budget of September 2026",
    ]


@pytest.mark.parametrize(
    "end",
    [
        "update finops.anomalies set state = 'closed' where anomaly_id = 'new'",
        "update finops.anomalies set feedback = 'expected' where anomaly_id = 'new'",
        "delete from finops.anomalies",
    ],
)
def test_an_incident_that_is_over_is_closed_where_it_was_opened_and_told_to_nobody_else(marts: str, end: str) -> None:
    with http_receiver(503) as duty, http_receiver() as hook, mail_receiver() as mail:
        config = _config(hook.url, mail.port)
        on_call = PagerDutySettings(routing_key=SecretStr("key"), url=duty.url)
        config = config.model_copy(update={"alerting": config.alerting.model_copy(update={"pagerduty": on_call})})
        assert tell_from_marts(marts, config, patience=0.0).outcomes == {"sent": 2, "later": 1}
        with psycopg.connect(marts, autocommit=True) as connection:
            connection.execute(end.encode())
            # It has not arrived yet: its end would come before it.
            assert tell_from_marts(marts, config, patience=0.0).new == 0
            connection.execute("update alerts.messages set next_at = now() where state = 'queued'")
        duty.answers[:] = [(202, {}, b"{}")]
        assert tell_from_marts(marts, config, patience=0.0).outcomes == {"sent": 1}
        told = tell_from_marts(marts, config, patience=0.0)
        assert (told.new, told.outcomes) == (1, {"sent": 1})
        assert tell_from_marts(marts, config, patience=0.0).new == 0
    key = "anomaly:new:critical"
    events = [(request.json["event_action"], request.json["dedup_key"]) for request in duty.requests]
    assert events == [("trigger", key), ("trigger", key), ("resolve", key)]
    assert (len(hook.requests), len(mail.mails)) == (1, 1)


def test_operators_are_told_once_of_a_delivery_that_was_refused(marts: str) -> None:
    refused = (
        "insert into raw.deliveries (source_name, billing_period, fingerprint, status, error, finished_at)"
        " values ('aws', %s, %s, %s, 'Alice', '2026-10-20T23:30:00Z')"
    )
    with psycopg.connect(marts, autocommit=True) as connection:
        ensure_warehouse(connection)
        connection.execute("delete from finops.anomalies")
        for month, fingerprint, status in (
            ("2026-08-01", "replaced", "rejected"),
            ("2026-08-01", "good", "loaded"),
            ("2026-09-01", "former", "loaded"),
            ("2026-09-01", "bad", "rejected"),
            ("2026-09-01", "bad", "rejected"),
        ):
            connection.execute(refused, (month, fingerprint, status))
        with http_receiver() as hook, mail_receiver() as mail:
            config = _config(hook.url, mail.port)
            assert tell_from_marts(marts, config).new == 1
            assert tell_from_marts(marts, config).new == 0
            # Also where a gate holds, behind which nothing is told.
            assert tell_of_run(marts, config, "refresh", "run", [], [("raw__aws", "ValueError")]).new == 1
    (alert,) = hook.requests[0].json["alerts"]
    assert (alert["title"], alert["kind"]) == ("Delivery refused: aws, September 2026", "gate")
    assert [envelope.rcpt_tos for envelope in mail.mails] == [["data@example.com"]] * 2
    assert b"Alice" not in hook.requests[0].body


def test_the_series_of_a_service_in_an_account_is_shown(marts: str) -> None:
    with http_receiver() as hook, mail_receiver() as mail, psycopg.connect(marts, autocommit=True) as connection:
        connection.execute("delete from finops.anomalies")
        here = ("account_service", "000123456789 / Amazon S3")
        connection.execute(_ANOMALY, ("new", *here, _DAY, _DAY + timedelta(days=1), "critical", Jsonb([])))
        assert tell_from_marts(marts, _config(hook.url, mail.port)).new == 1
        ((title, figure),) = connection.execute("select title, figure from alerts.alerts").fetchall()
    assert title == "Amazon S3 in account 000123456789: 700.50 USD more than expected"
    # The day after the incident is not whole yet.
    assert figure["actual"] == ["50"] * 19 + ["400", "500"]


def test_where_nobody_is_told_nothing_is_kept(marts: str) -> None:
    nobody = _config("http://127.0.0.1", 25).model_copy(update={"alerting": Alerting()})
    assert tell_from_marts(marts, nobody).new == 0
    with psycopg.connect(marts) as connection:
        assert connection.execute("select to_regclass('alerts.alerts')").fetchone() == (None,)


def test_operators_are_told_of_gates_and_failures_without_what_is_in_them(
    finops_home: Path,
) -> None:
    instance = dg.DagsterInstance.ephemeral()

    @dg.asset(check_specs=[dg.AssetCheckSpec("gate", asset="costs", blocking=True)])
    def costs() -> dg.MaterializeResult:  # type: ignore[type-arg]
        held = dg.AssetCheckResult(check_name="gate", passed=False, metadata={"rows": "of Alice"})
        return dg.MaterializeResult(check_results=[held])

    @dg.asset
    def bills() -> None:
        raise ValueError("password of Alice")

    result = dg.materialize([costs, bills], raise_on_error=False, instance=instance)
    gates, steps = failures_of(result.all_events)
    assert (gates, dict(steps)) == (["costs"], {"costs": "DagsterAssetCheckFailedError", "bills": "ValueError"})
    with http_receiver() as hook, mail_receiver() as mail:
        config = _config(hook.url, mail.port)
        context = dg.build_run_status_sensor_context(
            sensor_name="failed_runs",
            dagster_instance=instance,
            dagster_run=result.dagster_run,
            dagster_event=next(event for event in result.all_events if event.is_run_failure),
        ).for_run_failure()
        failure_sensor(config)(context, warehouse=Warehouse())
    titles = [alert["title"] for request in hook.requests for alert in request.json["alerts"]]
    job = result.dagster_run.job_name
    assert sorted(titles) == ["Gate failed: costs", f"Run of {job} failed: bills"]
    assert [envelope.rcpt_tos for envelope in mail.mails] == [["data@example.com"]]
    said = b"".join([*(request.body for request in hook.requests), *(bytes_of(envelope) for envelope in mail.mails)])
    assert b"Alice" not in said


def test_what_waits_is_sent_by_the_sensor_and_by_hand(finops_home: Path, marts: str) -> None:
    with http_receiver(503) as hook, mail_receiver() as mail:
        config = _config(hook.url, mail.port)
        assert tell_from_marts(marts, config, patience=0.0).outcomes == {"later": 1, "sent": 1}
        with psycopg.connect(marts, autocommit=True) as connection:
            connection.execute("update alerts.messages set next_at = now() where state = 'queued'")
        hook.answers[:] = [200]
        context = dg.build_sensor_context(resources={"warehouse": Warehouse()})
        skipped = outbox_sensor(config)(context)
    assert isinstance(skipped, dg.SkipReason)
    assert skipped.skip_message == "1 messages sent"


def test_commands_say_who_answers_what(finops_home: Path, tmp_path: Path) -> None:
    with http_receiver(403) as hook, mail_receiver() as mail:
        settings = tmp_path / "finops-config.yaml"
        settings.write_text(
            "organization: {name: Example, first_billing_period: 2026-01}\n"
            "sources: [{name: aws, format: focus, location: .}]\n"
            "alerting:\n"
            f"  email: {{smtp_server: 127.0.0.1, smtp_port: {mail.port}, starttls: false, sender: f@example.com,\n"
            "    recipients: {critical_alerts: [oncall@example.com]}}\n"
            f"  webhooks: [{{name: itsm, url: '{hook.url}', secret: '${{HOOK_SECRET}}'}}]\n"
        )
        run = CliRunner(env={"HOOK_SECRET": "s3cret"})

        def called(*arguments: str) -> tuple[int, str]:
            result = run.invoke(main, ["alerts", arguments[0], "--config", str(settings), *arguments[1:]])
            return result.exit_code, result.output

        status, said = called("test")
        assert status == 1
        assert "the webhook itsm answers HTTP 403" in said
        assert len(mail.mails) == 1
        assert called("test", "--receiver", "email.critical_alerts")[0] == 0
        assert called("test", "--receiver", "email.critical")[0] == 1
        assert called("list") == (0, "Nothing was told yet.\n")
        assert called("send", "--failed") == (0, "0 messages sent\n")
