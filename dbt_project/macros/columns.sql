{#- The columns of a relation from the catalogue itself: dbt asks several times for each incremental model, and the views of
    information_schema take as long as the model of a day. -#}
{% macro postgres__get_columns_in_relation(relation) -%}
    {% call statement('get_columns_in_relation', fetch_result=True) %}
        select
            a.attname as column_name,
            format_type(a.atttypid, null) as data_type,
            information_schema._pg_char_max_length(a.atttypid, a.atttypmod) as character_maximum_length,
            information_schema._pg_numeric_precision(a.atttypid, a.atttypmod) as numeric_precision,
            information_schema._pg_numeric_scale(a.atttypid, a.atttypmod) as numeric_scale
        from pg_attribute as a
        inner join pg_class as c on a.attrelid = c.oid
        inner join pg_namespace as n on c.relnamespace = n.oid
        where
            c.relname = '{{ relation.identifier }}'
            and {{ "n.nspname = '" ~ relation.schema ~ "'" if relation.schema else "pg_table_is_visible(c.oid)" }}
            and a.attnum > 0
            and not a.attisdropped
        order by a.attnum
    {% endcall %}
    {{ return(sql_convert_columns_in_relation(load_result('get_columns_in_relation').table)) }}
{%- endmacro %}
