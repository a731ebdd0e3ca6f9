-- One row per version of a rule of cost allocation, in the order in which rules take charges. A list that is null matches everything.
with rules as (
    select
        rules.value as rule,
        rules.position,
        coalesce(cast({{ json_text('rules.value', 'step') }} as integer), 1) as step
    from {{ ref('stg_config__sections') }} as sections
    cross join lateral {{ json_items("sections.content -> 'rules'") }} as rules (value, position)
    where sections.section = 'cost_allocation'
)

select
    row_number() over (order by step, position) as position,
    -- Rules that divide in the same way share their drivers.
    dense_rank() over (order by cast(rule - 'name' - 'match' - 'valid_from' - 'valid_to' as text)) as driver_set,
    step,
    {{ json_text('rule', 'name') }} as allocation_rule,
    {{ json_text('rule', 'method') }} as allocation_method,
    {{ json_text('rule', 'measure') }} as measure,
    {{ json_text('rule', 'consumed_unit') }} as consumed_unit,
    {{ json_text('rule', 'driver') }} as driver,
    -- Usage of AI models is matched with charges day by day.
    case when {{ json_text('rule', 'method') }} = 'ai_usage' then 'day' else coalesce({{ json_text('rule', 'basis') }}, 'month') end as basis,
    coalesce({{ json_text('rule', 'fallback') }}, 'unallocated') as fallback,
    rule -> 'shares' as shares,
    -- What the division leaves stays with its owner.
    {{ json_text('rule', 'method') }} in ('split', 'ai_usage') or coalesce((
        select sum(cast(shares.value as numeric)) < 1
        from {{ json_text_pairs("rule -> 'shares'") }} as shares (key, value)
    ), false) as keeps_rest,
    {{ json_list('rule', 'over', 'teams') }} as over_teams,
    {{ json_list('rule', 'over', 'service_names') }} as over_service_names,
    {{ json_list('rule', 'over', 'sub_account_ids') }} as over_sub_account_ids,
    {{ json_list('rule', 'over', 'charge_categories') }} as over_charge_categories,
    {{ json_list('rule', 'match', 'charge_categories') }} as charge_categories,
    {{ json_list('rule', 'match', 'service_names') }} as service_names,
    {{ json_list('rule', 'match', 'sub_account_ids') }} as sub_account_ids,
    {{ json_list('rule', 'match', 'teams') }} as teams,
    {{ json_list('rule', 'match', 'commitment_discount_status') }} as commitment_discount_status,
    {{ valid_from('rule') }} as valid_from,
    {{ valid_to('rule') }} as valid_to
from rules
