"""The marts that explain or leave, made from the small ones of `make_marts`, and the statements that break each of their rules."""

from __future__ import annotations

from typing import Any, get_args

import psycopg

from orchestration.lib.config_models import AllocationMethod

_MADE = """
create table finops.cost_allocations as
select * from finops.chargeback_reports where allocation_rule is not null;

create table finops.allocation_lineage as
select
    md5(source_name || billing_period || allocation_rule || team) as allocation_lineage_id,
    md5(source_name || billing_period || allocation_rule) as origin_id,
    allocation_rule as allocation_path, allocation_share as origin_share, parts.*
from finops.cost_allocations as parts;

create table finops.focus_cost_and_usage as
select
    case when parts.team is not null then jsonb_build_object(
        'Elements', jsonb_build_array(jsonb_build_object('AllocatedRatio', parts.allocation_share))
    ) end as allocated_method_details,
    coalesce(parts.billed_cost, records.billed_cost) as billed_cost,
    coalesce(parts.effective_cost, records.effective_cost) as effective_cost,
    coalesce(parts.contracted_cost, records.contracted_cost) as contracted_cost,
    coalesce(parts.list_cost, records.list_cost) as list_cost,
    records.billing_account_id, records.sub_account_id, records.billing_currency, records.charge_category,
    null::text as charge_class, records.billing_period as billing_period_start,
    (records.billing_period + interval '1 month')::date as billing_period_end, records.charge_date + 1 as charge_period_end,
    records.source_name as x_source_name, records.cost_record_id as x_cost_record_id,
    coalesce(parts.team, records.team) as x_team, records.cost_type as x_cost_type,
    records.allocation_rule as x_allocation_rule, records.billing_period as x_billing_period
from finops.cost_records as records
left join finops.cost_allocations as parts
    on records.allocation_rule = parts.allocation_rule
    and records.source_name = parts.source_name
    and records.billing_period = parts.billing_period;

create table finops.tag_compliance as
select
    source_name, sub_account_id, service_name, team, 'team' as tag_key, billing_currency, 2::bigint as resource_count,
    1::bigint as compliant_resource_count, 0::bigint as excepted_resource_count, 1::bigint as missing_resource_count,
    0::bigint as invalid_resource_count, effective_cost as in_scope_cost, effective_cost as compliant_cost,
    0::numeric as excepted_cost, 0::numeric as missing_cost, 0::numeric as invalid_cost,
    1::numeric / 2 as compliant_resource_share, 1::numeric as compliant_cost_share, delivery_period, charge_date
from finops.daily_costs where cost_type <> 'shared';

create table finops.tag_proposals (
    proposal_id text, source_name text, sub_account_id text, resource_id text, tag_key text, tag_value text,
    virtual_tag_rule text, confidence numeric, effective_cost numeric
);
insert into finops.tag_proposals values ('p-1', 'aws', null, 'arn:aws:sns:::a', 'team', 'Search', 'names', 1, 5);
"""


def make_leaving_marts(connection: psycopg.Connection[Any]) -> None:
    """Make them from cost_records, daily_costs and chargeback_reports as they are."""
    connection.execute(_MADE)


_LINEAGE = "update finops.allocation_lineage set {} where team = 'Search'"
_CONSERVED = "each pool is divided to the last digit, as in daily_costs and in cost_allocations"
_COMPLIANCE = "update finops.tag_compliance set {} where billing_currency = 'EUR'"
_IN_SCOPE = "costs and resources in scope are compliant, missing or invalid to the last digit, and exceptions comply"
_SHARES = "shares that comply are those of resources and costs, and empty where there is nothing to divide"
_PROPOSAL = "update finops.tag_proposals set {}"
_FOCUS = "update finops.focus_cost_and_usage set {} where x_team = 'Checkout' and billing_currency = 'USD'"
_SAME_COSTS = "each source, month, account and currency has the costs of cost_records to the last digit"

