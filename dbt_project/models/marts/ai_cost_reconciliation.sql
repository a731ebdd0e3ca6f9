-- One row per AI provider, day, project and currency: what its usage costs at the known prices, what the provider charged, and why they differ.
-- Computed and charged are compared model by model. Each difference has one reason, so the reasons add up to the difference exactly.
{{ config(materialized='view') }}
{%- set tools = {'web_search': 'web_search', 'session': 'code_execution', 'tool_call': 'tool_call'} %}
{%- set reasons = [
    'missing_price', 'priority_tier', 'web_search', 'code_execution', 'tool_call', 'rounding', 'discount', 'usage_not_charged',
    'cost_without_usage', 'unexplained',
] %}

with usage as (
    select
        *,
        -- Tools are charged apart, and their prices are seldom listed.
        price_version is null
        or regexp_replace(coalesce(unpriced_classes, ''), '({{ ai_tool_classes() | join('|') }})(, )?', '', 'g') <> '' as is_unpriced
    from {{ ref('ai_usage') }}
    where not is_repeated
),

charges as (
    select
        *,
        case
            when charge_category = 'Credit' or billed_cost < 0 then 'discount'
            {%- for tool in tools %}
            when usage_class = '{{ tool }}_count' then '{{ tool }}'
            {%- endfor %}
            else 'model'
        end as kind
    from {{ ref('int_ai_charges_daily') }}
    where charge_category <> 'Tax'
),

pieces as (
    select
        provider,
        charge_date,
        project_id,
        'USD' as billing_currency,
        case when {{ ai_is_prepaid('provider', 'service_tier') }} then 'priority' else 'model' end as kind,
        {{ ai_model_key('coalesce(model, delivered_model)') }} as model_key,
        coalesce(model_cost, 0) as computed_cost,
        coalesce(list_model_cost, 0) as list_cost,
        cast(0 as numeric) as charged_cost,
        cast(0 as bigint) as line_count,
        token_count as usage_tokens,
        cast(null as numeric) as charged_tokens,
        true as is_used,
        is_unpriced
    from usage
    where
        model_cost > 0
        or {{ sum_of_columns(ai_model_classes()) }} > 0
    {%- for tool in tools %}

    union all

    select
        provider,
        charge_date,
        project_id,
        'USD' as billing_currency,
        '{{ tool }}' as kind,
        cast(null as text) as model_key,
        coalesce({{ tool }}_cost, 0) as computed_cost,
        coalesce({{ tool }}_cost, 0) as list_cost,
        cast(0 as numeric) as charged_cost,
        cast(0 as bigint) as line_count,
        cast(0 as numeric) as usage_tokens,
        cast(null as numeric) as charged_tokens,
        true as is_used,
        false as is_unpriced
    from usage
    where {{ tool }}_count > 0
    {%- endfor %}

    union all

    select
        provider,
        charge_date,
        project_id,
        billing_currency,
        kind,
        case when kind = 'model' then model_key end as model_key,
        cast(0 as numeric) as computed_cost,
        cast(0 as numeric) as list_cost,
        billed_cost as charged_cost,
        line_count,
        cast(0 as numeric) as usage_tokens,
        case when usage_class in ('{{ ai_token_classes() | join("', '") }}') then consumed_count end as charged_tokens,
        false as is_used,
        false as is_unpriced
    from charges
),

compared as (
    select
        provider,
        charge_date,
        project_id,
        billing_currency,
        kind,
        model_key,
        sum(computed_cost) as computed_cost,
        sum(list_cost) as list_cost,
        sum(charged_cost) as charged_cost,
        sum(charged_cost) - sum(computed_cost) as difference_cost,
        sum(line_count) as line_count,
        -- Each line may have been rounded.
        sum(line_count * {{ rounded_by('charged_cost') }}) as rounding,
        sum(usage_tokens) as usage_tokens,
        sum(charged_tokens) as charged_tokens,
        bool_or(is_used) as is_used,
        bool_or(is_unpriced) as is_unpriced
    from pieces
    group by 1, 2, 3, 4, 5, 6
),

explained as (
    select
        *,
        case
            when kind = 'priority' then 'priority_tier'
            {%- for tool, reason in tools.items() %}
            when kind = '{{ tool }}' then '{{ reason }}'
            {%- endfor %}
            when kind = 'discount' then 'discount'
            when not is_used then 'cost_without_usage'
            when line_count = 0 then 'usage_not_charged'
            when is_unpriced then 'missing_price'
            when abs(difference_cost) <= rounding then 'rounding'
            -- The provider charged what is listed, without the discount that is configured.
            when abs(charged_cost - list_cost) <= rounding then 'discount'
            else 'unexplained'
        end as reason
    from compared
),

summed as (
    select
        provider,
        project_id,
        billing_currency,
        sum(usage_tokens) as usage_token_count,
        sum(charged_tokens) as charged_token_count,
        sum(case when is_unpriced then usage_tokens else 0 end) as unpriced_token_count,
        sum(computed_cost) as computed_cost,
        sum(charged_cost) as charged_cost,
        sum(difference_cost) as difference_cost,
        {%- for reason in reasons %}
        sum(case when reason = '{{ reason }}' then difference_cost else 0 end) as {{ reason }}_cost,
        {%- endfor %}
        sum(case when reason = 'unexplained' then abs(difference_cost) else 0 end) as unexplained_size,
        sum(case when reason = 'rounding' then 0 else abs(difference_cost) end) as size_beyond_rounding,
        charge_date
    from explained
    group by provider, project_id, billing_currency, charge_date
)

select
    provider,
    project_id,
    billing_currency,
    case
        when size_beyond_rounding = 0 then 'reconciled'
        when unexplained_size = 0 then 'explained'
        else 'unexplained'
    end as status,
    usage_token_count,
    charged_token_count,
    unpriced_token_count,
    computed_cost,
    charged_cost,
    difference_cost,
    {%- for reason in reasons %}
    {{ reason }}_cost,
    {%- endfor %}
    cast(date_trunc('month', charge_date) as date) as billing_period,
    charge_date
from summed
