-- One row per field, distinct text in it and pattern that it matches, or without a pattern where it matches none.
-- A text is compared with a pattern once: what it gave is kept until the rules change.
{{ config(
    materialized='incremental',
    tags=['near_real_time'],
    incremental_strategy='replace_days',
    on_schema_change='sync_all_columns',
    meta={'replace_by': 'version'},
    indexes=[{'columns': ['field']}],
) }}
{%- set sections = ['tag_policy', 'virtual_tags'] %}
{%- set changes = dict(changed_days(digest='attributes_digest', sections=sections), version=rules_version(sections)) %}
{{ note_changes(changes) }}

with patterns as {{ evaluated_once() }} (
    select distinct
        field,
        pattern,
        like_pattern
    from {{ ref('stg_config__virtual_tag_patterns') }}
),

subjects as (
    select * from {{ ref('int_tag_subjects') }}
    where {{ in_changed_scopes(changes) }}
),

tag_sets as (
    select * from {{ ref('int_tag_sets_canonical') }}
),

tag_fields as (
    select distinct
        field,
        substr(field, 5) as tag_key
    from patterns
    where field like 'tag:%'
),

delivered as (
    {%- for field in ['resource_id', 'resource_name', 'sub_account_name', 'service_name'] %}
    select
        '{{ field }}' as field,
        {{ field }} as value
    from subjects
    where {{ field }} is not null and '{{ field }}' in (select patterns.field from patterns)

    union distinct
    {% endfor %}
    select
        tag_fields.field,
        {{ json_member_text('tag_sets.tag_values', 'tag_fields.tag_key') }} as value
    from tag_sets
    cross join tag_fields
    where
        exists (
            select 1 from subjects
            where tag_sets.tags_id = subjects.tags_id
        )
        and {{ json_member_text('tag_sets.tag_values', 'tag_fields.tag_key') }} is not null
),

known as (
    {%- if is_incremental() %}
    select
        field,
        value
    from {{ this }}
    where version = '{{ changes.version }}'
    {%- else %}
    select * from delivered
    where false
    {%- endif %}
),

new_values as {{ evaluated_once() }} (
    select
        delivered.field,
        delivered.value
    from delivered
    left join known on delivered.field = known.field and delivered.value = known.value
    where known.field is null
),

-- Pattern by pattern: PostgreSQL keeps few compiled ones, and going value by value would compile each of 200 again and again.
matches as (
    select
        patterns.field,
        patterns.pattern,
        matching.value,
        matching.captured
    from patterns
    cross join lateral (
        select
            new_values.value,
            {{ captured_groups('new_values.value', 'patterns.pattern') }} as captured
        from new_values
        where
            patterns.field = new_values.field
            -- A case keeps the order: LIKE first, which is much faster and rules most names out.
            and case
                when new_values.value like patterns.like_pattern then {{ matches_pattern('new_values.value', 'patterns.pattern') }}
                else false
            end
        -- Keeps the planner from turning the loop around.
        offset 0  -- noqa: AM09
    ) as matching
)

select
    new_values.field,
    new_values.value,
    matches.pattern,
    matches.captured,
    '{{ changes.version }}' as version
from new_values
left join matches on new_values.field = matches.field and new_values.value = matches.value
