"""What a chargeback report asks the marts. Every amount is a Decimal, every question one month and its history."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any, LiteralString

import psycopg
from psycopg import sql
from psycopg.pq import TransactionStatus
from psycopg.rows import dict_row

from reports.formatting import month_before

COST_BASES = ("effective_cost", "billed_cost", "contracted_cost", "list_cost")
Row = dict[str, Any]


@dataclass(frozen=True)
class Question:
    """What is asked for: a billing month, the month before, the first month of the history, and the cost basis."""

    period: date
    previous: date
    first: date
    basis: str

    @classmethod
    def of(cls, period: date, basis: str, months: int) -> Question:
        """The question about a month with a history of so many months, itself included."""
        if basis not in COST_BASES:
            raise ValueError(f"{basis!r} is no cost basis: {', '.join(COST_BASES)}")
        return cls(period, month_before(period, 1), month_before(period, months - 1), basis)

    @property
    def markup(self) -> str:
        """The column of the mark-up on the cost basis."""
        return self.basis.replace("_cost", "_markup")


@contextmanager
def one_view(connection: psycopg.Connection[Any]) -> Iterator[None]:
    """Let every query inside see the same state of the marts, unless the caller has a transaction open already."""
    begun = connection.info.transaction_status is TransactionStatus.IDLE
    with connection.transaction():
        if begun:
            connection.execute("set transaction isolation level repeatable read, read only")
        yield


def ask(connection: psycopg.Connection[Any], query: LiteralString, question: Question) -> list[Row]:
    """The rows of a query in which {basis} stands for the cost basis and %(period)s and the like for the months."""
    statement = sql.SQL(query).format(basis=sql.Identifier(question.basis), markup=sql.Identifier(question.markup))
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(statement, vars(question)).fetchall()


def settings(connection: psycopg.Connection[Any]) -> Mapping[str, Any]:
    """The current content of each section of the configuration."""
    rows = connection.execute("select section, content from config.sections where superseded_at is null")
    return dict(rows.fetchall())


# One row per currency, month and team of the history.
TEAM_HISTORY = """
select
    coalesce(billing_currency, '') as billing_currency,
    billing_period,
    team,
    coalesce(sum({basis}), 0) as cost,
    coalesce(sum({basis}) filter (where cost_type = 'shared'), 0) as shared,
    coalesce(sum({basis}) filter (where cost_type = 'adjustment'), 0) as adjusted,
    coalesce(sum({markup}), 0) as markup,
    coalesce(sum(billed_cost) filter (where cost_type <> 'adjustment'), 0) as billed_cost,
    count(*) filter (where {basis} is null) as unknown_rows,
    array_agg(distinct cost_center) filter (where cost_center is not null) as cost_centers
from finops.chargeback_reports
where billing_period between %(first)s and %(period)s
group by 1, 2, 3
"""

# One row per currency, owner and service of this month and the one before, as it was before pools are shared.
SERVICES = """
select
    coalesce(billing_currency, '') as billing_currency,
    team,
    cost_type,
    coalesce(service_name, '') as service_name,
    coalesce(max(service_category), '') as service_category,
    coalesce(sum({basis}) filter (where billing_period = %(period)s), 0) as cost,
    coalesce(sum({basis}) filter (where billing_period = %(previous)s), 0) as previous,
    coalesce(sum(billed_cost) filter (where billing_period = %(period)s), 0) as billed_cost
from finops.daily_costs
where billing_period in (%(period)s, %(previous)s)
group by 1, 2, 3, 4
"""

# One row per currency, account and service whose charges have no team.
UNALLOCATED = """
select
    coalesce(billing_currency, '') as billing_currency,
    source_name,
    coalesce(sub_account_id, billing_account_id, '') as account_id,
    coalesce(service_name, '') as service_name,
    coalesce(sum({basis}), 0) as cost
from finops.daily_costs
where billing_period = %(period)s and cost_type = 'unallocated'
group by 1, 2, 3, 4
"""

# One row per account whose charges have no team. cost_records is large: only one day of each account is read.
ACCOUNT_NAMES = """
with last_days as (
    select source_name, delivery_period, max(charge_date) as charge_date
    from finops.daily_costs
    where billing_period = %(period)s and cost_type = 'unallocated'
    group by source_name, delivery_period, sub_account_id, billing_account_id
)

