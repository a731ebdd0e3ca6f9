-- One row per source, billing month, accounts, currency, charge category, paying owner, cost type, allocation rule and closed month that
-- it adjusts: who pays what, and why. An open month shows what deliveries and rules say now. A closed month shows what was signed,
-- and what has changed in it since is an adjustment in the first open month.
{%- set month = 'coalesce(adjusts_billing_period, billing_period)' %}
{{ config(
    materialized='incremental',
    incremental_strategy='replace_months',
    on_schema_change='append_new_columns',
    meta={'plan': 'bulk', 'month': 'coalesce(adjusts_billing_period, billing_period)'},
    indexes=[{'columns': ['billing_period']}, {'columns': ['coalesce(adjusts_billing_period, billing_period)']}],
) }}
{%- set changes = changed_months(digests='int_chargeback_months') %}
{{ note_changes(changes) }}
{%- set keys = [
    'source_name', 'billing_account_id', 'sub_account_id', 'charge_category', 'team', 'cost_center', 'project', 'allocation_rule',
    'billing_currency',
] %}
{%- set measures = [
    'billed_cost', 'effective_cost', 'contracted_cost', 'list_cost', 'billed_markup', 'effective_markup', 'contracted_markup', 'list_markup',
] %}

with computed as (
    select * from {{ ref('int_chargebacks') }}
    where {{ in_changed_months(changes) }}
),

closes as (
    select * from {{ ref('stg_audit__closes') }}
),

signed as (
    select * from {{ ref('stg_audit__chargebacks') }}
    where {{ in_changed_months(changes, month) }}
),

-- Months close in their order, so that everything up to the last of them is settled: also a month that had no charges then.
last_close as (
    select max(billing_period) as billing_period from closes
),

open_rows as (
    select computed.*
    from computed
    cross join last_close
    where last_close.billing_period is null or computed.billing_period > last_close.billing_period
),

-- What settled months cost now, and what was signed for them: in their own close, and as adjustments in later ones.
differences as (
    select
        {{ keys | join(', ') }},
        {{ measures | join(', ') }},
        computed.billing_period
    from computed
    inner join last_close on computed.billing_period <= last_close.billing_period

    union all

    select
        {{ keys | join(', ') }},
        {%- for measure in measures %}
        -{{ measure }} as {{ measure }},
        {%- endfor %}
        coalesce(adjusts_billing_period, billing_period) as billing_period
    from signed
),

changes as (
    select
        {{ keys | join(', ') }},
        {%- for measure in measures %}
        sum({{ measure }}) as {{ measure }},
        {%- endfor %}
        billing_period as adjusts_billing_period
    from differences
    group by {{ keys | join(', ') }}, billing_period
),

adjustments as (
    select
        changes.*,
        closes.close_id as adjusts_close_id,
        cast(last_close.billing_period + interval '1 month' as date) as billing_period
    from changes
    cross join last_close
    left join closes on changes.adjusts_billing_period = closes.billing_period
    where
        false
        {%- for measure in measures %}
        or changes.{{ measure }} <> 0
        {%- endfor %}
)

select
    chargeback_id,
    {{ keys | join(', ') }},
    cost_type,
    allocation_method,
    allocation_share,
    {{ measures | join(', ') }},
    billing_period,
    cast(null as date) as adjusts_billing_period,
    cast(null as bigint) as adjusts_close_id
from open_rows

union all

select
    chargeback_id,
    {{ keys | join(', ') }},
    cost_type,
    allocation_method,
    allocation_share,
    {{ measures | join(', ') }},
    billing_period,
    adjusts_billing_period,
    adjusts_close_id
from signed

union all

select
    {{ uuid_of(keys + ['billing_period', "'adjustment'", 'adjusts_billing_period']) }} as chargeback_id,
    {{ keys | join(', ') }},
    'adjustment' as cost_type,
    cast(null as text) as allocation_method,
    cast(null as numeric) as allocation_share,
    {{ measures | join(', ') }},
    billing_period,
    adjusts_billing_period,
    adjusts_close_id
from adjustments
