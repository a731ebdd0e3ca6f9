"""Small public marts, made by hand from a list of charges, for tests of what reads them."""

from __future__ import annotations

import hashlib
import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from ml.savings.recommendation import Recommendation, Window
from orchestration.lib.recommendation_sources import dated
from orchestration.lib.recommendations import ensure_recommendations, store_recommendations

BASES = ("billed_cost", "effective_cost", "contracted_cost", "list_cost")
UNIT = Decimal("0.0000000001")

_TABLES = """
create schema if not exists finops;
create table finops.cost_records (
    cost_record_id text, source_name text, billing_account_id text, sub_account_id text, sub_account_name text,
    invoice_id text, invoice_issuer_name text, service_category text, service_name text, charge_category text,
    team text, cost_center text, project text, owner_source text, cost_type text, allocation_rule text,
    billing_currency text, line_count bigint,
    billed_cost numeric, effective_cost numeric, contracted_cost numeric, list_cost numeric,
    billing_period date, delivery_period date, charge_date date
);
create table finops.chargeback_reports (
    chargeback_id text, source_name text, billing_account_id text, sub_account_id text, charge_category text,
    team text, cost_center text, project text, cost_type text, allocation_rule text, allocation_method text,
    billing_currency text, allocation_share numeric,
    billed_cost numeric, effective_cost numeric, contracted_cost numeric, list_cost numeric,
    billed_markup numeric, effective_markup numeric, contracted_markup numeric, list_markup numeric,
    billing_period date, adjusts_billing_period date, adjusts_close_id bigint
);
create table finops.closed_periods (
    close_id bigint, billing_period date, closed_at timestamptz, closed_by text, row_count bigint, content_hash text
);
create table finops.chargeback_budgets (
    scope_type text, scope_name text, owner text, cost_basis text, budget_currency text, counted_currencies text,
    left_out_currencies text, budget_cost numeric, charged_cost numeric, variance_cost numeric, used_share numeric,
    billing_period date
);
create table finops.savings_calibration (
    kind text, currency text, changes bigint, changes_in_band bigint, predicted_monthly_saving numeric,
    realised_monthly_saving numeric, realised_share numeric
);
create table finops.teams (team text, cost_center text, owner text);
create table finops.ai_usage (
    ai_usage_id text, source_name text, provider text, operation text, model text, delivered_model text, team text,
    project text, owner_source text, price_status text, is_repeated boolean, record_count bigint, request_count numeric,
    token_count numeric, computed_cost numeric, charge_date date
);
create table finops.ai_cost_reconciliation (
    provider text, project_id text, billing_currency text, status text, computed_cost numeric, charged_cost numeric,
    difference_cost numeric, missing_price_cost numeric, priority_tier_cost numeric, web_search_cost numeric,
    code_execution_cost numeric, tool_call_cost numeric, rounding_cost numeric, discount_cost numeric,
    usage_not_charged_cost numeric, cost_without_usage_cost numeric, unexplained_cost numeric, billing_period date,
    charge_date date
);
create table finops.forecast_periods (
    dimension text, dimension_value text, billing_currency text, period_kind text, run_id text, actual_cost numeric,
    forecast_cost numeric, total_cost numeric, lower_80 numeric, upper_80 numeric, period_start date, period_end date,
    trained_to date
);
create table finops.forecast_scores (
    dimension text, dimension_value text, billing_currency text, model text, wape numeric, is_chosen boolean
);
create table finops.forecasts (
    dimension text, dimension_value text, billing_currency text, mean numeric, lower_80 numeric, upper_80 numeric,
    forecast_date date, trained_to date
);
create table finops.budget_tracking (
    scope_type text, scope_name text, owner text, budget_currency text, period_kind text, period_start date, period_end date,
    budget_cost numeric, actual_cost numeric, expected_cost numeric, overrun_probability numeric, used_share numeric,
    is_ended boolean, runs_out_on date
);
create table finops.anomalies (
    anomaly_id text, dimension text, dimension_value text, billing_currency text, severity text, state text, feedback text,
    team text, drivers jsonb, run_id text, impact_cost numeric, started_on date, ended_on date, last_seen_on date
);
create table finops.anomaly_days (
    anomaly_id text, expected_cost numeric, actual_cost numeric, impact_cost numeric, charge_date date
);
"""

