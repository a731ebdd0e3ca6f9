-- One row per scope, distinct attributes, part and stretch of days with the same rules: who owns such charges, and which pool they are in.
-- Owners are resolved once per distinct attributes, not per line or day.
{{ config(
    materialized='incremental',
    incremental_strategy='replace_days',
    on_schema_change='sync_all_columns',
    meta={'replace_by': 'scopes'},
    indexes=[{'columns': ['scope_id']}],
) }}
{%- set changes = changed_days(digest='attributes_digest', sections=['tag_policy', 'teams', 'accounts', 'cost_allocation']) %}
{{ note_changes(changes) }}

with attributes as (
    select * from {{ ref('int_charge_attributes') }}
    where {{ in_changed_scopes(changes) }}
),

tag_sets as (
    select * from {{ ref('int_tag_sets_canonical') }}
    where {{ in_changed_scopes(changes) }}
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

team_spellings as (
    select
        {{ folded_value('team') }} as folded_team,
        team
    from teams

    union all

    select
        {{ folded_value(json_value_text('aliases.value')) }} as folded_team,
        teams.team
    from teams
    cross join lateral {{ json_items('teams.aliases') }} as aliases (value, position)
),

team_names as (
    select
        folded_team,
        min(team) as team
    from team_spellings
    group by 1
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
        coalesce(team_names.team, accounts.team, 'unallocated') as team,
        tag_sets.cost_center as tagged_cost_center,
        coalesce(tag_sets.project, accounts.project) as project,
        coalesce(tag_sets.environment, accounts.environment) as environment,
        -- In the order in which they count.
        case
            when team_names.team is not null then 'own_tag'
            when accounts.team is not null then 'account'
            else 'unallocated'
        end as owner_source
    from attributes
    inner join scope_periods on attributes.scope_id = scope_periods.scope_id
    left join tag_sets on attributes.scope_id = tag_sets.scope_id and attributes.tags_id = tag_sets.tags_id
    left join team_names on {{ folded_value('tag_sets.team') }} = team_names.folded_team
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