select coalesce(sub_account_id, billing_account_id, '') as account_id, max(sub_account_name) as account_name
from finops.cost_records
inner join (select distinct * from last_days) as days using (source_name, delivery_period, charge_date)
where cost_type = 'unallocated'
group by 1
"""

# One row per currency and allocation rule: what its pools held, and between how many teams it was shared.
POOLS = """
select
    coalesce(billing_currency, '') as billing_currency,
    allocation_rule,
    coalesce(sum({basis}), 0) as cost,
    coalesce(sum({basis}) filter (where cost_type = 'unallocated'), 0) as left_over,
    count(distinct team) filter (where cost_type = 'shared') as teams
from finops.chargeback_reports
where billing_period = %(period)s and allocation_rule is not null and cost_type <> 'adjustment'
group by 1, 2
"""

# One row per currency, closed month and team: what has changed since it was signed, and is charged in this month.
ADJUSTMENTS = """
select
    coalesce(c.billing_currency, '') as billing_currency,
    c.adjusts_billing_period as period,
    c.team,
    p.content_hash as close_hash,
    coalesce(sum(c.{basis}), 0) as cost,
    coalesce(sum(c.{markup}), 0) as markup
from finops.chargeback_reports as c
left join finops.closed_periods as p on c.adjusts_close_id = p.close_id
where c.billing_period = %(period)s and c.cost_type = 'adjustment'
group by 1, 2, 3, 4
"""

# The close of the month, if it is closed.
CLOSED = """
select closed_at, closed_by, content_hash from finops.closed_periods where billing_period = %(period)s
"""

# One row per currency and source: the bill as delivered, as reported, and as charged back in this month's statement or later.
SOURCES = """
with delivered as (
    select coalesce(billing_currency, '') as billing_currency, source_name, sum(delivered_cost) as delivered
    from finops.invoice_reconciliation
    where billing_period = %(period)s
    group by 1, 2
),

reported as (
    select
        coalesce(billing_currency, '') as billing_currency,
        source_name,
        sum(billed_cost) as reported,
        coalesce(sum({basis}), 0) as basis_reported,
        sum(line_count) as lines,
        coalesce(sum(billed_cost) filter (where delivery_period <> billing_period), 0) as from_other_months
    from finops.daily_costs
    where billing_period = %(period)s
    group by 1, 2
),

charged as (
    select
        coalesce(billing_currency, '') as billing_currency,
        source_name,
        sum(billed_cost) as charged,
        coalesce(sum(billed_cost) filter (where adjusts_billing_period is not null), 0) as charged_later,
        coalesce(sum({basis}), 0) as basis_charged
    from finops.chargeback_reports
    where coalesce(adjusts_billing_period, billing_period) = %(period)s
    group by 1, 2
)

select *
from delivered
full join reported using (billing_currency, source_name)
full join charged using (billing_currency, source_name)
"""

# One row per currency and invoice. The difference is of the whole invoice, over all months and sources that it covers.
INVOICES = """
select
    coalesce(billing_currency, '') as billing_currency,
    coalesce(invoice_issuer_name, '') as issuer,
    coalesce(invoice_id, '') as invoice_id,
    sum(delivered_cost) as delivered,
    max(invoiced_cost) as invoiced,
    max(difference_cost) as difference
from finops.invoice_reconciliation
where billing_period = %(period)s
group by 1, 2, 3
"""

# The statement at the finest grain that is charged back.
STATEMENT = """
select
    billing_period, billing_currency, team, cost_center, project, cost_type, allocation_rule, allocation_method,
    allocation_share, source_name, billing_account_id, sub_account_id, charge_category,
    billed_cost, effective_cost, contracted_cost, list_cost,
    billed_markup, effective_markup, contracted_markup, list_markup, adjusts_billing_period, adjusts_close_id
from finops.chargeback_reports
where billing_period = %(period)s
"""
