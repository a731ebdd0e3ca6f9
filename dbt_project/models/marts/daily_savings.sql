-- One row per source, delivered month, day, account, currency, service, team, charge category and known prices: costs as savings count them.
{{ config(
    materialized='incremental',
    incremental_strategy='replace_days',
    on_schema_change='append_new_columns',
    meta={'replace_by': 'delivery_days'},
    indexes=[{'columns': ['charge_date']}],
) }}
{%- set changes = changed_days(parents=['cost_records']) %}
{{ note_changes(changes) }}

with priced as (
    select
        *,
        case
            -- What was prepaid is used later, at a list and a contracted cost of its own: here they would count twice.
            when charge_category = 'Purchase' and effective_cost = 0 and (billed_cost <> 0 or commitment_discount_id is not null) then true
            -- Without the commitment nobody would have paid for what was not used: all of it is a loss.
            when commitment_discount_status = 'Unused' then true
            else false
        end as is_free_without_commitment
    from {{ ref('cost_records') }}
    where {{ in_changed_days(changes, 'delivery') }}
),

counted as (
    select
        source_name,
        billing_account_id,
        sub_account_id,
        service_name,
        charge_category,
        team,
        billing_currency,
        billed_cost,
        effective_cost,
        case when is_free_without_commitment then 0 else contracted_cost end as contracted_cost,
        case when is_free_without_commitment then 0 else list_cost end as list_cost,
        billing_period,
        delivery_period,
        charge_date
    from priced
)

select
    source_name,
    billing_account_id,
    sub_account_id,
    service_name,
    charge_category,
    team,
    case
        when list_cost is not null and contracted_cost is not null then 'list_and_contracted'
        when contracted_cost is not null then 'contracted'
        when list_cost is not null then 'list'
        else 'none'
    end as known_prices,
    billing_currency,
    sum(billed_cost) as billed_cost,
    sum(effective_cost) as effective_cost,
    sum(contracted_cost) as contracted_cost,
    sum(list_cost) as list_cost,
    billing_period,
    delivery_period,
    charge_date
from counted
group by 1, 2, 3, 4, 5, 6, 7, 8, 13, 14, 15
