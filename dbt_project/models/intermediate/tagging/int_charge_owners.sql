-- One row per scope, distinct attributes, part and stretch of days with the same rules: who owns such charges, and which pool they are in.
-- Owners are resolved once per distinct attributes, not per line or day.
{{ config(
    materialized='incremental',
    tags=['near_real_time'],
    incremental_strategy='replace_days',
    on_schema_change='sync_all_columns',
    meta={'replace_by': 'scopes'},
    indexes=[{'columns': ['scope_id']}],
) }}
{%- set changes = changed_days(digest='attributes_digest', sections=['tag_policy', 'virtual_tags', 'teams', 'accounts', 'cost_allocation']) %}
{{ note_changes(changes) }}

with attributes as (
    select
        charge_attributes.*,
        {{ subject_id('charge_attributes') }} as subject_id
    from {{ ref('int_owner_attributes') }} as charge_attributes
    where {{ in_changed_scopes(changes) }}
),

tag_sets as (
    select
        tag_sets.*,
        team_spellings.team as named_team
    from {{ ref('int_tag_sets_canonical') }} as tag_sets
    left join {{ ref('int_team_spellings') }} as team_spellings
        on {{ folded_value('tag_sets.team') }} = team_spellings.folded_team
),

virtual_tags as (
    select
        scope_id,
        subject_id,
        valid_from,
        valid_to,
        max(case when tag_key = 'team' then tag_value end) as team,
        max(case when tag_key = 'team' then virtual_tag_rule end) as team_rule,
        max(case when tag_key = 'cost_center' then tag_value end) as cost_center,
        max(case when tag_key = 'project' then tag_value end) as project,
        max(case when tag_key = 'environment' then tag_value end) as environment
    from {{ ref('int_virtual_tags') }}
    where outcome = 'decides' and {{ in_changed_scopes(changes) }}
    group by 1, 2, 3, 4
),

rule_periods as (
    select * from {{ ref('int_rule_periods') }}
),

rules as {{ evaluated_once() }} (
    select * from {{ ref('stg_config__allocation_rules') }}
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

scope_periods as (
    select
        scope_days.scope_id,
        rule_periods.valid_from,
        rule_periods.valid_to
    from scope_days
    inner join rule_periods on scope_days.last_day >= rule_periods.valid_from and scope_days.first_day < rule_periods.valid_to
),

teams as (
    select * from {{ ref('stg_config__teams') }}
),

accounts as (
    select
        rule_periods.valid_from,
        accounts.sub_account_id,
        accounts.team,
        accounts.project,
        accounts.environment,
        row_number() over (
            partition by rule_periods.valid_from, accounts.sub_account_id order by accounts.valid_from desc, accounts.team asc
        ) as priority
    from rule_periods
    inner join {{ ref('stg_config__accounts') }} as accounts
        on rule_periods.valid_from >= accounts.valid_from and rule_periods.valid_from < accounts.valid_to
),

owned as (
    select
        attributes.scope_id,
        attributes.attributes_id,
        attributes.is_unused_part,
        attributes.charge_category,
        attributes.service_name,
        attributes.sub_account_id,
        attributes.commitment_discount_status,
        scope_periods.valid_from,
        scope_periods.valid_to,
        coalesce(own_tags.named_team, allocated_tags.named_team, virtual_tags.team, accounts.team, 'unallocated') as team,
        coalesce(own_tags.cost_center, allocated_tags.cost_center, virtual_tags.cost_center) as tagged_cost_center,
        coalesce(own_tags.project, allocated_tags.project, virtual_tags.project, accounts.project) as project,
        coalesce(
            own_tags.environment, allocated_tags.environment, virtual_tags.environment, accounts.environment
        ) as environment,
        -- In the order in which they count.
        case
            when own_tags.named_team is not null then 'own_tag'
            when allocated_tags.named_team is not null then 'allocated_tag'
            when virtual_tags.team is not null then 'virtual_tag:' || virtual_tags.team_rule
            when accounts.team is not null then 'account'
            else 'unallocated'
        end as owner_source
    from attributes
    inner join scope_periods on attributes.scope_id = scope_periods.scope_id
    left join tag_sets as own_tags on attributes.tags_id = own_tags.tags_id
    left join tag_sets as allocated_tags on attributes.allocated_tags_id = allocated_tags.tags_id
    -- Where virtual tag rules change, a period of all rules changes too: each lies within one stretch.
    left join virtual_tags
        on
            attributes.scope_id = virtual_tags.scope_id
            and attributes.subject_id = virtual_tags.subject_id
            and scope_periods.valid_from >= virtual_tags.valid_from
            and scope_periods.valid_from < virtual_tags.valid_to
    left join accounts
        on
            attributes.sub_account_id = accounts.sub_account_id
            and scope_periods.valid_from = accounts.valid_from
            and accounts.priority = 1
)

select
    owned.scope_id,
    owned.attributes_id,
    owned.is_unused_part,
    owned.valid_from,
    owned.valid_to,
    owned.team,
    coalesce(owned.tagged_cost_center, teams.cost_center) as cost_center,
    owned.project,
    owned.environment,
    owned.owner_source,
    case
        when pools.allocation_rule is not null then 'shared'
        when owned.team = 'unallocated' then 'unallocated'
        else 'direct'
    end as cost_type,
    pools.allocation_rule
from owned
left join teams on owned.team = teams.team
left join lateral (
    select rules.allocation_rule
    from rules
    where
        owned.valid_from >= rules.valid_from
        and owned.valid_from < rules.valid_to
        and {{ list_allows('rules.charge_categories', 'owned.charge_category') }}
        and {{ list_allows('rules.service_names', 'owned.service_name') }}
        and {{ list_allows('rules.sub_account_ids', 'owned.sub_account_id') }}
        and {{ list_allows('rules.teams', 'owned.team') }}
        and {{ list_allows('rules.commitment_discount_status', 'owned.commitment_discount_status') }}
    order by rules.position
    limit 1
) as pools on true
