-- One row per key under which a tag may be delivered (position 0: the key itself, then its aliases in their order).
with keys as (
    select
        keys.key as tag_key,
        keys.value as settings
    from {{ ref('stg_config__sections') }} as sections
    cross join lateral {{ json_pairs("sections.content -> 'keys'") }} as keys (key, value)
    where sections.section = 'tag_policy'
),

spellings as (
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
)

select
    tag_key,
    folded_key,
    min(position) as position
from spellings
group by 1, 2
