-- One row per budget and calendar month (1 to 12): what its scope may cost then, in the years in which it holds.
select
    budgets.position as budget_number,
    case
        when {{ json_text('budgets.value', 'team') }} is not null then 'team'
        when {{ json_text('budgets.value', 'cost_center') }} is not null then 'cost_center'
        when {{ json_text('budgets.value', 'project') }} is not null then 'project'
        when {{ json_text('budgets.value', 'service_name') }} is not null then 'service'
        else 'provider'
    end as scope_type,
    coalesce(
        {{ json_text('budgets.value', 'team') }},
        {{ json_text('budgets.value', 'cost_center') }},
        {{ json_text('budgets.value', 'project') }},
        {{ json_text('budgets.value', 'service_name') }},
        {{ json_text('budgets.value', 'provider') }}
    ) as scope_name,
    {{ json_text('budgets.value', 'currency') }} as budget_currency,
    {{ json_text('budgets.value', 'owner') }} as owner,
    amounts.position as calendar_month,
    cast({{ json_value_text('amounts.value') }} as numeric) as budget_cost,
    budgets.value -> 'thresholds' as thresholds,
    {{ valid_from('budgets.value') }} as valid_from,
    {{ valid_to('budgets.value') }} as valid_to
from {{ ref('stg_config__sections') }} as sections
cross join lateral {{ json_items('sections.content') }} as budgets (value, position)
cross join lateral {{ json_items("budgets.value -> 'amounts'") }} as amounts (value, position)
where sections.section = 'budgets'
