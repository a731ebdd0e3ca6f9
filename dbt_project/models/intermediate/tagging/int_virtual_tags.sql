-- One row per scope, subject, stretch of days with the same rules, tag key and virtual tag rule that matches: its value, and whether it counts.
{{ config(
    materialized='incremental',
    tags=['near_real_time'],
    incremental_strategy='replace_days',
    on_schema_change='sync_all_columns',
    meta={'replace_by': 'scopes'},
    indexes=[{'columns': ['scope_id']}],
) }}
{%- set changes = changed_days(digest='attributes_digest', sections=['tag_policy', 'virtual_tags', 'teams']) %}
{{ note_changes(changes) }}

with rules as {{ evaluated_once() }} (
    select * from {{ ref('stg_config__virtual_tag_rules') }}
),

patterns as {{ evaluated_once() }} (
    select
        *,
        count(*) over (partition by rule_position) as pattern_count
    from {{ ref('stg_config__virtual_tag_patterns') }}
),

templates as {{ evaluated_once() }} (
    select
        rules.rule_position,
        templates.key as tag_key,
        templates.value as template
    from rules
    cross join lateral {{ json_text_pairs('rules.templates') }} as templates (key, value)
),

team_spellings as (
    select * from {{ ref('int_team_spellings') }}
),

subjects as (
    select * from {{ ref('int_tag_subjects') }}
    where {{ in_changed_scopes(changes) }}
),

tag_sets as (
    select
        tag_sets.*,
        team_spellings.team as named_team
    from {{ ref('int_tag_sets_canonical') }} as tag_sets
    left join team_spellings on {{ folded_value('tag_sets.team') }} = team_spellings.folded_team
),

matches as (
    select * from {{ ref('int_virtual_tag_matches') }}
    where pattern is not null
),

boundaries as (
    select date '0001-01-01' as valid_from
    union distinct
    select valid_from from rules
    union distinct
    select valid_to from rules
),

stretches as (
    select
        valid_from,
        lead(valid_from, 1, date '9999-12-31') over (order by valid_from) as valid_to
    from boundaries
    where valid_from < date '9999-12-31'
),

scope_days as (
    select
        scope_id,
        min(charge_date) as first_day,
        max(charge_date) as last_day
    from {{ ref('stg_deliveries__days') }}
    where {{ in_changed_scopes(changes) }}
    group by 1
),

scope_rules as (
    select
        scope_days.scope_id,
        stretches.valid_from,
        stretches.valid_to,
        rules.rule_position,
        rules.virtual_tag_rule
    from scope_days
    inner join stretches on scope_days.last_day >= stretches.valid_from and scope_days.first_day < stretches.valid_to
    inner join rules on stretches.valid_from >= rules.valid_from and stretches.valid_from < rules.valid_to
),

matched_patterns as (
    {%- for field in ['resource_id', 'resource_name', 'sub_account_name', 'service_name'] %}
    select
        subjects.scope_id,
        subjects.subject_id,
        matches.field,
        matches.pattern,
        matches.captured
    from subjects
    inner join matches on subjects.{{ field }} = matches.value and matches.field = '{{ field }}'

    union all
    {% endfor %}
    select
        subjects.scope_id,
        subjects.subject_id,
        matches.field,
        matches.pattern,
        matches.captured
    from subjects
    inner join tag_sets on subjects.tags_id = tag_sets.tags_id
    inner join matches
        on
            {{ json_member_text('tag_sets.tag_values', 'substr(matches.field, 5)') }} = matches.value
            and matches.field like 'tag:%'
),

-- All patterns of a rule match, and their groups are one list.
matched_rules as (
    select
        matched_patterns.scope_id,
        matched_patterns.subject_id,
        patterns.rule_position,
        {{ json_list_of('captured.value', 'patterns.pattern_position, captured.position') }} as captured
    from matched_patterns
    inner join patterns on matched_patterns.field = patterns.field and matched_patterns.pattern = patterns.pattern
    -- Without groups the whole match was kept, which is no group.
    left join lateral {{ json_items('matched_patterns.captured') }} as captured (value, position)
        on patterns.group_count >= captured.position
    group by matched_patterns.scope_id, matched_patterns.subject_id, patterns.rule_position, patterns.pattern_count
    having sum(case when coalesce(captured.position, 1) = 1 then 1 else 0 end) = patterns.pattern_count
),

filled as (
    select
        matched_rules.scope_id,
        matched_rules.subject_id,
        matched_rules.rule_position,
        templates.tag_key,
        trim({{ filled_template('templates.template', 'matched_rules.captured') }}) as tag_value
    from matched_rules
    inner join templates on matched_rules.rule_position = templates.rule_position
),

valued as (
    select
        filled.scope_id,
        filled.subject_id,
        scope_rules.valid_from,
        scope_rules.valid_to,
        filled.tag_key,
        filled.rule_position,
        scope_rules.virtual_tag_rule,
        -- As of own tags: what names no team is no value.
        case when filled.tag_key = 'team' then team_spellings.team else nullif(filled.tag_value, '') end as tag_value
    from filled
    inner join scope_rules on filled.scope_id = scope_rules.scope_id and filled.rule_position = scope_rules.rule_position
    left join team_spellings on filled.tag_key = 'team' and {{ folded_value('filled.tag_value') }} = team_spellings.folded_team
),

ranked as (
    select
        *,
        row_number() over (
            partition by scope_id, subject_id, valid_from, tag_key order by (tag_value is null), rule_position
        ) as priority
    from valued
),

compared as (
    select
        ranked.*,
        {{ json_member_text('own_tags.tag_values', 'ranked.tag_key') }} as own_tag,
        case ranked.tag_key
            when 'team' then own_tags.named_team
            else {{ json_member_text('own_tags.tag_values', 'ranked.tag_key') }}
        end as own_value,
        case ranked.tag_key
            when 'team' then allocated_tags.named_team
            else {{ json_member_text('allocated_tags.tag_values', 'ranked.tag_key') }}
        end as allocated_value
    from ranked
    inner join subjects on ranked.scope_id = subjects.scope_id and ranked.subject_id = subjects.subject_id
    left join tag_sets as own_tags on subjects.tags_id = own_tags.tags_id
    left join tag_sets as allocated_tags on subjects.allocated_tags_id = allocated_tags.tags_id
)

select
    scope_id,
    subject_id,
    valid_from,
    valid_to,
    tag_key,
    rule_position,
    virtual_tag_rule,
    tag_value,
    own_tag,
    own_value,
    case
        when tag_value is null then 'no_value'
        when coalesce(own_value, allocated_value) is not null then 'tagged'
        when priority = 1 then 'decides'
        else 'shadowed'
    end as outcome
from compared