BROKEN = [
    ("allocation_lineage", _LINEAGE.format("team = ' '"), "team is not blank", "tax"),
    (
        "allocation_lineage",
        _LINEAGE.format("billing_currency = '?'"),
        "billing_currency is a code of three letters",
        "?",
    ),
    (
        "allocation_lineage",
        _LINEAGE.format("charge_category = 'x'"),
        "charge_category is one of Usage, Purchase, Tax, Credit, Adjustment",
        "x",
    ),
    (
        "allocation_lineage",
        _LINEAGE.format("allocation_method = 'guess'"),
        f"allocation_method is one of {', '.join(get_args(AllocationMethod))}",
        "guess",
    ),
    ("allocation_lineage", _LINEAGE.format("origin_share = -1"), "origin_share is between 0 and 1", "-1"),
    (
        "allocation_lineage",
        _LINEAGE.format("origin_share = origin_share + 0.0000000001"),
        "the shares of an origin add up to 1",
        "1.0000000001",
    ),
    ("allocation_lineage", _LINEAGE.format("billed_cost = billed_cost - 0.0000000001"), _CONSERVED, "10.0099999999"),
    ("allocation_lineage", "delete from finops.allocation_lineage", _CONSERVED, "10.01"),
    (
        "allocation_lineage",
        "update finops.cost_allocations set list_cost = list_cost + 0.0000000001 where team = 'Search'",
        _CONSERVED,
        "10.0100000001",
    ),
    ("tag_compliance", _COMPLIANCE.format("team = ''"), "team is not blank", "azure"),
    (
        "tag_compliance",
        _COMPLIANCE.format("billing_currency = 'eur'"),
        "billing_currency is a code of three letters",
        "eur",
    ),
    ("tag_compliance", _COMPLIANCE.format("missing_cost = 0.0000000001"), _IN_SCOPE, "1E-10"),
    ("tag_compliance", _COMPLIANCE.format("excepted_resource_count = 2"), _IN_SCOPE, "azure"),
    ("tag_compliance", _COMPLIANCE.format("compliant_cost_share = 0.9"), _SHARES, "0.9"),
    ("tag_proposals", _PROPOSAL.format("tag_value = ' '"), "tag_value is not blank", "p-1"),
    ("tag_proposals", _PROPOSAL.format("confidence = 1.5"), "confidence is between 0 and 1", "1.5"),
    (
        "tag_proposals",
        "insert into finops.tag_proposals select * from finops.tag_proposals",
        "source_name, sub_account_id, resource_id, tag_key together are unique",
        "sns",
    ),
    ("focus_cost_and_usage", "delete from finops.focus_cost_and_usage", "it has rows", ""),
    (
        "focus_cost_and_usage",
        _FOCUS.format("billing_currency = '1'"),
        "billing_currency is a code of three letters",
        "1",
    ),
    (
        "focus_cost_and_usage",
        _FOCUS.format("charge_category = 'x'"),
        "charge_category is one of Usage, Purchase, Tax, Credit, Adjustment",
        "x",
    ),
    (
        "focus_cost_and_usage",
        _FOCUS.format("x_cost_type = 'x'"),
        "x_cost_type is one of direct, shared, unallocated",
        "x",
    ),
    ("focus_cost_and_usage", _FOCUS.format("charge_class = 'x'"), "charge_class is Correction or empty", "x"),
    (
        "focus_cost_and_usage",
        "delete from finops.focus_cost_and_usage where x_allocation_rule is not null and x_team = 'Checkout'",
        "the ratios of the parts of a charge add up to 1",
        "0.6003996004",
    ),
    ("focus_cost_and_usage", _FOCUS.format("list_cost = list_cost + 0.0000000001"), _SAME_COSTS, "115.1100000002"),
]
"""Mart, what breaks a rule of it, the rule, and what the sample shows."""

EMPTY = {
    "allocation_lineage": [
        *("allocation_lineage_id", "origin_id", "source_name", "billing_period", "billing_currency"),
        *("allocation_rule", "allocation_path", "team", "origin_share", "billed_cost", "effective_cost"),
    ],
    "tag_compliance": [
        *("source_name", "charge_date", "delivery_period", "billing_currency", "team", "tag_key"),
        *("in_scope_cost", "compliant_cost", "missing_cost", "invalid_cost", "resource_count"),
    ],
    "tag_proposals": ["proposal_id", "source_name", "resource_id", "tag_key", "tag_value", "virtual_tag_rule"],
    "focus_cost_and_usage": [
        *("x_cost_record_id", "x_source_name", "x_team", "x_cost_type", "charge_category", "billing_currency"),
        *("billing_period_start", "billing_period_end", "charge_period_end", "billed_cost", "effective_cost"),
    ],
}
"""Mart -> its columns that are never empty."""
