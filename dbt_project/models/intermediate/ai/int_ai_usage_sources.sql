-- One row per source of AI usage, provider, operation, project and day: whether a source nearer to the provider reports the same usage.
-- A gateway sees requests that the provider reports too: counted twice, they would cost twice.
with configured as (
    select
        {{ json_text('sources.value', 'name') }} as source_name,
        {{ json_text('sources.value', 'format') }} as format
    from {{ ref('stg_config__sections') }} as sections
    cross join lateral {{ json_items('sections.content') }} as sources (value, position)
    where sections.section = 'sources'
),

reported as (
    select distinct
        usage.source_name,
        usage.provider,
        usage.operation,
        usage.project_id,
        usage.charge_date,
        case
            when configured.format in ('openai', 'anthropic', 'bedrock_logs') then 1
            when configured.format = 'bedrock_metrics' then 2
            else 3
        end as distance
    from {{ ref('int_ai_usage_daily') }} as usage
    left join configured on split_part(usage.source_name, '/', 1) = configured.source_name
),

compared as (
    select
        *,
        min(distance) over (partition by provider, charge_date) as nearest,
        min(distance) over (partition by provider, project_id, charge_date) as nearest_of_project
    from reported
)

select
    source_name,
    provider,
    operation,
    project_id,
    charge_date,
    -- What Claude Code tells of developers is among the messages too, or in no bill.
    -- Gateways have projects of their own; the counters and logs of AWS are of the same accounts.
    operation = 'claude_code'
    or distance > case when distance = 3 then nearest else nearest_of_project end as is_repeated
from compared
