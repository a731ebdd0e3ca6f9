{% macro converted(cost, rate, currency, to_currency) -%}
    {#- A cost in another currency, to ten decimals. What is in that currency already keeps every digit.
        Each row is converted by itself, and whatever is reported is a sum of converted rows: so all sums agree. -#}
    {{ return("case when " ~ currency ~ " = " ~ to_currency ~ " then " ~ cost ~ " else round(" ~ cost ~ " * " ~ rate ~ ", 10) end") }}
{%- endmacro %}


{% macro last_day_of(month) -%}
    {{ return(dbt.last_day(month, 'month')) }}
{%- endmacro %}


{% macro listed(text) -%}
    {#- The distinct texts of a group in one, in an order that does not depend on the database's language; null where there are none. -#}
    {{ return(dbt.listagg("distinct " ~ bytewise(text), "', '", "order by " ~ bytewise(text))) }}
{%- endmacro %}
