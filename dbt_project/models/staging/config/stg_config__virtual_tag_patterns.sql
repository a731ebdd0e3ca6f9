-- One row per virtual tag rule and pattern that a charge must match. A field tag:<key> has the key as the tag policy names it.
with patterns as (
    select
        rules.rule_position,
        patterns.position as pattern_position,
        {{ json_text('patterns.value', 'field') }} as field,
        {{ json_text('patterns.value', 'pattern') }} as pattern,
        {{ json_text('patterns.value', 'like_pattern') }} as like_pattern,
        cast({{ json_text('patterns.value', 'group_count') }} as integer) as group_count
    from {{ ref('stg_config__virtual_tag_rules') }} as rules
    cross join lateral {{ json_items('rules.patterns') }} as patterns (value, position)
)

select
    patterns.rule_position,
    patterns.pattern_position,
    coalesce('tag:' || tag_keys.tag_key, patterns.field) as field,
    patterns.pattern,
    patterns.like_pattern,
    patterns.group_count
from patterns
left join {{ ref('stg_config__tag_keys') }} as tag_keys
    on patterns.field like 'tag:%' and {{ folded_tag_key("substr(patterns.field, 5)") }} = tag_keys.folded_key
