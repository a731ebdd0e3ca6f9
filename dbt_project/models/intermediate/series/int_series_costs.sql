-- One row per source, delivered month, day, account, provider, service, AI model, charge category, owner and currency: the cost that reports
-- count, by how it can be foreseen.
{{ config(
    materialized='incremental',
    incremental_strategy='replace_days',
    on_schema_change='sync_all_columns',
    meta={'replace_by': 'delivery_days'},
    indexes=[{'columns': ['charge_date']}, {'columns': ['billing_period']}],
) }}
{%- set changes = changed_days(parents=['cost_records'], sections=['reports']) %}
{{ note_changes(changes) }}
{%- set ai = ai_provider('records.service_provider_name', 'records.service_name') %}

with costs as (
    select
        records.source_name,
        records.billing_account_id,
        records.sub_account_id,
        coalesce(records.service_provider_name, records.invoice_issuer_name) as provider,
        records.service_name,
        case
            when {{ ai }} is not null
                then coalesce({{ ai_charge_model(ai, 'records.service_name', 'records.sku_id', 'records.sku_meter') }}, 'other')
        end as ai_model,
        records.charge_category,
        records.team,
        records.cost_center,
        records.project,
        records.cost_type,
        records.allocation_rule,
        records.billing_currency,
        case
            when records.charge_category in ('Credit', 'Adjustment') or records.charge_class = 'Correction' then 'irregular'
            when records.charge_category in ('Purchase', 'Tax') then 'scheduled'
            -- What is left of a commitment is the rest of a curve, whatever its frequency.
            when records.commitment_discount_status is null and records.charge_frequency in ('Recurring', 'One-Time') then 'scheduled'
            else 'curve'
        end as kind,
        coalesce(
            case reports.cost_basis
                {%- for basis in ['billed_cost', 'effective_cost', 'contracted_cost', 'list_cost'] %}
                when '{{ basis }}' then records.{{ basis }}
                {%- endfor %}
            end,
            0
        ) as cost,
        records.charge_period_end,
        records.billing_period,
        records.delivery_period,
        records.charge_date
    from {{ ref('cost_records') }} as records
    cross join {{ ref('stg_config__reports') }} as reports
    where {{ in_changed_days(changes, 'delivery') }}
)

select
    source_name,
    billing_account_id,
    sub_account_id,
    provider,
    service_name,
    ai_model,
    charge_category,
    team,
    cost_center,
    project,
    cost_type,
    allocation_rule,
    billing_currency,
    {%- for kind in ['curve', 'scheduled', 'irregular'] %}
    sum(case when kind = '{{ kind }}' then cost else 0 end) as {{ kind }}_cost,
    {%- endfor %}
    -- Until when usage is known: lines by the hour show a day that is not over yet.
    max(case when kind = 'curve' then coalesce(charge_period_end, {{ utc_time('(charge_date + 1)') }}) end) as used_until,
    billing_period,
    delivery_period,
    charge_date
from costs
group by
    source_name, billing_account_id, sub_account_id, provider, service_name, ai_model, charge_category, team, cost_center, project, cost_type,
    allocation_rule, billing_currency, billing_period, delivery_period, charge_date
