{% macro generate_schema_name(custom_schema_name, node) -%}
    {#- The schema names are the public interface: no prefix from the target. -#}
    {{ custom_schema_name or target.schema }}
{%- endmacro %}


{% macro postgres__get_empty_schema_sql(columns) -%}
    {#- As dbt's own, without its warning on numeric without precision: in PostgreSQL that is the exact type. -#}
    select
    {%- for column in columns.values() %}
        {{ cast('null', column.data_type) }} as {{ adapter.quote(column.name) }}{{ "," if not loop.last }}
    {%- endfor %}
{%- endmacro %}
