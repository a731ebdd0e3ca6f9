-- One row per scope, virtual tag rule and currency: what the rule matched, and what it decided.
-- A view, as the mart on it: asked for when rules are looked at, and not worth making anew for each day that changed.
{%- set outcomes = {'decides': 'decided', 'shadowed': 'shadowed', 'tagged': 'tagged', 'no_value': 'no_value'} %}

with costs as (
    select * from {{ ref('int_tag_costs_daily') }}
),

subjects as (
    select * from {{ ref('int_tag_subjects') }}
),

-- A rule may set several keys; what it decides one of counts as decided.
rule_subjects as (
    select
        scope_id,
        subject_id,
        valid_from,
        valid_to,
        {%- for outcome, name in outcomes.items() %}
        max(case when outcome = '{{ outcome }}' then 1 else 0 end) = 1 as is_{{ name }},
        {%- endfor %}
        rule_position
    from {{ ref('int_virtual_tags') }}
    group by scope_id, subject_id, valid_from, valid_to, rule_position
),

-- Days are added up before resources are counted, which takes a sort for each count.
subject_costs as (
    select
        rule_subjects.scope_id,
        rule_subjects.subject_id,
        rule_subjects.rule_position,
        {%- for name in outcomes.values() %}
        rule_subjects.is_{{ name }},
        {%- endfor %}
        costs.billing_currency,
        count(*) as row_count,
        sum(costs.effective_cost) as effective_cost
    from rule_subjects
    inner join costs
        on
            rule_subjects.scope_id = costs.scope_id
            and rule_subjects.subject_id = costs.subject_id
            and rule_subjects.valid_from <= costs.charge_date
            and rule_subjects.valid_to > costs.charge_date
    group by 1, 2, 3, 4, 5, 6, 7, 8
)

select
    subject_costs.scope_id,
    subject_costs.rule_position,
    subject_costs.billing_currency,
    count(distinct subjects.resource_id) as matched_resource_count,
    {%- for name in outcomes.values() %}
    count(distinct case when subject_costs.is_{{ name }} then subjects.resource_id end) as {{ name }}_resource_count,
    cast(sum(case when subject_costs.is_{{ name }} then subject_costs.row_count else 0 end) as bigint) as {{ name }}_row_count,
    {%- endfor %}
    sum(subject_costs.effective_cost) as matched_cost,
    sum(case when subject_costs.is_decided then subject_costs.effective_cost else 0 end) as decided_cost
from subject_costs
inner join subjects on subject_costs.scope_id = subjects.scope_id and subject_costs.subject_id = subjects.subject_id
group by 1, 2, 3
