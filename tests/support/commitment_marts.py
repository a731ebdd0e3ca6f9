"""How far commitments cover and are used, made from the small cost_records of `make_marts`, and what breaks each rule of their gates."""

from __future__ import annotations

import psycopg

_MADE = """
alter table finops.cost_records
    add commitment_discount_id text, add commitment_discount_status text, add pricing_category text,
    add service_provider_name text, add commitment_program_eligibility_details_id bigint;
update finops.cost_records set commitment_discount_id = 'sp-1', commitment_discount_status = 'Used' where team = 'Search';
update finops.cost_records set commitment_program_eligibility_details_id = 1
where team = 'Checkout' and billing_currency = 'USD';
update finops.cost_records set commitment_discount_id = 'sp-2', commitment_discount_status = 'Unused'
where team = 'Checkout' and billing_currency = 'EUR';

create table finops.commitment_utilization as
select
    source_name, billing_account_id, commitment_discount_id, billing_currency,
    coalesce(sum(effective_cost) filter (where commitment_discount_status = 'Used'), 0) as used_cost,
    coalesce(sum(effective_cost) filter (where commitment_discount_status = 'Unused'), 0) as unused_cost,
    case when bool_and(commitment_discount_status = 'Used') then 1 else 0 end::numeric as utilization_share, billing_period
from finops.cost_records where commitment_discount_id is not null
group by source_name, billing_account_id, commitment_discount_id, billing_currency, billing_period;

create table finops.commitment_coverage as
select
    *, covered_cost / (covered_cost + uncovered_cost) as coverage_share,
    stated_covered_cost / nullif(stated_covered_cost + stated_uncovered_cost, 0) as stated_coverage_share
from (
    select
        source_name, billing_account_id, service_provider_name, service_name, billing_currency, billing_period,
        coalesce(sum(effective_cost) filter (where commitment_discount_id is not null), 0) as covered_cost,
        coalesce(sum(effective_cost) filter (where commitment_discount_id is null), 0) as uncovered_cost,
        0::numeric as stated_covered_cost,
        coalesce(sum(effective_cost) filter (where commitment_discount_id is null), 0) as stated_uncovered_cost
    from finops.cost_records
    where commitment_discount_status = 'Used' or commitment_program_eligibility_details_id is not null
    group by 1, 2, 3, 4, 5, 6
) as summed;

create table finops.commitment_program_costs as
select
    source_name, service_provider_name, service_name, 'Savings Plan' as program_type, billing_currency,
    0::numeric as covered_cost, sum(effective_cost) as uncovered_cost, sum(billed_cost) as uncovered_billed_cost, billing_period
from finops.cost_records where commitment_program_eligibility_details_id is not null
group by 1, 2, 3, 4, 5, billing_period;
"""
MARTS = ("commitment_coverage", "commitment_utilization", "commitment_program_costs")


def make_commitment_marts(connection: psycopg.Connection[object]) -> None:
    """Search is covered by one plan, another is not used, and of Checkout the provider says that it is eligible."""
    connection.execute(_MADE)


_CURRENCY = "billing_currency is a code of three letters"
_USED = "what is used and unused is what the bill has for the commitment, to the last digit"
_USED_SHARE = "the share that is used is that of the costs, between 0 and 1, and empty where a commitment cost nothing"
_COVERED = (
    "what is covered is what commitments paid of the usage, and what is stated is what the provider says is eligible"
)
_COVERED_SHARE = (
    "shares that are covered are those of the costs, between 0 and 1, and empty where there is nothing to divide"
)
_PROGRAM = "no program has more usage of a service than the bill says is eligible"
_UTILIZATION = "update finops.commitment_utilization set {} where commitment_discount_id = 'sp-2'"
_COVERAGE = "update finops.commitment_coverage set {}"
_PROGRAMS = "update finops.commitment_program_costs set {}"

BROKEN = [
    *((mart, f"update finops.{mart} set billing_currency = 'x'", _CURRENCY, "x") for mart in MARTS),
    ("commitment_utilization", _UTILIZATION.format("utilization_share = 0.5"), _USED_SHARE, "0.5"),
    (
        "commitment_utilization",
        _UTILIZATION.format("used_cost = -1, utilization_share = -1 / (unused_cost - 1)"),
        _USED_SHARE,
        "-1",
    ),
    ("commitment_utilization", _UTILIZATION.format("unused_cost = 7.0000000001"), _USED, "7.0000000001"),
    ("commitment_utilization", "delete from finops.commitment_utilization", _USED, "sp-1"),
    ("commitment_coverage", _COVERAGE.format("coverage_share = 1.5"), _COVERED_SHARE, "1.5"),
    ("commitment_coverage", _COVERAGE.format("stated_coverage_share = 0.25"), _COVERED_SHARE, "0.25"),
    ("commitment_coverage", _COVERAGE.format("covered_cost = covered_cost + 0.0000000001"), _COVERED, "60.1000000001"),
    ("commitment_coverage", "delete from finops.commitment_coverage", _COVERED, "60.1"),
    ("commitment_program_costs", _PROGRAMS.format("covered_cost = 0.0000000001"), _PROGRAM, "1E-10"),
    *(
        (
            mart,
            f"insert into finops.{mart} select * from finops.{mart}",
            f"source_name, billing_period, {keys} together are unique",
            "Compute",
        )
        for mart, keys in (
            ("commitment_coverage", "billing_account_id, service_provider_name, service_name, billing_currency"),
            ("commitment_program_costs", "service_provider_name, service_name, billing_currency, program_type"),
        )
    ),
]
"""Mart, what breaks a rule of it, the rule, and what the sample shows."""

EMPTY = {
    "commitment_coverage": [
        *("source_name", "billing_period", "billing_currency", "covered_cost", "uncovered_cost"),
        *("stated_covered_cost", "stated_uncovered_cost"),
    ],
    "commitment_utilization": [
        *("source_name", "billing_period", "commitment_discount_id", "billing_currency", "used_cost", "unused_cost"),
    ],
    "commitment_program_costs": [
        *("source_name", "billing_period", "program_type", "billing_currency"),
        *("covered_cost", "uncovered_cost", "uncovered_billed_cost"),
    ],
}
