-- One row per source, delivered month, day, account, service, team, currency and tag key that is checked: what of it complies with the tag policy.
{{ config(
    materialized='incremental',
    incremental_strategy='replace_days',
    on_schema_change='append_new_columns',
    meta={'replace_by': 'delivery_days'},
    indexes=[{'columns': ['charge_date']}],
) }}
{%- set changes = changed_days(parents=['int_tag_costs_daily'], sections=['tag_policy', 'teams']) %}
{{ note_changes(changes) }}

with requirements as {{ evaluated_once() }} (
    select * from {{ ref('stg_config__tag_requirements') }}
),

exceptions as {{ evaluated_once() }} (
    select * from {{ ref('stg_config__tag_exceptions') }}
),

costs as (
    select * from {{ ref('int_tag_costs_daily') }}
    where is_taggable and {{ in_changed_days(changes) }}
),

subjects as (
    select * from {{ ref('int_tag_subjects') }}
    where {{ in_changed_scopes(changes) }}
),

tag_sets as (
    select * from {{ ref('int_tag_sets_canonical') }}
),

places as (
    select distinct
        sub_account_id,
        service_name
    from subjects
),

places_in_scope as (
    select
        places.sub_account_id,
        places.service_name,
        requirements.tag_key,
        requirements.is_required,
        requirements.valid_from,
        requirements.valid_to
    from places
    inner join requirements
        on
            {{ list_allows('requirements.sub_account_ids', 'places.sub_account_id') }}
            and {{ list_allows('requirements.service_names', 'places.service_name') }}
),

set_values as (
    select
        tag_sets.tags_id,
        requirements.tag_key,
        {{ json_member_text('tag_sets.tag_values', 'requirements.tag_key') }} as tag_value
    from tag_sets
    cross join requirements
    where {{ json_member_text('tag_sets.tag_values', 'requirements.tag_key') }} is not null
),

distinct_values as (
    select distinct
        tag_key,
        tag_value
    from set_values
),

verdicts as (
    select
        distinct_values.tag_key,
        distinct_values.tag_value,
        (
            requirements.allowed_values is null
            or exists (
                select 1 from {{ json_items('requirements.allowed_values') }} as allowed (value, position)
                where
                    {{ json_value_text('allowed.value') }} = distinct_values.tag_value
                    or (
                        requirements.case_rule <> 'exact'
                        and {{ folded_value(json_value_text('allowed.value')) }} = {{ folded_value('distinct_values.tag_value') }}
                    )
            )
        )
        and (
            requirements.pattern is null
            or {{ matches_pattern('distinct_values.tag_value', 'requirements.pattern') }}
            or (
                requirements.case_rule <> 'exact'
                and {{ matches_pattern('distinct_values.tag_value', 'requirements.pattern', any_case=true) }}
            )
        )
        and case requirements.case_rule
            when 'lower' then distinct_values.tag_value = lower(distinct_values.tag_value)
            when 'upper' then distinct_values.tag_value = upper(distinct_values.tag_value)
            else true
        end
        and (distinct_values.tag_key <> 'team' or team_spellings.team is not null) as is_valid
    from distinct_values
    inner join requirements on distinct_values.tag_key = requirements.tag_key
    left join {{ ref('int_team_spellings') }} as team_spellings
        on {{ folded_value('distinct_values.tag_value') }} = team_spellings.folded_team
),

checked as (
    select
        costs.scope_id,
        costs.charge_date,
        costs.team,
        costs.billing_currency,
        costs.effective_cost,
        subjects.sub_account_id,
        subjects.service_name,
        subjects.resource_id,
        places_in_scope.tag_key,
        case
            when verdicts.is_valid then 'valid'
            when verdicts.tag_value is null then 'missing'
            else 'invalid'
        end as status
    from costs
    inner join subjects on costs.scope_id = subjects.scope_id and costs.subject_id = subjects.subject_id
    inner join places_in_scope
        on
            coalesce(subjects.sub_account_id, '') = coalesce(places_in_scope.sub_account_id, '')
            and coalesce(subjects.service_name, '') = coalesce(places_in_scope.service_name, '')
            and costs.charge_date >= places_in_scope.valid_from
            and costs.charge_date < places_in_scope.valid_to
    left join set_values on subjects.tags_id = set_values.tags_id and places_in_scope.tag_key = set_values.tag_key
    left join verdicts on set_values.tag_key = verdicts.tag_key and set_values.tag_value = verdicts.tag_value
    where places_in_scope.is_required or set_values.tag_value is not null
),

judged as (
    select
        checked.*,
        checked.status <> 'valid' and exists (
            select 1 from exceptions
            where
                checked.tag_key = exceptions.tag_key
                and checked.charge_date >= exceptions.valid_from
                and checked.charge_date < exceptions.valid_to
                and {{ list_allows('exceptions.sub_account_ids', 'checked.sub_account_id') }}
                and {{ list_allows('exceptions.service_names', 'checked.service_name') }}
                and {{ list_allows('exceptions.resource_ids', 'checked.resource_id') }}
        ) as is_excepted
    from checked
),

-- A resource counts by the worst that any of its charges has.
resources as (
    select
        scope_id,
        charge_date,
        sub_account_id,
        service_name,
        team,
        billing_currency,
        tag_key,
        resource_id,
        max(case when is_excepted then 1 when status = 'valid' then 0 when status = 'invalid' then 2 else 3 end) as worst,
        sum(effective_cost) as in_scope_cost,
        sum(case when status = 'valid' or is_excepted then effective_cost else 0 end) as compliant_cost,
        sum(case when is_excepted then effective_cost else 0 end) as excepted_cost,
        sum(case when status = 'missing' and not is_excepted then effective_cost else 0 end) as missing_cost,
        sum(case when status = 'invalid' and not is_excepted then effective_cost else 0 end) as invalid_cost
    from judged
    group by 1, 2, 3, 4, 5, 6, 7, 8
),

counted as (
    select
        scope_id,
        charge_date,
        sub_account_id,
        service_name,
        team,
        billing_currency,
        tag_key,
        count(resource_id) as resource_count,
        count(case when worst <= 1 then resource_id end) as compliant_resource_count,
        count(case when worst = 1 then resource_id end) as excepted_resource_count,
        count(case when worst = 3 then resource_id end) as missing_resource_count,
        count(case when worst = 2 then resource_id end) as invalid_resource_count,
        sum(in_scope_cost) as in_scope_cost,
        sum(compliant_cost) as compliant_cost,
        sum(excepted_cost) as excepted_cost,
        sum(missing_cost) as missing_cost,
        sum(invalid_cost) as invalid_cost
    from resources
    group by 1, 2, 3, 4, 5, 6, 7
)

select
    scopes.source_name,
    counted.sub_account_id,
    counted.service_name,
    counted.team,
    counted.tag_key,
    counted.billing_currency,
    counted.resource_count,
    counted.compliant_resource_count,
    counted.excepted_resource_count,
    counted.missing_resource_count,
    counted.invalid_resource_count,
    counted.in_scope_cost,
    counted.compliant_cost,
    counted.excepted_cost,
    counted.missing_cost,
    counted.invalid_cost,
    cast(counted.compliant_resource_count as numeric) / nullif(counted.resource_count, 0) as compliant_resource_share,
    counted.compliant_cost / nullif(counted.in_scope_cost, 0) as compliant_cost_share,
    scopes.delivery_period,
    counted.charge_date
from counted
inner join {{ ref('stg_deliveries__scopes') }} as scopes on counted.scope_id = scopes.scope_id
