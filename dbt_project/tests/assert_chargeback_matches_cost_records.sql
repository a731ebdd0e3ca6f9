-- What teams pay for a month, in its own statement and in later adjustments, adds up to its reported costs by source, account, currency, charge
-- category and cost basis: closing a month loses and adds nothing. Groups that are gone, and costs that are no longer known, are adjusted to 0.
{%- set keys = ['source_name', 'billing_account_id', 'sub_account_id', 'billing_currency', 'charge_category'] %}
{%- set costs = ['billed_cost', 'effective_cost', 'contracted_cost', 'list_cost'] %}
{%- set reported %}
    select {{ keys | join(', ') }}, billing_period, {% for cost in costs %}coalesce({{ cost }}, 0) as {{ cost }}{{ ', ' if not loop.last }}{% endfor %}
    from {{ ref('daily_costs') }}
{%- endset %}
{%- set charged %}
    select
        {{ keys | join(', ') }},
        coalesce(adjusts_billing_period, billing_period) as billing_period,
        {% for cost in costs %}coalesce({{ cost }}, 0) as {{ cost }}{{ ', ' if not loop.last }}{% endfor %}
    from {{ ref('chargeback_reports') }}
{%- endset %}
{#- Each side has the groups of the other, with 0. -#}
{%- set groups = 'select ' ~ keys | join(', ') ~ ', billing_period, 0, 0, 0, 0 from ' %}
{{ same_totals(
    '(' ~ reported ~ ' union all ' ~ groups ~ '(' ~ charged ~ ') as charged)',
    '(' ~ charged ~ ' union all ' ~ groups ~ '(' ~ reported ~ ') as reported)',
    keys + ['billing_period'],
    costs,
) }}
