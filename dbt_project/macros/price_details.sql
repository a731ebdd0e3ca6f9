{#- What AWS reports say of a product, as properties of FOCUS' SkuPriceDetails. -#}

{% macro aws_price_details_id(product_id, instance_type) %}{{ return(adapter.dispatch('aws_price_details_id')(product_id, instance_type)) }}{% endmacro %}
{#- 64 bits, as the ids of maps have. AWS delivers the instance type in a column of its own, so the map alone does not tell. -#}
{% macro default__aws_price_details_id(product_id, instance_type) -%}
    case
        when {{ product_id }} is not null or {{ instance_type }} is not null
            then cast(cast('x' || left(md5(concat_ws('|', coalesce(cast({{ product_id }} as text), ''), {{ instance_type }})), 16) as bit(64)) as bigint)
    end
{%- endmacro %}


{% macro aws_property_name(key) %}{{ return(adapter.dispatch('aws_property_name')(key)) }}{% endmacro %}
{#- max_volume_size and maxVolumeSize are MaxVolumeSize. -#}
{% macro default__aws_property_name(key) -%}
    replace(initcap(replace(regexp_replace({{ key }}, '([a-z0-9])([A-Z])', '\1 \2', 'g'), '_', ' ')), ' ', '')
{%- endmacro %}


{% macro number_in(text, unit='') %}{{ return(adapter.dispatch('number_in')(text, unit)) }}{% endmacro %}
{#- The number of a text such as '1,952 GiB' (unit: ' GiB'); null where it is anything else. -#}
{% macro default__number_in(text, unit) -%}
    case
        when {{ text }} ~ '^([0-9]+|[0-9]{1,3}(,[0-9]{3})+)(\.[0-9]+)?{{ unit }}$'
            then trim_scale(cast(replace(replace({{ text }}, ',', ''), '{{ unit }}', '') as numeric))
    end
{%- endmacro %}


{% macro json_value_of(value) %}{{ return(adapter.dispatch('json_value_of')(value)) }}{% endmacro %}
{#- A text or an exact number as JSON. -#}
{% macro default__json_value_of(value) %}to_jsonb({{ value }}){% endmacro %}
