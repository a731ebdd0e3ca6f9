"""What is asked of the warehouse for commitments. Charges are read before they are added up by day in cost_records, to keep their hours."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, LiteralString

import psycopg

from ml.savings.recommendation import Window

# The lines of each format that can be hourly: table, begin, end and quantity of a line.
HOURLY_FORMATS: dict[str, tuple[LiteralString, LiteralString, LiteralString, LiteralString]] = {
    "focus": ("staging.stg_focus__charges", "charge_period_start", "charge_period_end", "consumed_quantity"),
    "cur": (
        "staging.stg_cur__line_items",
        "line_item_usage_start_date",
        "line_item_usage_end_date",
        "line_item_usage_amount",
    ),
}

# A delivery is of the month of its charges, or of a later one.
_SCOPES: LiteralString = """
select scope_id, source_name, format from staging.stg_deliveries__scopes
where delivery_period >= date_trunc('month', cast(%(first)s as date))
"""

_CHARGES: LiteralString = f"""
with scopes as ({_SCOPES}),
kept as (
    select * from unnest(cast(%(resources)s as text[]), cast(%(shares)s as numeric[])) as kept (resource_id, share)
),
charges as materialized (
    select
        scopes.source_name,
        scopes.format,
        attributes.billing_account_id,
        attributes.billing_currency,
        attributes.service_provider_name,
        attributes.commitment_discount_id,
        attributes.commitment_discount_type,
        attributes.commitment_discount_category = 'Spend' as is_spend,
        attributes.commitment_discount_status,
        attributes.commitment_program_eligibility_details_id as details_id,
        coalesce(attributes.sku_id, attributes.sku_meter) as sku_id,
        coalesce(attributes.region_id, '') as region_id,
        attributes.sku_meter,
        daily.scope_id,
        daily.attributes_id,
        daily.charge_date,
        daily.contracted_cost,
        daily.effective_cost,
        daily.consumed_quantity,
        daily.charge_period_start,
        daily.charge_period_end,
        coalesce(kept.share, 1) as kept_share
    from intermediate.int_charges_daily as daily
    inner join scopes on daily.scope_id = scopes.scope_id
    inner join intermediate.int_charge_attributes as attributes
        on
            daily.scope_id = attributes.scope_id
            and daily.attributes_id = attributes.attributes_id
            and daily.is_unused_part = attributes.is_unused_part
    left join kept on attributes.resource_id = kept.resource_id
    where
        attributes.charge_category = 'Usage'
        and attributes.is_breakdown is not true
        and (
            (
                daily.charge_date between %(first)s and %(last)s
                and attributes.commitment_discount_status is distinct from 'Unused'
                and (attributes.commitment_discount_status = 'Used' or attributes.pricing_category = 'Standard')
                and daily.contracted_cost > 0
                and coalesce(attributes.sku_id, attributes.sku_meter) is not null
            )
            -- Reservations are settled by month: their unused part is of its first day.
            or (
                attributes.commitment_discount_status = 'Unused'
                and daily.charge_date between cast(%(first)s as date) - 31 and %(last)s
                and daily.charge_period_end > %(first)s
            )
        )
)
"""  # noqa: S608


def _use(format_: str) -> LiteralString:
    table, begin, end, quantity = HOURLY_FORMATS[format_]
    return f"""
{_CHARGES},
-- Of the products that no commitment covers and no reference rate names, nothing can be said.
products as materialized (
    select distinct source_name, sku_id, region_id from charges where commitment_discount_status = 'Used'
),
relevant as materialized (
    select * from charges
    where
        format = '{format_}'
        and (
            commitment_discount_status is not null
            or sku_id = any(%(rated)s)
            or (source_name, sku_id, region_id) in (select source_name, sku_id, region_id from products)
        )
),
hours as (
    select
        scope_id,
        attributes_id,
        charge_date,
        date_trunc('hour', {begin}, 'UTC') as starts_at,
        coalesce(
            sum({quantity}) / nullif(sum(sum({quantity})) over (partition by scope_id, attributes_id, charge_date), 0),
            1.0 / count(*) over (partition by scope_id, attributes_id, charge_date)
        ) as share
    from {table}
    where
        scope_id = any(%(hourly)s)
        and charge_date between %(first)s and %(last)s
        and {end} - {begin} <= interval '1 hour'
        and (scope_id, attributes_id) in (select scope_id, attributes_id from relevant)
    group by 1, 2, 3, 4
)
select
    relevant.source_name,
    relevant.billing_account_id,
    relevant.billing_currency,
    max(relevant.service_provider_name),
    relevant.commitment_discount_id,
    max(relevant.commitment_discount_type),
    bool_or(relevant.is_spend),
    relevant.commitment_discount_status,
    case when relevant.commitment_discount_status = 'Unused' then '' else relevant.sku_id end,
    case when relevant.commitment_discount_status = 'Unused' then '' else relevant.region_id end,
    max(relevant.sku_meter),
    case
        when relevant.commitment_discount_status = 'Unused' then relevant.charge_period_start
        else coalesce(hours.starts_at, cast(relevant.charge_date as timestamp) at time zone 'UTC')
    end as starts_at,
    case
        when relevant.commitment_discount_status = 'Unused' then relevant.charge_period_end
        when hours.starts_at is not null then hours.starts_at + interval '1 hour'
        else cast(relevant.charge_date + 1 as timestamp) at time zone 'UTC'
    end as ends_at,
    sum(relevant.contracted_cost * relevant.kept_share * coalesce(hours.share, 1)),
    sum(
        relevant.effective_cost * coalesce(hours.share, 1)
        * case when relevant.commitment_discount_status = 'Unused' then 1 else relevant.kept_share end
    ),
    sum(relevant.effective_cost * (1 - relevant.kept_share) * coalesce(hours.share, 1))
        filter (where relevant.commitment_discount_status = 'Used'),
    sum(relevant.consumed_quantity * relevant.kept_share * coalesce(hours.share, 1))
