{#- Usage of AI models: its classes, which have prices of their own, and how models and services are called on either side. -#}

{% macro ai_token_classes() -%}
    {#- Disjoint: their sum is what was read and written. -#}
    {{ return([
        'uncached_input_tokens', 'cache_read_tokens', 'cache_write_5m_tokens', 'cache_write_1h_tokens', 'input_audio_tokens',
        'cache_read_audio_tokens', 'input_image_tokens', 'cache_read_image_tokens', 'input_video_tokens', 'output_tokens',
        'output_audio_tokens', 'output_image_tokens', 'output_video_tokens',
    ]) }}
{%- endmacro %}


{% macro ai_unit_classes() -%}
    {{ return([
        'image_count', 'audio_seconds', 'character_count', 'session_count', 'storage_byte_hours', 'web_search_count', 'tool_call_count',
    ]) }}
{%- endmacro %}


{% macro ai_tool_classes() -%}
    {#- What providers charge apart from the model. -#}
    {{ return(['session_count', 'web_search_count', 'tool_call_count']) }}
{%- endmacro %}


{% macro ai_model_classes() -%}
    {#- What the model itself used. -#}
    {{ return(ai_token_classes() + (ai_unit_classes() | reject('in', ai_tool_classes()) | list)) }}
{%- endmacro %}


{% macro ai_extra_classes() -%}
    {#- What few models charge on top, and others lack no price of: requests, and reasoning, which is output. -#}
    {{ return(['request_count', 'reasoning_tokens']) }}
{%- endmacro %}


{% macro ai_priced_classes() -%}
    {{ return(ai_token_classes() + ai_unit_classes() + ai_extra_classes()) }}
{%- endmacro %}


{% macro ai_counts() -%}
    {#- Every count of a record that adds up. -#}
    {{ return(['request_count', 'failed_request_count'] + ai_token_classes() + ['reasoning_tokens'] + ai_unit_classes()) }}
{%- endmacro %}


{% macro ai_usage_sums() -%}
    {#- What adds up over hours and days. Costs of models and of tools are parts of the computed cost. -#}
    {{ return(
        ['record_count'] + ai_counts() + ['reported_cost', 'computed_cost', 'list_cost', 'model_cost', 'list_model_cost']
        + (ai_tool_classes() | map('replace', '_count', '_cost') | list)
    ) }}
{%- endmacro %}


{% macro sum_of_columns(columns, row=none) -%}
    {%- for column in columns %}{{ ' + ' if not loop.first }}coalesce({{ row ~ '.' if row }}{{ column }}, 0){% endfor -%}
{%- endmacro %}


{% macro ai_cost_at(classes, price) -%}
    {#- What hourly counts cost at the prices of a kind; classes without one cost nothing here, and are named in unpriced_classes. -#}
    {%- for class in classes %}{{ ' + ' if not loop.first }}coalesce(hourly.{{ class }} * prices.{{ class }}_{{ price }}, 0){% endfor -%}
{%- endmacro %}


{% macro ai_price_status(row=none) -%}
    {%- set prefix = row ~ '.' if row else '' -%}
    case
        when {{ prefix }}price_version is null then 'no price'
        when {{ prefix }}unpriced_classes is not null then 'incomplete'
        else 'priced'
    end
{%- endmacro %}


{% macro unpriced_in_any(unpriced_classes) -%}
    {#- Aggregate: the classes that lack a price in any row, in their order. -#}
    nullif(concat_ws(
        ', '
        {%- for class in ai_token_classes() + ai_unit_classes() %},
        max(case when ', ' || {{ unpriced_classes }} || ',' like '%, {{ class }},%' then '{{ class }}' end)
        {%- endfor %}
    ), '')
{%- endmacro %}


{% macro ai_service_name(provider) -%}
    {#- The service that usage of a provider is charged as: what rules on service names look at. -#}
    case {{ provider }}
        when 'openai' then 'OpenAI API'
        when 'anthropic' then 'Claude API'
        when 'aws' then 'Amazon Bedrock'
        else {{ provider }}
    end
{%- endmacro %}


{% macro ai_is_prepaid(provider, service_tier) -%}
    {#- Anthropic sells its priority tier ahead, and no cost report has what is used of it. -#}
    ({{ provider }} = 'anthropic' and {{ service_tier }} like 'priority%')
{%- endmacro %}


{% macro ai_provider(service_provider_name, service_name) -%}
    {#- Of a charge: the provider as usage names it, null for what is no AI service that usage is known of. Bedrock first: models of other
        vendors are sold by them there. -#}
    case
        when {{ service_name }} ilike '%bedrock%' then 'aws'
        when lower({{ service_provider_name }}) in ('openai', 'anthropic') then lower({{ service_provider_name }})
    end
{%- endmacro %}


{% macro ai_charge_model(provider, service_name, sku_id, sku_meter) -%}
    {#- Of a charge: the model in the one spelling. -#}
    {%- set bedrock = ai_bedrock_model(service_name, sku_meter) -%}
    {{ ai_model_key('case when ' ~ provider ~ " = 'aws' then " ~ bedrock ~ ' else ' ~ sku_id ~ ' end') }}
{%- endmacro %}


{% macro ai_model_key(model) %}{{ return(adapter.dispatch('ai_model_key')(model)) }}{% endmacro %}
{#- One spelling of a model for usage and bills: anthropic.claude-3-5-sonnet-20241022-v2:0 and Claude3.5SonnetV2 are claude35sonnetv2,
    claude-haiku-4-5-20251001 and Claude4.5Haiku claude45haiku. Version 1 is not written on bills. -#}
{% macro default__ai_model_key(model) -%}
    regexp_replace(
        regexp_replace(
            regexp_replace(
                regexp_replace(
                    regexp_replace(
                        lower({{ model }}),
                        '^.*/|^([a-z-]{2,6}\.)?(amazon|anthropic|meta|mistral|cohere)\.|^(us|eu|apac|global)\.', ''
                    ),
                    '-20[0-9]{6}(?![0-9])|-instruct(?=-v[0-9])', ''
                ),
                '(-v1)?:[0-9]+(:[0-9a-z]+)?$|-v1$', ''
            ),
            '[^a-z0-9]', '', 'g'
        ),
        '^claude(opus|sonnet|haiku)([0-9]+)', 'claude\2\1'
    )
{%- endmacro %}


{% macro ai_bedrock_model(service_name, usage_type) %}{{ return(adapter.dispatch('ai_bedrock_model')(service_name, usage_type)) }}{% endmacro %}
{#- The model that a Bedrock line of AWS is for. Models of other vendors are services of their own, named after the model; of
    Amazon's own service the usage type names it: USE1-Nova-Lite-input-tokens. -#}
{% macro default__ai_bedrock_model(service_name, usage_type) -%}
    case
        when {{ service_name }} like '% (Amazon Bedrock Edition)' then regexp_replace({{ service_name }}, ' \(Amazon Bedrock Edition\)$', '')
        else nullif(regexp_replace(
            regexp_replace({{ usage_type }}, '^[A-Z]{2,4}[0-9]?-', ''),
            '-(input|output|cache|batch|cross-region|priority|flex|prompt|text|image|video|audio|custom|latency)(-.*)?$', '', 'i'
        ), '')
    end
{%- endmacro %}


{% macro ai_meter_class(meter) -%}
    {#- What a cost line is for: a class of usage as it is named here, or the provider's own word (a usage type, a line item). -#}
    case
        when {{ meter }} in ('{{ ai_priced_classes() | join("', '") }}') then {{ meter }}
        when {{ meter }} ilike '%web%search%' then 'web_search_count'
        when {{ meter }} ilike '%code%execution%' or {{ meter }} ilike '%code%interpreter%' then 'session_count'
        when {{ meter }} ilike '%file%search%' then 'tool_call_count'
        when {{ meter }} ilike '%cache%read%' then 'cache_read_tokens'
        when {{ meter }} ilike '%cache%write%1h%' or {{ meter }} ilike '%cache%write%1-h%' then 'cache_write_1h_tokens'
        when {{ meter }} ilike '%cache%write%' then 'cache_write_5m_tokens'
        when {{ meter }} ilike '%output%token%' then 'output_tokens'
        when {{ meter }} ilike '%input%token%' then 'uncached_input_tokens'
    end
{%- endmacro %}


{% macro ai_units_in(pricing_unit) -%}
    {#- How many tokens one unit of a bill is. AWS went from 1K to 1M tokens, so the line itself is asked. -#}
    case
        when {{ pricing_unit }} ilike '1k %' or {{ pricing_unit }} ilike '%1000%' or {{ pricing_unit }} ilike 'thousand%' then 1000
        when {{ pricing_unit }} ilike '1m %' or {{ pricing_unit }} ilike '%million%' then 1000000
        else 1
    end
{%- endmacro %}


{% macro ai_usage_item(provider, project_id, model_key, api_key_id) %}{{ return(adapter.dispatch('ai_usage_item')(provider, project_id, model_key, api_key_id)) }}{% endmacro %}
{#- What charges and usage are matched by. Without a key: of all keys together. -#}
{% macro default__ai_usage_item(provider, project_id, model_key, api_key_id) -%}
    case when {{ model_key }} <> '' then concat_ws('/', {{ provider }}, coalesce({{ project_id }}, '-'), {{ model_key }}, {{ api_key_id }}) end
{%- endmacro %}


{% macro ai_item_of_charge(row) -%}
    {#- Of a row of cost_records. What a provider's own report says of a key is divided among the users of that key. -#}
    {%- set provider = ai_provider(row ~ '.service_provider_name', row ~ '.service_name') -%}
    {{ ai_usage_item(
        provider,
        row ~ '.sub_account_id',
        ai_charge_model(provider, row ~ '.service_name', row ~ '.sku_id', row ~ '.sku_meter'),
        "case when " ~ row ~ ".service_name not ilike '%bedrock%' then " ~ row ~ '.resource_id end'
    ) }}
{%- endmacro %}
