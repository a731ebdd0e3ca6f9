-- One row per scope and distinct tag set: the values of the keys of the tag policy.
with tag_keys as {{ evaluated_once() }} (
    select * from {{ ref('stg_config__tag_keys') }}
),

tag_sets as (
    select distinct
        scope_id,
        tags_id
    from {{ ref('int_charge_attributes') }}
    where tags_id is not null
)

select
    tag_sets.scope_id,
    tag_sets.tags_id,
    canonical.team,
    canonical.cost_center,
    canonical.project,
    canonical.environment
from tag_sets
inner join {{ ref('stg_deliveries__maps') }} as maps on tag_sets.tags_id = maps.map_id
cross join lateral (  -- noqa: ST05
    with candidates as (
        select
            tag_keys.tag_key,
            trim(tags.tag_value) as tag_value,
            -- Of several spellings of one key: the key itself before its aliases, these in their order.
            row_number() over (partition by tag_keys.tag_key order by tag_keys.position, {{ bytewise('tags.written_key') }}) as priority
        from {{ json_text_pairs('maps.map') }} as tags (written_key, tag_value)
        inner join tag_keys on {{ folded_tag_key('tags.written_key') }} = tag_keys.folded_key
        where trim(tags.tag_value) <> ''
    )

    select
        max(case when candidates.tag_key = 'team' then candidates.tag_value end) as team,
        max(case when candidates.tag_key = 'cost_center' then candidates.tag_value end) as cost_center,
        max(case when candidates.tag_key = 'project' then candidates.tag_value end) as project,
        max(case when candidates.tag_key = 'environment' then candidates.tag_value end) as environment
    from candidates
    where candidates.priority = 1
) as canonical
