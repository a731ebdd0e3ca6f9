-- One row per key under which a tag may be delivered (position 0: the key itself, then its aliases in their order).
with keys as (
    select
        keys.key as tag_key,
        keys.value as settings
    from {{ ref('stg_config__sections') }} as sections
    cross join lateral {{ json_pairs("sections.content -> 'keys'") }} as keys (key, value)
    where sections.section = 'tag_policy'
),

declared as (
    select
        tag_key,
        0 as position,
        {{ folded_tag_key('tag_key') }} as folded_key
    from keys

    union all

    select
        keys.tag_key,
        aliases.position,
        {{ folded_tag_key(json_value_text('aliases.value')) }} as folded_key
    from keys
    cross join lateral {{ json_items("keys.settings -> 'aliases'") }} as aliases (value, position)
),

-- Keys that only virtual tag rules look at.
looked_at as (
    select {{ folded_tag_key("substr(" ~ json_text('patterns.value', 'field') ~ ", 5)") }} as folded_key
    from {{ ref('stg_config__sections') }} as sections
    cross join lateral {{ json_items("sections.content -> 'rules'") }} as rules (value, position)
    cross join lateral {{ json_items("rules.value -> 'match'") }} as patterns (value, position)
    where sections.section = 'virtual_tags' and {{ json_text('patterns.value', 'field') }} like 'tag:%'
),

spellings as (
    select * from declared

    union all

    select
        looked_at.folded_key as tag_key,
        0 as position,
        looked_at.folded_key
    from looked_at
    where looked_at.folded_key not in (select declared.folded_key from declared)
)

select
    tag_key,
    folded_key,
    min(position) as position
from spellings
group by 1, 2
