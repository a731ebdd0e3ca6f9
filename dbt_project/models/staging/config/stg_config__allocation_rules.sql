-- One row per rule of cost allocation. A list that is null matches everything.
select
    rules.position,
    {{ json_text('rules.value', 'name') }} as allocation_rule,
    {{ json_text('rules.value', 'method') }} as allocation_method,
    {{ json_text('rules.value', 'measure') }} as measure,
    {{ json_list('rules.value', 'match', 'charge_categories') }} as charge_categories,
    {{ json_list('rules.value', 'match', 'service_names') }} as service_names,
    {{ json_list('rules.value', 'match', 'sub_account_ids') }} as sub_account_ids,
    {{ json_list('rules.value', 'match', 'teams') }} as teams,
    {{ json_list('rules.value', 'match', 'commitment_discount_status') }} as commitment_discount_status,
    {{ valid_from('rules.value') }} as valid_from,
    {{ valid_to('rules.value') }} as valid_to
from {{ ref('stg_config__sections') }} as sections
cross join lateral {{ json_items("sections.content -> 'rules'") }} as rules (value, position)
where sections.section = 'cost_allocation'
