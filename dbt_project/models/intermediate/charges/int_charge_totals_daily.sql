-- One row per scope, day, billing month, account, invoice, currency and split-cost rows or not: what the lines add up to, before owners are known.
-- The control totals that every later layer must hold.
{{ config(
    materialized='incremental',
    incremental_strategy='replace_days',
    on_schema_change='sync_all_columns',
    indexes=[{'columns': ['scope_id', 'charge_date']}],
) }}
{%- set changes = changed_days(parents=['int_focus_charges_daily', 'int_cur_charges_daily']) %}
{{ note_changes(changes) }}

with daily as (
    select * from {{ ref('int_charges_daily') }}
    where {{ in_changed_days(changes) }}
),

attributes as (
    select
        scope_id,
        attributes_id,
        is_unused_part,
        is_breakdown,
        billing_period,
        billing_account_id,
        sub_account_id,
        invoice_issuer_name,
        invoice_id,
        billing_currency,
        -- Sums by one number are faster than by six texts.
        dense_rank() over (
            order by billing_period, billing_account_id, sub_account_id, invoice_issuer_name, invoice_id, billing_currency
        ) as account_number
    from {{ ref('int_charge_attributes') }}
    where {{ in_changed_scopes(changes) }}
),

accounts as (
    select distinct
        account_number,
        billing_period,
        billing_account_id,
        sub_account_id,
        invoice_issuer_name,
        invoice_id,
        billing_currency
    from attributes
),

totals as (
    select
        daily.scope_id,
        daily.charge_date,
        attributes.account_number,
        -- Kept apart rather than dropped: only with them do the sums equal those of the delivery.
        coalesce(attributes.is_breakdown, false) as is_breakdown,
        cast(sum(daily.line_count) as bigint) as line_count,
        sum(daily.billed_cost) as billed_cost,
        sum(daily.effective_cost) as effective_cost,
        sum(daily.contracted_cost) as contracted_cost,
        sum(daily.list_cost) as list_cost
    from daily
    left join attributes
        on
            daily.scope_id = attributes.scope_id
            and daily.attributes_id = attributes.attributes_id
            and daily.is_unused_part = attributes.is_unused_part
    group by 1, 2, 3, 4
)

select
    totals.scope_id,
    scopes.source_name,
    totals.charge_date,
    totals.is_breakdown,
    accounts.billing_period,
    accounts.billing_account_id,
    accounts.sub_account_id,
    accounts.invoice_issuer_name,
    accounts.invoice_id,
    accounts.billing_currency,
    totals.line_count,
    totals.billed_cost,
    totals.effective_cost,
    totals.contracted_cost,
    totals.list_cost
from totals
inner join {{ ref('stg_deliveries__scopes') }} as scopes on totals.scope_id = scopes.scope_id
left join accounts on totals.account_number = accounts.account_number
