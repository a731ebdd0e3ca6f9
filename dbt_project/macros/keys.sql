{% macro columns_of(table, columns) -%}
    {#- The columns of a table, to select or group by. -#}
    {%- set named = [] -%}
    {%- for column in columns %}{% do named.append(table ~ '.' ~ column) %}{% endfor -%}
    {{ return(named | join(', ')) }}
{%- endmacro %}


{% macro same_key(one, other, columns) -%}
    {#- The condition of a join on columns that are never null. -#}
    {%- set conditions = [] -%}
    {%- for column in columns %}{% do conditions.append(one ~ '.' ~ column ~ ' = ' ~ other ~ '.' ~ column) %}{% endfor -%}
    {{ return(conditions | join(' and ')) }}
{%- endmacro %}
