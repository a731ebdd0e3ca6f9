"""What must hold for costs, the chargeback, its budgets and the invoices."""

from __future__ import annotations

from orchestration.lib.gate_checks import (
    CHARGE_CATEGORIES,
    COST_BASES,
    COST_TYPES,
    CURRENCY,
    HAS_ROWS,
    PERIOD_IS_A_MONTH,
    TEAM,
    Check,
    Suite,
    filled,
    no_rows,
    one_of,
    same_totals,
    unique,
)

COST_RECORDS = Suite(
    period="delivery_period",
    shown=("cost_record_id", "source_name", "billing_period"),
    checks=(
        HAS_ROWS,
        unique("cost_record_id"),
        *filled(
            "cost_record_id", "source_name", "billing_period", "charge_date", "billing_currency", "charge_category"
        ),
        *filled("team", "owner_source", "cost_type", "billed_cost", "effective_cost"),
        TEAM,
        CURRENCY,
        PERIOD_IS_A_MONTH,
        one_of("charge_category", CHARGE_CATEGORIES),
        one_of("cost_type", COST_TYPES),
        Check(
            "owner_source is own_tag, allocated_tag, virtual_tag: with a rule, account or unallocated",
            "ExpectColumnValuesToMatchRegex",
            {"column": "owner_source", "regex": "^(own_tag|allocated_tag|virtual_tag:.+|account|unallocated)$"},
        ),
        no_rows(
            "shared charges alone name an allocation rule, and charges of no team alone are unallocated",
            """
            select cost_record_id, cost_type, allocation_rule, team from {batch}
            where {delivered} and (
                (cost_type = 'shared') <> (allocation_rule is not null)
                or (cost_type <> 'shared' and (cost_type = 'unallocated') <> (team = 'unallocated'))
            )
            """,
        ),
        # Corrections and bills in arrears are of earlier days, advance payments of the next month. What is farther away
        # was read wrongly: day and month swapped, two digits of a year lost.
        no_rows(
            "charge_date is at most a month after and five years before its billing period",
            """
            select cost_record_id, charge_date, billing_period from {batch}
            where {delivered} and (
                charge_date >= billing_period + interval '2 months' or charge_date < billing_period - interval '5 years'
            )
            """,
        ),
        same_totals(
            "daily_costs, from which reports are made, has the same totals",
            "source_name, delivery_period, billing_period, billing_currency",
            {basis: basis for basis in COST_BASES},
        ),
    ),
)

_MONTH = "source_name, billing_period, billing_currency"
_ADJUSTED_MONTH = "source_name, billing_currency, coalesce(adjusts_billing_period, billing_period)"
_CHARGED, _REPORTED = (
    ", ".join(f"coalesce(sum({basis}), 0) as {prefix}{basis}" for basis in COST_BASES) for prefix in ("", "reported_")
)
_POOL = f"{_MONTH}, billing_account_id, sub_account_id, charge_category, allocation_rule"

CHARGEBACK_REPORTS = Suite(
    shown=("chargeback_id", "source_name", "billing_period", "team"),
    checks=(
        HAS_ROWS,
        unique("chargeback_id"),
        *filled("chargeback_id", "source_name", "billing_period", "billing_currency", "charge_category"),
        *filled("team", "cost_type", "billed_cost", "effective_cost"),
        TEAM,
        CURRENCY,
        PERIOD_IS_A_MONTH,
        one_of("charge_category", CHARGE_CATEGORIES),
        one_of("cost_type", [*COST_TYPES, "adjustment"]),
        Check(
            "allocation_share is between 0 and 1",
            "ExpectColumnValuesToBeBetween",
            {"column": "allocation_share", "min_value": 0, "max_value": 1},
        ),
        no_rows(
            "what comes from a pool names its rule and share, and nothing else does",
            """
            select chargeback_id, cost_type, allocation_rule, allocation_share from {batch}
            where cost_type <> 'adjustment' and (
                (allocation_rule is null) <> (allocation_share is null)
                or (cost_type = 'shared' and allocation_rule is null)
                or (cost_type = 'direct' and allocation_rule is not null)
            )
            """,
        ),
        no_rows(
            "the shares of a pool add up to 1",
            f"""
            select {_POOL}, sum(allocation_share) as shares from {{batch}}
            where allocation_rule is not null and cost_type <> 'adjustment'
            group by {_POOL}
            having sum(allocation_share) <> 1
            """,  # noqa: S608
        ),
        no_rows(
            "adjustments alone name a closed month, and it is before their own",
            """
            select chargeback_id, cost_type, billing_period, adjusts_billing_period from {batch}
            where (cost_type = 'adjustment') <> (adjusts_billing_period is not null)
                or adjusts_billing_period >= billing_period
            """,
        ),
        # A cost that is no longer known is adjusted to 0, so that unknown and 0 are the same here.
        no_rows(
            "each source, month and currency is charged back to the last digit",
            f"""
            select source_name, billing_currency, month, {", ".join(f"{b}, reported_{b}" for b in COST_BASES)}
            from (select {_ADJUSTED_MONTH} as month, {_CHARGED} from {{batch}} as batch group by 1, 2, 3) as charged
            full join (
                select source_name, billing_currency, billing_period as month, {_REPORTED}
                from finops.daily_costs group by 1, 2, 3
            ) as reported using (source_name, billing_currency, month)
            where {" or ".join(f"coalesce({b}, 0) <> coalesce(reported_{b}, 0)" for b in COST_BASES)}
            """,  # noqa: S608
        ),
    ),
)

# That a provider's invoice differs from its delivery is a finding for the report, no fault of the numbers: it may pass.
INVOICE_RECONCILIATION = Suite(
    shown=("source_name", "billing_period", "invoice_issuer_name", "invoice_id", "billing_currency"),
    checks=(
        HAS_ROWS,
        unique(
            "source_name",
            "billing_period",
            "billing_account_id",
            "invoice_issuer_name",
            "invoice_id",
            "billing_currency",
        ),
        *filled("source_name", "billing_period", "billing_currency", "delivered_cost", "reported_cost", "status"),
        CURRENCY,
        PERIOD_IS_A_MONTH,
        one_of("status", ["reconciled", "difference", "no_invoice"]),
        no_rows(
            "what is reported equals what was delivered",
            """
            select source_name, billing_period, invoice_id, billing_currency, delivered_cost, reported_cost from {batch}
            where delivered_cost is distinct from reported_cost
            """,
        ),
        no_rows(
            "status no_invoice stands where no invoice was entered, and only there",
            """
            select source_name, billing_period, invoice_id, status, invoiced_cost from {batch}
            where (status = 'no_invoice') <> (invoiced_cost is null)
            """,
        ),
        same_totals(
            "each source, month and currency is listed in full",
            _MONTH,
            {"delivered_cost": "billed_cost"},
        ),
    ),
)

CHARGEBACK_BUDGETS = Suite(
    shown=("billing_period", "scope_type", "scope_name", "budget_currency"),
    checks=(
        *filled("billing_period", "scope_type", "scope_name", "owner", "budget_currency"),
        *filled("budget_cost", "charged_cost", "variance_cost"),
        one_of("scope_type", ["team", "cost_center", "project", "service", "provider"]),
        PERIOD_IS_A_MONTH,
        unique("billing_period", "scope_type", "scope_name", "budget_currency"),
        no_rows(
            "variance_cost is what was charged above the budget",
            """
            select billing_period, scope_type, scope_name, budget_cost, charged_cost, variance_cost from {batch}
            where variance_cost is distinct from charged_cost - budget_cost
            """,
        ),
    ),
)
