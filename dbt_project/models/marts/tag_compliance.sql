-- One row per source, delivered month, day, account, service, team, currency and tag key that is checked: what of it complies with the tag policy.
{{ config(
    materialized='incremental',
    incremental_strategy='replace_days',
    on_schema_change='append_new_columns',
    meta={'replace_by': 'delivery_days'},
    indexes=[{'columns': ['charge_date']}],
) }}
{%- set changes = changed_days(parents=['int_tag_costs_daily'], sections=['tag_policy', 'teams']) %}
{#- From good to bad: a resource counts by the worst. -#}
{%- set valid, excepted, invalid, missing = 0, 1, 2, 3 %}
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

-- What of a charge can be told without its day. Sums by two numbers are faster than by four texts.
checked as (
    select
        subjects.scope_id,
        subjects.subject_id,
        subjects.sub_account_id,
        subjects.service_name,
        subjects.resource_id,
        requirements.tag_key,
        requirements.valid_from,
        requirements.valid_to,
        case when verdicts.is_valid then {{ valid }} when verdicts.tag_value is null then {{ missing }} else {{ invalid }} end as status,
        dense_rank() over (order by subjects.sub_account_id, subjects.service_name, requirements.tag_key) as place_number,
        case when subjects.resource_id is not null then dense_rank() over (order by subjects.resource_id) end as resource_number
    from subjects
    inner join requirements
        on
            {{ list_allows('requirements.sub_account_ids', 'subjects.sub_account_id') }}
            and {{ list_allows('requirements.service_names', 'subjects.service_name') }}
    left join set_values on subjects.tags_id = set_values.tags_id and requirements.tag_key = set_values.tag_key
    left join verdicts on set_values.tag_key = verdicts.tag_key and set_values.tag_value = verdicts.tag_value
    where requirements.is_required or set_values.tag_value is not null
),

places as (
    select distinct
        place_number,
        sub_account_id,
        service_name,
        tag_key
    from checked
),

judged as {{ evaluated_once() }} (
    select
        costs.scope_id,
        costs.charge_date,
        costs.team,
        costs.billing_currency,
        costs.effective_cost,
        checked.place_number,
        checked.resource_number,
        case
            when checked.status = {{ valid }} then {{ valid }}
            when exists (
                select 1 from exceptions
                where
                    checked.tag_key = exceptions.tag_key
                    and costs.charge_date >= exceptions.valid_from
                    and costs.charge_date < exceptions.valid_to
                    and {{ list_allows('exceptions.sub_account_ids', 'checked.sub_account_id') }}
                    and {{ list_allows('exceptions.service_names', 'checked.service_name') }}
                    and {{ list_allows('exceptions.resource_ids', 'checked.resource_id') }}
            ) then {{ excepted }}
            else checked.status
        end as status
    from costs
    inner join checked
        on
            costs.scope_id = checked.scope_id
            and costs.subject_id = checked.subject_id
            and costs.charge_date >= checked.valid_from
            and costs.charge_date < checked.valid_to
),

sums as (
    select
        scope_id,
        charge_date,
        place_number,
        team,
        billing_currency,
        sum(effective_cost) as in_scope_cost,
        coalesce(sum(case when status <= {{ excepted }} then effective_cost end), 0) as compliant_cost,
        coalesce(sum(case when status = {{ excepted }} then effective_cost end), 0) as excepted_cost,
        coalesce(sum(case when status = {{ missing }} then effective_cost end), 0) as missing_cost,
        coalesce(sum(case when status = {{ invalid }} then effective_cost end), 0) as invalid_cost
    from judged
    group by scope_id, charge_date, place_number, team, billing_currency
),

resources as (
    select
        scope_id,
        charge_date,
        place_number,
        team,
        billing_currency,
        resource_number,
        max(status) as worst
    from judged
    where resource_number is not null
    group by scope_id, charge_date, place_number, team, billing_currency, resource_number
),

counts as (
    select
        scope_id,
        charge_date,
        place_number,
        team,
        billing_currency,
        count(*) as resource_count,
        count(case when worst <= {{ excepted }} then 1 end) as compliant_resource_count,
        count(case when worst = {{ excepted }} then 1 end) as excepted_resource_count,
        count(case when worst = {{ missing }} then 1 end) as missing_resource_count,
        count(case when worst = {{ invalid }} then 1 end) as invalid_resource_count
    from resources
    group by scope_id, charge_date, place_number, team, billing_currency
)

select
    scopes.source_name,
    places.sub_account_id,
    places.service_name,
    sums.team,
    places.tag_key,
    sums.billing_currency,
    coalesce(counts.resource_count, 0) as resource_count,
    coalesce(counts.compliant_resource_count, 0) as compliant_resource_count,
    coalesce(counts.excepted_resource_count, 0) as excepted_resource_count,
    coalesce(counts.missing_resource_count, 0) as missing_resource_count,
    coalesce(counts.invalid_resource_count, 0) as invalid_resource_count,
    sums.in_scope_cost,
    sums.compliant_cost,
    sums.excepted_cost,
    sums.missing_cost,
    sums.invalid_cost,
    cast(counts.compliant_resource_count as numeric) / counts.resource_count as compliant_resource_share,
    sums.compliant_cost / nullif(sums.in_scope_cost, 0) as compliant_cost_share,
    scopes.delivery_period,
    sums.charge_date
from sums
inner join {{ ref('stg_deliveries__scopes') }} as scopes on sums.scope_id = scopes.scope_id
inner join places on sums.place_number = places.place_number
left join counts
    on
        sums.scope_id = counts.scope_id
        and sums.charge_date = counts.charge_date
        and sums.place_number = counts.place_number
        and sums.team = counts.team
        and sums.billing_currency = counts.billing_currency
