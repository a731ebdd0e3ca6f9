{% macro folded_tag_key(key) -%}
    {#- user:Cost-Center, user_cost_center and CostCenter are one key. -#}
    {{ return("replace(replace(replace(regexp_replace(lower(trim(" ~ key ~ ")), '^user[:_]', ''), '-', ''), '_', ''), ' ', '')") }}
{%- endmacro %}


{% macro folded_value(value) -%}
    {{ return("lower(trim(" ~ value ~ "))") }}
{%- endmacro %}


{% macro valid_from(document) -%}
    {{ return("coalesce(cast(" ~ json_text(document, 'valid_from') ~ " as date), date '0001-01-01')") }}
{%- endmacro %}


{% macro valid_to(document) -%}
    {{ return("coalesce(cast(" ~ json_text(document, 'valid_to') ~ " as date), date '9999-12-31')") }}
{%- endmacro %}
