-- One row per scope, day, hour and distinct attributes of AI usage: the sums of its counts, and what they cost at the prices of the day.
-- Prices are looked up once per model, tier, context window and day, not per record.
{{ config(
    materialized='incremental',
    tags=['near_real_time'],
    incremental_strategy='replace_days',
    on_schema_change='sync_all_columns',
    indexes=[{'columns': ['scope_id', 'charge_date']}],
) }}
{%- set classes = ai_priced_classes() %}
{%- set model_classes = ai_model_classes() + ai_extra_classes() %}
{%- set price_key = ['provider', 'model', 'service_tier', 'context_window'] %}
{#- The prices that hold on days of a scope for what it used, and no others: a new price of today leaves older months as they are. -#}
{%- set price_digests %}
    with used as (
        select distinct
            attributes.scope_id,
            attributes.provider,
            attributes.model,
            attributes.service_tier,
            days.first_day,
            days.last_day
        from {{ ref('stg_ai__usage_attributes') }} as attributes
        inner join (
            select scope_id, min(charge_date) as first_day, max(charge_date) as last_day
            from {{ ref('stg_deliveries__days') }}
            where format = 'ai_usage'
            group by scope_id
        ) as days on attributes.scope_id = days.scope_id
    )
    select
        used.scope_id,
        md5(string_agg(
            concat_ws(
                '|', used.provider, coalesce(used.model, '-'), used.service_tier, coalesce(prices.context_window, '-'), prices.price_class,
                trim_scale(prices.unit_price), trim_scale(prices.list_unit_price), prices.price_version,
                greatest(prices.valid_from, used.first_day), least(prices.valid_to, used.last_day + 1)
            ), ';'
            order by used.provider, used.model, used.service_tier, prices.context_window, prices.price_class, prices.valid_from
        )) as digest
    from used
    inner join {{ ref('stg_config__ai_prices') }} as prices
        on
            used.provider = prices.provider and used.model is not distinct from prices.model and used.service_tier = prices.service_tier
            and prices.valid_from <= used.last_day and prices.valid_to > used.first_day
    group by used.scope_id
{%- endset %}
{%- set changes = changed_days(format='ai_usage', scope_digests=price_digests) %}
{{ note_changes(changes) }}

with hourly as (
    {%- for line_filter in changed_line_filters(changes) %}
    select
        scope_id,
        charge_date,
        attributes_id,
        {{ utc_hour('usage_start') }} as usage_hour,
        cast(count(*) as bigint) as record_count,
        {%- for count in ai_counts() %}
        sum({{ count }}) as {{ count }},
        {%- endfor %}
        sum(reported_cost) as reported_cost
    from {{ ref('stg_ai__usage_records') }}
    where {{ line_filter }}
    group by 1, 2, 3, 4
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
),

attributes as (
    select
        scope_id,
        attributes_id,
        {{ price_key | join(',\n        ') }}
    from {{ ref('stg_ai__usage_attributes') }}
    where {{ in_changed_scopes(changes) }}
),

keyed_days as (
    select distinct
        attributes.{{ price_key | join(',\n        attributes.') }},
        hourly.charge_date
    from hourly
    inner join attributes on hourly.scope_id = attributes.scope_id and hourly.attributes_id = attributes.attributes_id
),

prices as (
    select
        keyed_days.{{ price_key | join(',\n        keyed_days.') }},
        keyed_days.charge_date,
        {%- for class in classes %}
        max(case when prices.price_class = '{{ class }}' then prices.unit_price end) as {{ class }}_price,
        max(case when prices.price_class = '{{ class }}' then prices.list_unit_price end) as {{ class }}_list_price,
        {%- endfor %}
        {{ listed('prices.price_version') }} as price_version
    from keyed_days
    inner join {{ ref('stg_config__ai_prices') }} as prices
        on
            keyed_days.provider = prices.provider
            and keyed_days.model is not distinct from prices.model
            and keyed_days.service_tier = prices.service_tier
            and keyed_days.context_window is not distinct from prices.context_window
            and keyed_days.charge_date >= prices.valid_from
            and keyed_days.charge_date < prices.valid_to
    group by 1, 2, 3, 4, 5
),

valued as (
    select
        hourly.*,
        nullif(concat_ws(
            ', '
            {%- for class in ai_token_classes() + ai_unit_classes() %},
            case when hourly.{{ class }} <> 0 and prices.{{ class }}_price is null then '{{ class }}' end
            {%- endfor %}
        ), '') as unpriced_classes,
        {%- for prefix in ['', 'list_'] %}
        case when prices.price_version is not null then {{ ai_cost_at(model_classes, prefix ~ 'price') }} end as {{ prefix }}model_cost,
        {%- for class in ai_tool_classes() %}
        hourly.{{ class }} * prices.{{ class }}_{{ prefix }}price as {{ prefix }}{{ class | replace('_count', '_cost') }},
        {%- endfor %}
        {%- endfor %}
        prices.price_version
    from hourly
    inner join attributes on hourly.scope_id = attributes.scope_id and hourly.attributes_id = attributes.attributes_id
    left join prices
        on
            attributes.provider = prices.provider
            and attributes.model is not distinct from prices.model
            and attributes.service_tier = prices.service_tier
            and attributes.context_window is not distinct from prices.context_window
            and hourly.charge_date = prices.charge_date
)

select
    scope_id,
    charge_date,
    attributes_id,
    usage_hour,
    record_count,
    {{ ai_counts() | join(',\n    ') }},
    reported_cost,
    price_version,
    {{ ai_price_status() }} as price_status,
    unpriced_classes,
    {%- for prefix, total in [('', 'computed'), ('list_', 'list')] %}
    {{ prefix }}model_cost
    {%- for class in ai_tool_classes() %} + coalesce({{ prefix }}{{ class | replace('_count', '_cost') }}, 0){% endfor %} as {{ total }}_cost,
    {%- endfor %}
    model_cost,
    list_model_cost,
    -- Parts of the computed cost that providers charge apart from the model.
    {{ ai_tool_classes() | map('replace', '_count', '_cost') | join(',\n    ') }}
from valued
