-- One row per virtual tag rule, in the order in which they count.
select
    rules.position as rule_position,
    {{ json_text('rules.value', 'name') }} as virtual_tag_rule,
    rules.value -> 'match' as patterns,
    rules.value -> 'set' as templates,
    {{ valid_from('rules.value') }} as valid_from,
    {{ valid_to('rules.value') }} as valid_to
from {{ ref('stg_config__sections') }} as sections
cross join lateral {{ json_items("sections.content -> 'rules'") }} as rules (value, position)
where sections.section = 'virtual_tags'