_DERIVED = """
create table finops.daily_costs as
select
    source_name, billing_account_id, sub_account_id, invoice_issuer_name, invoice_id, service_category, service_name,
    charge_category, team, cost_center, project, cost_type, allocation_rule, billing_currency,
    sum(line_count) as line_count, sum(billed_cost) as billed_cost, sum(effective_cost) as effective_cost,
    sum(contracted_cost) as contracted_cost, sum(list_cost) as list_cost, billing_period, delivery_period, charge_date
from finops.cost_records
group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, billing_period, delivery_period, charge_date;

create table finops.invoice_reconciliation as
select
    source_name, billing_account_id, invoice_issuer_name, invoice_id, billing_currency,
    sum(billed_cost) as delivered_cost, sum(billed_cost) as reported_cost, null::numeric as invoiced_cost,
    null::numeric as difference_cost, 'no_invoice' as status, billing_period
from finops.cost_records
group by 1, 2, 3, 4, 5, billing_period;
"""


_RECOMMENDATIONS = """
create table finops.recommendations as
select *, counted_saving is not null as is_counted, 'open' as state, null::text as state_reason from ml.recommendations
"""


@dataclass(frozen=True)
class Charge:
    """One row of cost_records. Costs other than `effective` follow it unless given."""

    team: str
    effective: Decimal | str
    charge_date: date
    billed: Decimal | str | None = None
    service_name: str = "Compute"
    source_name: str = "aws"
    sub_account_id: str | None = "000000000001"
    sub_account_name: str | None = "shop"
    currency: str = "USD"
    charge_category: str = "Usage"
    cost_type: str = "direct"
    allocation_rule: str | None = None
    invoice_id: str | None = "INV-1"
    invoice_issuer_name: str = "Amazon Web Services"


def make_marts(connection: psycopg.Connection[Any], charges: Iterable[Charge]) -> None:
    """Make every public mart from charges. Pools are shared by direct effective cost, to the last digit."""
    connection.execute(_TABLES)
    ensure_recommendations(connection)
    connection.execute(_RECOMMENDATIONS)
    records = [_record(number, charge) for number, charge in enumerate(charges)]
    _insert(connection, "cost_records", records)
    connection.execute(_DERIVED)
    _insert(connection, "chargeback_reports", [*_own_costs(records), *_allocated_costs(records)])
    teams = sorted({record["team"] for record in records} - {"unallocated"})
    _insert(connection, "teams", [{"team": team, "cost_center": f"CC-{team}", "owner": None} for team in teams])


def set_budgets(
    connection: psycopg.Connection[Any],
    budgets: Iterable[tuple[str, str, str, str, str]],
    period: date = date(2026, 10, 1),
    *,
    counted: str | None = None,
    left_out: str | None = None,
) -> None:
    """Budgets of a month: (scope type, scope name, currency, budget, charged)."""
    for scope_type, scope_name, currency, budget, charged in budgets:
        row = {
            "scope_type": scope_type,
            "scope_name": scope_name,
            "owner": "lead@halden.example",
            "cost_basis": "effective_cost",
            "budget_currency": currency,
            "counted_currencies": counted or currency,
            "left_out_currencies": left_out,
            "budget_cost": Decimal(budget),
            "charged_cost": Decimal(charged),
            "variance_cost": Decimal(charged) - Decimal(budget),
            "billing_period": period,
        }
        _insert(connection, "chargeback_budgets", [row])


def set_recommendations(connection: psycopg.Connection[Any], found: Sequence[Recommendation], window: Window) -> None:
    """Recommendations in place of those that are there."""
    store_recommendations(connection, dated(found, window))
    connection.execute("drop table finops.recommendations")
    connection.execute(_RECOMMENDATIONS)


def set_section(connection: psycopg.Connection[Any], section: str, content: Any) -> None:
    """Make a content the current one of a section of the configuration."""
    connection.execute(
        """
        create schema if not exists config;
        create table if not exists config.sections (
            section text, content_hash text, content jsonb, loaded_at timestamptz, superseded_at timestamptz
        )
        """
    )
    connection.execute("delete from config.sections where section = %s", (section,))
    connection.execute("insert into config.sections values (%s, 'x', %s, now(), null)", (section, Jsonb(content)))


def _record(number: int, charge: Charge) -> dict[str, Any]:
    values = asdict(charge)
    effective = Decimal(values.pop("effective"))
    billed = values.pop("billed")
    month = charge.charge_date.replace(day=1)
    return {
        **{name: values[name] for name in values if name != "currency"},
        "cost_record_id": str(uuid.UUID(hashlib.md5(str(number).encode(), usedforsecurity=False).hexdigest())),
        "billing_currency": charge.currency,
        "billing_account_id": "999999999999",
        "service_category": "Compute",
        "cost_center": None if charge.team == "unallocated" else f"CC-{charge.team}",
        "project": None,
        "owner_source": "unallocated" if charge.team == "unallocated" else "own_tag",
        "line_count": 1,
        "billed_cost": effective if billed is None else Decimal(billed),
        **dict.fromkeys(BASES[1:], effective),
        "billing_period": month,
        "delivery_period": month,
    }


