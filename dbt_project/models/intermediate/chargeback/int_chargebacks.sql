-- One row per source, billing month, accounts, currency, charge category, paying owner, cost type and allocation rule: what the deliveries and
-- rules say now, whether or not the month is closed.
{{ config(
    materialized='incremental',
    incremental_strategy='replace_months',
    on_schema_change='sync_all_columns',
    meta={'plan': 'bulk'},
    indexes=[{'columns': ['billing_period']}],
) }}
{%- set changes = changed_months(digests='int_billing_months', parent='cost_allocations', sections=['chargeback']) %}
{{ note_changes(changes) }}

with own_costs as (
    select
        source_name,
        billing_account_id,
        sub_account_id,
        charge_category,
        team,
        cost_center,
        project,
        cost_type,
        cast(null as text) as allocation_rule,
        cast(null as text) as allocation_method,
        billing_currency,
        cast(null as numeric) as allocation_share,
        sum(billed_cost) as billed_cost,
        sum(effective_cost) as effective_cost,
        sum(contracted_cost) as contracted_cost,
        sum(list_cost) as list_cost,
        billing_period
    from {{ ref('daily_costs') }}
    where cost_type in ('direct', 'unallocated') and {{ in_changed_months(changes) }}
    group by
        source_name, billing_account_id, sub_account_id, charge_category, team, cost_center, project, cost_type, billing_currency,
        billing_period
),

allocated_costs as (
    select
        source_name,
        billing_account_id,
        sub_account_id,
        charge_category,
        team,
        cost_center,
        project,
        -- A pool that nobody has a direct cost to share by stays visible under the name of its rule.
        case when team = 'unallocated' then 'unallocated' else 'shared' end as cost_type,
        allocation_rule,
        allocation_method,
        billing_currency,
        allocation_share,
        billed_cost,
        effective_cost,
        contracted_cost,
        list_cost,
        billing_period
    from {{ ref('cost_allocations') }}
    where {{ in_changed_months(changes) }}
),

charges as (
    select * from own_costs
    union all
    select * from allocated_costs
)

select
    {{ uuid_of([
        'charges.source_name', 'charges.billing_period', 'charges.billing_account_id', 'charges.sub_account_id', 'charges.billing_currency',
        'charges.charge_category', 'charges.team', 'charges.cost_center', 'charges.project', 'charges.cost_type', 'charges.allocation_rule',
    ]) }} as chargeback_id,
    charges.source_name,
    charges.billing_account_id,
    charges.sub_account_id,
    charges.charge_category,
    charges.team,
    charges.cost_center,
    charges.project,
    charges.cost_type,
    charges.allocation_rule,
    charges.allocation_method,
    charges.billing_currency,
    charges.allocation_share,
    {%- for basis in ['billed', 'effective', 'contracted', 'list'] %}
    charges.{{ basis }}_cost,
    -- Multiplied and not divided: the product is exact, and rounded once.
    round(charges.{{ basis }}_cost * coalesce(markups.percent, 0) * 0.01, 10) as {{ basis }}_markup,
    {%- endfor %}
    charges.billing_period
from charges
left join {{ ref('stg_config__markups') }} as markups
    on
        charges.team = markups.team
        and charges.billing_period >= markups.valid_from
        and charges.billing_period < markups.valid_to
