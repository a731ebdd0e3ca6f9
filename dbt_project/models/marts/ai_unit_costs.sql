-- One row per month and unit (everything, provider, model, team, product): what a request and a thousand tokens cost, and how they were used.
-- Ratios are null where there is nothing to divide by. Costs are those of usage that is priced, divided by its own requests and tokens.
{{ config(materialized='view') }}
{%- set inputs = ['uncached_input_tokens', 'cache_read_tokens', 'cache_write_5m_tokens', 'cache_write_1h_tokens', 'input_audio_tokens',
    'cache_read_audio_tokens', 'input_image_tokens', 'cache_read_image_tokens', 'input_video_tokens'] %}
{%- set caches = ['cache_read_tokens', 'cache_read_audio_tokens', 'cache_read_image_tokens'] %}
{%- set outputs = ['output_tokens', 'output_audio_tokens', 'output_image_tokens', 'output_video_tokens'] %}
{%- set sums = ['request_count', 'token_count', 'input_tokens', 'cache_read_tokens', 'output_tokens', 'batch_tokens', 'unpriced_tokens',
    'computed_cost', 'list_cost', 'costed_requests', 'cost_of_requests', 'costed_tokens', 'cost_of_tokens'] %}

with usage as (
    select
        provider,
        coalesce(model, delivered_model, operation) as model,
        team,
        coalesce(project, 'unallocated') as product,
        request_count,
        token_count,
        {{ sum_of_columns(inputs) }} as input_tokens,
        {{ sum_of_columns(caches) }} as cache_read_tokens,
        {{ sum_of_columns(outputs) }} as output_tokens,
        case when service_tier = 'batch' then token_count else 0 end as batch_tokens,
        case when price_status <> 'priced' then token_count else 0 end as unpriced_tokens,
        computed_cost,
        list_cost,
        case when computed_cost is not null then request_count end as costed_requests,
        case when request_count is not null then computed_cost end as cost_of_requests,
        case when model_cost is not null then token_count end as costed_tokens,
        case when token_count > 0 then model_cost end as cost_of_tokens,
        cast(date_trunc('month', charge_date) as date) as usage_month
    from {{ ref('ai_usage') }}
    where not is_repeated
),

-- Summed once before each row counts for its five units.
monthly as (
    select
        provider,
        model,
        team,
        product,
        {%- for sum in sums %}
        sum({{ sum }}) as {{ sum }},
        {%- endfor %}
        usage_month
    from usage
    group by provider, model, team, product, usage_month
),

units as (
    select
        kinds.unit_type,
        case when kinds.unit_type in ('provider', 'model') then monthly.provider end as provider,
        case kinds.unit_type
            when 'provider' then monthly.provider
            when 'model' then monthly.model
            when 'team' then monthly.team
            when 'product' then monthly.product
            else 'all'
        end as unit_name,
        {%- for sum in sums %}
        sum(monthly.{{ sum }}) as {{ sum }},
        {%- endfor %}
        monthly.usage_month
    from monthly
    cross join (values ('all'), ('provider'), ('model'), ('team'), ('product')) as kinds (unit_type)
    group by 1, 2, 3, monthly.usage_month
)

select
    unit_type,
    provider,
    unit_name,
    'USD' as cost_currency,
    request_count,
    token_count,
    input_tokens,
    cache_read_tokens,
    output_tokens,
    batch_tokens,
    unpriced_tokens,
    computed_cost,
    list_cost,
    -- Quotients are not exact: twelve decimals of a dollar.
    round(cost_of_requests / nullif(costed_requests, 0), 12) as cost_per_request,
    round(1000 * cost_of_tokens / nullif(costed_tokens, 0), 12) as cost_per_1k_tokens,
    round(cache_read_tokens / nullif(input_tokens, 0), 6) as cache_hit_share,
    round(output_tokens / nullif(input_tokens, 0), 6) as output_input_ratio,
    round(batch_tokens / nullif(token_count, 0), 6) as batch_share,
    usage_month
from units
