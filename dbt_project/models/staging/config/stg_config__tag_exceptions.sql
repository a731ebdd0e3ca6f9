-- One row per exception from a tag key. A list that is null matches everything.
select
    keys.key as tag_key,
    exceptions.position,
    exceptions.value -> 'sub_account_ids' as sub_account_ids,
    exceptions.value -> 'service_names' as service_names,
    exceptions.value -> 'resource_ids' as resource_ids,
    {{ valid_from('exceptions.value') }} as valid_from,
    {{ valid_to('exceptions.value') }} as valid_to
from {{ ref('stg_config__sections') }} as sections
cross join lateral {{ json_pairs("sections.content -> 'keys'") }} as keys (key, value)
cross join lateral {{ json_items("keys.value -> 'exceptions'") }} as exceptions (value, position)
where sections.section = 'tag_policy'
