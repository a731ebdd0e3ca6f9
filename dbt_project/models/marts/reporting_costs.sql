-- One row per source, delivered month, day, service, charge category, owner, cost type and billing currency: costs in the reporting currency.
-- They are converted at the rate of the day and rounded to ten decimals here and nowhere else: what is reported elsewhere is a sum of these.
{{ config(
    materialized='incremental',
    incremental_strategy='replace_days',
    on_schema_change='append_new_columns',
    meta={'replace_by': 'delivery_days'},
    indexes=[{'columns': ['charge_date']}],
) }}
{%- set changes = changed_days(parents=['daily_costs'], sections=['currencies']) %}
{{ note_changes(changes) }}
{%- set bases = ['billed_cost', 'effective_cost', 'contracted_cost', 'list_cost'] %}
with costs as (
    select
        source_name,
        service_name,
        charge_category,
        team,
        cost_center,
        project,
        cost_type,
        billing_currency,
        {%- for basis in bases %}
        sum({{ basis }}) as {{ basis }},
        {%- endfor %}
        billing_period,
        delivery_period,
        charge_date
    from {{ ref('daily_costs') }}
    where {{ in_changed_days(changes, 'delivery') }}
    group by
        source_name, service_name, charge_category, team, cost_center, project, cost_type, billing_currency, billing_period,
        delivery_period, charge_date
)

select
    costs.source_name,
    costs.service_name,
    costs.charge_category,
    costs.team,
    costs.cost_center,
    costs.project,
    costs.cost_type,
    costs.billing_currency,
    currencies.reporting_currency,
    rates.exchange_rate,
    months.reference_rate,
    {%- for basis in bases %}
    costs.{{ basis }},
    {%- endfor %}
    {%- for basis in bases %}
    {{ converted('costs.' ~ basis, 'rates.exchange_rate', 'costs.billing_currency', 'currencies.reporting_currency') }} as reporting_{{ basis }},
    {%- endfor %}
    costs.billing_period,
    costs.delivery_period,
    costs.charge_date
from costs
cross join {{ ref('stg_config__currencies') }} as currencies
-- Left joins: a charge without a rate breaks the contract rather than vanish from the sum.
left join {{ ref('int_exchange_rates') }} as rates
    on costs.billing_currency = rates.billing_currency and costs.charge_date = rates.charge_date
left join {{ ref('int_reference_rates') }} as months
    on costs.billing_currency = months.billing_currency and costs.billing_period = months.billing_period
