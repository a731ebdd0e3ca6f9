-- One row per distinct tag set: the values of the keys of the tag policy, and of those that virtual tag rules look at.
-- A tag set is read once: its content never changes.
{{ config(
    materialized='incremental',
    tags=['near_real_time'],
    incremental_strategy='replace_days',
    on_schema_change='sync_all_columns',
    meta={'replace_by': 'version'},
    indexes=[{'columns': ['tags_id']}],
) }}
{%- set sections = ['tag_policy', 'virtual_tags'] %}
{%- set changes = dict(changed_days(digest='attributes_digest', sections=sections), version=rules_version(sections)) %}
{{ note_changes(changes) }}

with tag_keys as {{ evaluated_once() }} (
    select * from {{ ref('stg_config__tag_keys') }}
),

attributes as (
    select * from {{ ref('int_owner_attributes') }}
    where {{ in_changed_scopes(changes) }}
),

delivered as (
    select tags_id from attributes
    union distinct
    select allocated_tags_id as tags_id from attributes
),

tag_sets as (
    select delivered.tags_id from delivered
    where
        delivered.tags_id is not null
        {%- if is_incremental() %}
        and not exists (
            select 1 from {{ this }} as known
            where delivered.tags_id = known.tags_id and known.version = '{{ changes.version }}'
        )
        {%- endif %}
)

select
    tag_sets.tags_id,
    canonical.team,
    canonical.cost_center,
    canonical.project,
    canonical.environment,
    canonical.tag_values,
    '{{ changes.version }}' as version
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
        max(case when candidates.tag_key = 'environment' then candidates.tag_value end) as environment,
        {{ json_object_of('candidates.tag_key', 'candidates.tag_value') }} as tag_values
    from candidates
    where candidates.priority = 1
) as canonical
