-- One row per tag key that is checked: what its values have to be, where and when. A list that is null allows everything.
select
    keys.key as tag_key,
    coalesce(cast({{ json_text('keys.value', 'required') }} as boolean), false) as is_required,
    keys.value -> 'values' as allowed_values,
    {{ json_text('keys.value', 'pattern') }} as pattern,
    coalesce({{ json_text('keys.value', 'case') }}, 'any') as case_rule,
    keys.value -> 'sub_account_ids' as sub_account_ids,
    keys.value -> 'service_names' as service_names,
    {{ valid_from('keys.value') }} as valid_from,
    {{ valid_to('keys.value') }} as valid_to
from {{ ref('stg_config__sections') }} as sections
cross join lateral {{ json_pairs("sections.content -> 'keys'") }} as keys (key, value)
where
    sections.section = 'tag_policy'
    and (
        cast({{ json_text('keys.value', 'required') }} as boolean)
        or {{ json_text('keys.value', 'values') }} is not null
        or {{ json_text('keys.value', 'pattern') }} is not null
    )