_GRAIN = (
    "source_name",
    "billing_account_id",
    "sub_account_id",
    "charge_category",
    "billing_currency",
    "billing_period",
)
_OWNER = ("team", "cost_center", "project")


def _own_costs(records: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    own = [record for record in records if record["cost_type"] != "shared"]
    return [
        {**dict(zip((*_GRAIN, *_OWNER, "cost_type"), key, strict=True)), **sums, "chargeback_id": f"own-{number}"}
        for number, (key, sums) in enumerate(_sums(own, (*_GRAIN, *_OWNER, "cost_type")).items())
    ]


def _allocated_costs(records: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    pools = _sums([record for record in records if record["cost_type"] == "shared"], (*_GRAIN, "allocation_rule"))
    direct = _sums(
        [record for record in records if record["cost_type"] == "direct"],
        ("billing_period", "billing_currency", *_OWNER),
    )
    rows: list[dict[str, Any]] = []
    for key, amounts in pools.items():
        pool = dict(zip((*_GRAIN, "allocation_rule"), key, strict=True))
        place = (pool["billing_period"], pool["billing_currency"])
        drivers = {owner[2:]: sums["effective_cost"] for owner, sums in direct.items() if owner[:2] == place}
        left = {"allocation_share": Decimal(1), **amounts}
        for number, (owner, driver) in enumerate(drivers.items(), start=1):
            whole = {"allocation_share": Decimal(1), **amounts}
            part = {
                name: left[name]
                if number == len(drivers)
                else (whole[name] * driver / sum(drivers.values())).quantize(UNIT)
                for name in whole
            }
            left = {name: left[name] - part[name] for name in left}
            named = {
                **dict(zip(_OWNER, owner, strict=True)),
                "cost_type": "shared",
                "allocation_method": "proportional",
            }
            rows.append({**pool, **named, **part, "chargeback_id": f"shared-{len(rows)}"})
    return rows


def _sums(records: Iterable[dict[str, Any]], keys: Sequence[str]) -> dict[tuple[Any, ...], dict[str, Decimal]]:
    sums: dict[tuple[Any, ...], dict[str, Decimal]] = defaultdict(lambda: dict.fromkeys(BASES, Decimal(0)))
    for record in records:
        total = sums[tuple(record[key] for key in keys)]
        for basis in BASES:
            total[basis] += record[basis]
    return sums


def _insert(connection: psycopg.Connection[Any], table: str, rows: Sequence[dict[str, Any]]) -> None:
    for row in rows:
        statement = sql.SQL("insert into {} ({}) values ({})").format(
            sql.Identifier("finops", table),
            sql.SQL(", ").join(map(sql.Identifier, row)),
            sql.SQL(", ").join(map(sql.Placeholder, row)),
        )
        connection.execute(statement, row)


_AI_REASONS = (
    "missing_price", "priority_tier", "web_search", "code_execution", "tool_call", "rounding", "discount",
    "usage_not_charged", "cost_without_usage", "unexplained",
)  # fmt: skip


def set_ai_usage(connection: psycopg.Connection[Any], rows: Iterable[tuple[str, str, str | None]], day: date) -> None:
    """Usage of OpenAI on a day: (team, model, computed cost, None without a price), each of 1500 tokens in three requests.

    What was charged is a dollar more, for code execution.
    """
    computed = Decimal(0)
    for number, (team, model, cost) in enumerate(rows):
        computed += Decimal(cost or 0)
        row = {
            "ai_usage_id": f"usage-{number}",
            "source_name": "openai",
            "provider": "openai",
            "operation": "completions",
            "model": model,
            "team": team,
            "project": None,
            "owner_source": "account",
            "price_status": "no price" if cost is None else "priced",
            "is_repeated": False,
            "record_count": 1,
            "request_count": 3,
            "token_count": 1500,
            "computed_cost": None if cost is None else Decimal(cost),
            "charge_date": day,
        }
        _insert(connection, "ai_usage", [row])
    reasons = {f"{reason}_cost": Decimal(reason == "code_execution") for reason in _AI_REASONS}
    compared = {
        "provider": "openai",
        "project_id": "proj_1",
        "billing_currency": "USD",
        "status": "explained",
        "computed_cost": computed,
        "charged_cost": computed + 1,
        "difference_cost": Decimal(1),
        **reasons,
        "billing_period": day.replace(day=1),
        "charge_date": day,
    }
    _insert(connection, "ai_cost_reconciliation", [compared])