from relevant
left join hours
    on
        relevant.scope_id = hours.scope_id
        and relevant.attributes_id = hours.attributes_id
        and relevant.charge_date = hours.charge_date
        and relevant.commitment_discount_status is distinct from 'Unused'
group by 1, 2, 3, 5, 8, 9, 10, 12, 13
order by 1, 2, 3, 12, 5, 9, 10
"""  # noqa: S608


USE: dict[str, LiteralString] = {format_: _use(format_) for format_ in HOURLY_FORMATS}

ELIGIBLE: LiteralString = f"""
{_CHARGES}
select
    charges.source_name,
    charges.billing_account_id,
    charges.billing_currency,
    program.value ->> 'ProgramType' as program_type,
    charges.sku_id,
    charges.region_id,
    coalesce(
        sum(charges.contracted_cost * charges.kept_share) filter (where charges.commitment_discount_status is null), 0
    )
from charges
inner join staging.stg_deliveries__maps as maps on charges.details_id = maps.map_id
cross join lateral jsonb_array_elements(
    case when jsonb_typeof(maps.map -> 'CommitmentPrograms') = 'array' then maps.map -> 'CommitmentPrograms' else '[]' end
) as program (value)
where charges.commitment_discount_status is distinct from 'Unused' and program.value ->> 'ProgramType' is not null
group by 1, 2, 3, 4, 5, 6
order by 1, 2, 3, 4, 5, 6
"""  # noqa: S608

UNCOMMITTED: LiteralString = """
select
    attributes.resource_id,
    sum(daily.effective_cost) filter (where attributes.commitment_discount_status is null) / sum(daily.effective_cost)
from intermediate.int_charges_daily as daily
inner join intermediate.int_charge_attributes as attributes
    on
        daily.scope_id = attributes.scope_id
        and daily.attributes_id = attributes.attributes_id
        and daily.is_unused_part = attributes.is_unused_part
where
    attributes.resource_id = any(%(resources)s)
    and daily.charge_date between %(first)s and %(last)s
    and attributes.charge_category = 'Usage'
    and attributes.is_breakdown is not true
    and daily.effective_cost > 0
group by 1
having count(*) filter (where attributes.commitment_discount_status is null) > 0
"""

# Terms as AWS writes them: 1yr, 3yr.
TERMS: LiteralString = r"""
select
    x_source_name,
    contract_commitment_id,
    cast(contract_commitment_period_end at time zone 'UTC' as date),
    x_payment_option,
    case when x_purchase_term ~ '^\d{1,2}\s?yr' then cast(substring(x_purchase_term from '^\d+') as integer) * 12 end
from finops.focus_contract_commitments
"""


def hourly_sources(connection: psycopg.Connection[Any], window: Window) -> dict[str, list[int]]:
    """The scopes of each source whose lines of the last day of the window are of an hour, some at least."""
    scopes: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for scope, source, format_ in connection.execute(_SCOPES, {"first": window.first}).fetchall():
        scopes[source].append((scope, format_))
    found = {}
    for source, of_one in scopes.items():
        lines = HOURLY_FORMATS.get(of_one[0][1])
        if lines is None:
            continue
        table, begin, end, _ = lines
        query: LiteralString = f"""
            select exists (
                select 1 from {table}
                where scope_id = any(%s) and charge_date = %s and {end} - {begin} <= interval '1 hour'
            )
        """  # noqa: S608
        ids = [scope for scope, _ in of_one]
        row = connection.execute(query, [ids, window.last]).fetchone()
        if row and row[0]:
            found[source] = ids
    return found
