"""What must hold for how much commitments cover, and how much of them is used."""

from __future__ import annotations

from orchestration.lib.gate_checks import CURRENCY, Suite, filled, no_rows, unique

# The charges that belong to a commitment, as the bill has them: amounts of a mart are those of it to the last digit.
_OF_COMMITMENTS = """
select
    source_name, billing_period, commitment_discount_id, billing_currency, sum(effective_cost) as billed_commitment_cost
from finops.cost_records
where
    charge_category = 'Usage' and commitment_discount_id is not null and commitment_discount_status in ('Used', 'Unused')
group by 1, 2, 3, 4
"""

COMMITMENT_UTILIZATION = Suite(
    for_closing=False,
    shown=("source_name", "billing_period", "commitment_discount_id", "billing_currency"),
    checks=(
        *filled("source_name", "billing_period", "commitment_discount_id", "billing_currency"),
        *filled("used_cost", "unused_cost"),
        CURRENCY,
        no_rows(
            "the share that is used is that of the costs, between 0 and 1, and empty where a commitment cost nothing",
            """
            select source_name, billing_period, commitment_discount_id, used_cost, unused_cost, utilization_share from {batch}
            where
                utilization_share is distinct from used_cost / nullif(used_cost + unused_cost, 0)
                or not coalesce(utilization_share between 0 and 1, true)
            """,
        ),
        no_rows(
            "what is used and unused is what the bill has for the commitment, to the last digit",
            f"""
            select source_name, billing_period, commitment_discount_id, used_cost, unused_cost, billed_commitment_cost
            from (
                select source_name, billing_period, commitment_discount_id, billing_currency,
                    sum(used_cost) as used_cost, sum(unused_cost) as unused_cost
                from {{batch}} as batch group by 1, 2, 3, 4
            ) as told
            full join ({_OF_COMMITMENTS}) as billed
                using (source_name, billing_period, commitment_discount_id, billing_currency)
            where used_cost + unused_cost is distinct from coalesce(billed_commitment_cost, 0)
            """,  # noqa: S608
        ),
    ),
)

COMMITMENT_COVERAGE = Suite(
    for_closing=False,
    shown=("source_name", "billing_period", "billing_account_id", "service_name", "billing_currency"),
    checks=(
        *filled("source_name", "billing_period", "billing_currency", "covered_cost", "uncovered_cost"),
        *filled("stated_covered_cost", "stated_uncovered_cost"),
        CURRENCY,
        unique(
            "source_name",
            "billing_period",
            "billing_account_id",
            "service_provider_name",
            "service_name",
            "billing_currency",
        ),
        no_rows(
            "shares that are covered are those of the costs, between 0 and 1, and empty where there is nothing to divide",
            """
            select
                source_name, billing_period, service_name, covered_cost, uncovered_cost, coverage_share, stated_covered_cost,
                stated_uncovered_cost, stated_coverage_share
            from {batch}
            where
                coverage_share is distinct from covered_cost / nullif(covered_cost + uncovered_cost, 0)
                or stated_coverage_share
                is distinct from stated_covered_cost / nullif(stated_covered_cost + stated_uncovered_cost, 0)
                or not coalesce(coverage_share between 0 and 1, true)
                or not coalesce(stated_coverage_share between 0 and 1, true)
            """,
        ),
        no_rows(
            "what is covered is what commitments paid of the usage, and what is stated is what the provider says is eligible",
            """
            with billed as (
                select
                    source_name, billing_period, billing_currency,
                    coalesce(sum(effective_cost) filter (where commitment_discount_id is not null), 0) as billed_covered,
                    coalesce(sum(effective_cost) filter (where commitment_program_eligibility_details_id is not null), 0)
                    as billed_stated
                from finops.cost_records
                where
                    charge_category = 'Usage' and coalesce(commitment_discount_status, 'Used') = 'Used'
                    and coalesce(pricing_category, 'Standard') <> 'Other'
                group by 1, 2, 3
            ),
            told as (
                select
                    source_name, billing_period, billing_currency, sum(covered_cost) as covered,
                    sum(stated_covered_cost + stated_uncovered_cost) as stated
                from {batch} as batch group by 1, 2, 3
            )
            select source_name, billing_period, billing_currency, covered, billed_covered, stated, billed_stated
            from told full join billed using (source_name, billing_period, billing_currency)
            where
                coalesce(covered, 0) is distinct from coalesce(billed_covered, 0)
                or coalesce(stated, 0) is distinct from coalesce(billed_stated, 0)
            """,
        ),
    ),
)

COMMITMENT_PROGRAM_COSTS = Suite(
    for_closing=False,
    shown=("source_name", "billing_period", "service_name", "program_type", "billing_currency"),
    checks=(
        *filled("source_name", "billing_period", "program_type", "billing_currency"),
        *filled("covered_cost", "uncovered_cost", "uncovered_billed_cost"),
        CURRENCY,
        unique(
            "source_name", "billing_period", "service_provider_name", "service_name", "billing_currency", "program_type"
        ),
        no_rows(
            "no program has more usage of a service than the bill says is eligible",
            """
            select batch.source_name, batch.billing_period, batch.service_name, batch.program_type, covered_cost, uncovered_cost, eligible
            from {batch} as batch
            left join (
                select
                    source_name, billing_period, service_provider_name, service_name, billing_currency,
                    sum(effective_cost) filter (where effective_cost > 0) as eligible
                from finops.cost_records
                where
                    charge_category = 'Usage' and coalesce(commitment_discount_status, 'Used') = 'Used'
                    and commitment_program_eligibility_details_id is not null
                group by 1, 2, 3, 4, 5
            ) as billed
                on
                    batch.source_name = billed.source_name
                    and batch.billing_period = billed.billing_period
                    and batch.service_provider_name is not distinct from billed.service_provider_name
                    and batch.service_name is not distinct from billed.service_name
                    and batch.billing_currency = billed.billing_currency
            where covered_cost + uncovered_cost > coalesce(eligible, 0)
            """,
        ),
    ),
)

COMMITMENT_SUITES = {
    "commitment_coverage": COMMITMENT_COVERAGE,
    "commitment_utilization": COMMITMENT_UTILIZATION,
    "commitment_program_costs": COMMITMENT_PROGRAM_COSTS,
}
