-- One row per source, account, resource and tag key that a virtual tag rule decides and the resource itself has no tag of.
-- A view: asked for when rules and tags are looked at, not each day.
{{ config(materialized='view') }}

with sources as (
    select
        source_name,
        max(charge_date) as last_day,
        max(delivery_period) as last_period
    from {{ ref('stg_deliveries__days') }}
    where format is distinct from 'ai_usage'
    group by 1
),

periods as (
    select distinct delivery_period from {{ ref('stg_deliveries__days') }}
    where format is distinct from 'ai_usage'
),

-- Complete as in reports: every source has a charge on the last day, or has delivered a later month.
complete_month as {{ evaluated_once() }} (
    select max(periods.delivery_period) as delivery_period
    from periods
    where not exists (
        select 1 from sources
        where
            sources.last_period <= periods.delivery_period
            and sources.last_day < periods.delivery_period + interval '1 month' - interval '1 day'
    )
),

scopes as (
    select scopes.* from {{ ref('stg_deliveries__scopes') }} as scopes
    inner join complete_month on scopes.delivery_period >= complete_month.delivery_period
    -- Usage of AI models has no resource of its own to tag.
    where scopes.format is distinct from 'ai_usage'
),

tags as (
    select
        scopes.source_name,
        subjects.sub_account_id,
        subjects.resource_id,
        virtual_tags.*
    from {{ ref('int_virtual_tags') }} as virtual_tags
    inner join scopes on virtual_tags.scope_id = scopes.scope_id
    inner join {{ ref('int_tag_subjects') }} as subjects
        on virtual_tags.scope_id = subjects.scope_id and virtual_tags.subject_id = subjects.subject_id
    where subjects.resource_id is not null
),

agreement as (
    select
        virtual_tag_rule,
        tag_key,
        count(distinct resource_id) as both_count,
        count(distinct case when {{ folded_value('tag_value') }} = {{ folded_value('own_value') }} then resource_id end) as agreeing_count
    from tags
    where tag_value is not null and own_value is not null
    group by 1, 2
),

-- Of each subject its last day and its sum: all that is asked below.
costs as (
    select
        scopes.source_name,
        scopes.delivery_period,
        subjects.sub_account_id,
        subjects.resource_id,
        costs.scope_id,
        costs.subject_id,
        costs.billing_currency,
        max(costs.charge_date) as charge_date,
        sum(costs.effective_cost) as effective_cost
    from {{ ref('int_tag_costs_daily') }} as costs
    inner join scopes on costs.scope_id = scopes.scope_id
    inner join {{ ref('int_tag_subjects') }} as subjects
        on costs.scope_id = subjects.scope_id and costs.subject_id = subjects.subject_id
    where
        exists (
            select 1 from tags
            where subjects.resource_id = tags.resource_id and tags.outcome = 'decides' and tags.own_tag is null
        )
    group by 1, 2, 3, 4, 5, 6, 7
),

resource_costs as (
    select
        costs.source_name,
        costs.sub_account_id,
        costs.resource_id,
        max(costs.charge_date) as last_day,
        -- Currencies are never added together.
        case
            when min(costs.billing_currency) = max(costs.billing_currency)
                then coalesce(
                    sum(case when costs.delivery_period = complete_month.delivery_period then costs.effective_cost end), 0
                )
        end as effective_cost
    from costs
    cross join complete_month
    group by 1, 2, 3
),

-- What the resource was on its last day, by the rules of that day.
last_subjects as (
    select distinct
        resource_costs.source_name,
        resource_costs.sub_account_id,
        resource_costs.resource_id,
        resource_costs.last_day,
        resource_costs.effective_cost,
        costs.scope_id,
        costs.subject_id
    from resource_costs
    inner join costs
        on
            resource_costs.source_name = costs.source_name
            and coalesce(resource_costs.sub_account_id, '') = coalesce(costs.sub_account_id, '')
            and resource_costs.resource_id = costs.resource_id
            and resource_costs.last_day = costs.charge_date
),

proposed as (
    select
        last_subjects.source_name,
        last_subjects.sub_account_id,
        last_subjects.resource_id,
        last_subjects.effective_cost,
        tags.tag_key,
        tags.tag_value,
        tags.virtual_tag_rule,
        tags.outcome,
        -- Charges of one resource may differ in service; the first rule counts.
        row_number() over (
            partition by last_subjects.source_name, last_subjects.sub_account_id, last_subjects.resource_id, tags.tag_key
            order by (tags.outcome <> 'decides'), tags.rule_position, {{ bytewise('tags.tag_value') }}
        ) as priority,
        max(case when tags.own_tag is null then 0 else 1 end) over (
            partition by last_subjects.source_name, last_subjects.sub_account_id, last_subjects.resource_id, tags.tag_key
        ) = 1 as has_own_tag
    from last_subjects
    inner join tags
        on
            last_subjects.scope_id = tags.scope_id
            and last_subjects.subject_id = tags.subject_id
            and last_subjects.last_day >= tags.valid_from
            and last_subjects.last_day < tags.valid_to
    where tags.outcome in ('decides', 'tagged')
)

select
    {{ uuid_of([
        'proposed.source_name', 'proposed.sub_account_id', 'proposed.resource_id', 'proposed.tag_key', 'proposed.tag_value',
    ]) }} as proposal_id,
    proposed.source_name,
    proposed.sub_account_id,
    proposed.resource_id,
    proposed.tag_key,
    proposed.tag_value,
    proposed.virtual_tag_rule,
    cast(agreement.agreeing_count as numeric) / agreement.both_count as confidence,
    proposed.effective_cost
from proposed
left join agreement on proposed.virtual_tag_rule = agreement.virtual_tag_rule and proposed.tag_key = agreement.tag_key
where proposed.priority = 1 and proposed.outcome = 'decides' and not proposed.has_own_tag
