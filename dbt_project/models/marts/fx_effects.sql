-- One row per billing month, billing currency and owner: what the rates of its days cost more than the month's reference rate would have.
{%- set bases = ['billed_cost', 'effective_cost', 'contracted_cost', 'list_cost'] %}
with compared as (
    select
        {%- for basis in bases %}
        {{ converted(basis, 'reference_rate', 'billing_currency', 'reporting_currency') }} as reference_{{ basis }},
        {%- endfor %}
        *
    from {{ ref('reporting_costs') }}
)

select
    team,
    cost_center,
    project,
    billing_currency,
    reporting_currency,
    reference_rate,
    {%- for basis in bases %}
    sum({{ basis }}) as {{ basis }},
    sum(reporting_{{ basis }}) as reporting_{{ basis }},
    sum(reference_{{ basis }}) as reference_{{ basis }},
    sum(reporting_{{ basis }}) - sum(reference_{{ basis }}) as fx_{{ basis }},
    {%- endfor %}
    billing_period
from compared
group by team, cost_center, project, billing_currency, reporting_currency, reference_rate, billing_period
