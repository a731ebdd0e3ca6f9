{#- What is written differently from one SQL engine to the next: JSON, hashes, time zones. Each is dispatched, so that an adapter can bring its own. -#}

{% macro json_text(document, key) %}{{ return(adapter.dispatch('json_text')(document, key)) }}{% endmacro %}
{% macro default__json_text(document, key) %}{{ document }} ->> '{{ key }}'{% endmacro %}


{% macro json_value_text(value) %}{{ return(adapter.dispatch('json_value_text')(value)) }}{% endmacro %}
{% macro default__json_value_text(value) %}{{ value }} #>> '{}'{% endmacro %}


{% macro json_items(list) %}{{ return(adapter.dispatch('json_items')(list)) }}{% endmacro %}
{#- The items of a list, none where it is null, as table (value, position from 1). -#}
{% macro default__json_items(list) %}jsonb_array_elements(nullif({{ list }}, cast('null' as jsonb))) with ordinality{% endmacro %}


{% macro json_pairs(document) %}{{ return(adapter.dispatch('json_pairs')(document)) }}{% endmacro %}
{#- The members of an object as table (key, value as JSON). -#}
{% macro default__json_pairs(document) %}jsonb_each({{ document }}){% endmacro %}


{% macro json_text_pairs(document) %}{{ return(adapter.dispatch('json_text_pairs')(document)) }}{% endmacro %}
{#- The members of an object as table (key, value as text). -#}
{% macro default__json_text_pairs(document) %}jsonb_each_text({{ document }}){% endmacro %}


{% macro json_list(document, group, key) %}{{ return(adapter.dispatch('json_list')(document, group, key)) }}{% endmacro %}
{#- A list of texts two levels down; null where it is absent or JSON null. -#}
{% macro default__json_list(document, group, key) %}nullif({{ document }} -> '{{ group }}' -> '{{ key }}', cast('null' as jsonb)){% endmacro %}


{% macro list_allows(list, value) %}{{ return(adapter.dispatch('list_allows')(list, value)) }}{% endmacro %}
{#- True where the list is null or holds the value; a null value is in no list. -#}
{% macro default__list_allows(list, value) %}({{ list }} is null or coalesce(jsonb_exists({{ list }}, {{ value }}), false)){% endmacro %}


{% macro uuid_of(columns) %}{{ return(adapter.dispatch('uuid_of')(columns)) }}{% endmacro %}
{#- The same values give the same id, everywhere and always. -#}
{% macro default__uuid_of(columns) %}cast(cast(md5(concat_ws('|'{% for column in columns %}, coalesce(cast({{ column }} as text), '\N'){% endfor %})) as uuid) as text){% endmacro %}


{% macro utc_month(time) %}{{ return(adapter.dispatch('utc_month')(time)) }}{% endmacro %}
{#- The first day of the UTC month. -#}
{% macro default__utc_month(time) %}cast(date_trunc('month', {{ time }} at time zone 'UTC') as date){% endmacro %}


{% macro utc_time(day) %}{{ return(adapter.dispatch('utc_time')(day)) }}{% endmacro %}
{#- The moment at which a UTC day begins. -#}
{% macro default__utc_time(day) %}(cast({{ day }} as timestamp) at time zone 'UTC'){% endmacro %}


{% macro utc_hour(time) %}{{ return(adapter.dispatch('utc_hour')(time)) }}{% endmacro %}
{#- The moment at which the UTC hour began. -#}
{% macro default__utc_hour(time) %}date_trunc('hour', {{ time }}, 'UTC'){% endmacro %}


{% macro iso_time(text) %}{{ return(adapter.dispatch('iso_time')(text)) }}{% endmacro %}
{#- A text such as 2026-10-01T00:00:00.000Z as a moment; null where it is anything else. -#}
{% macro default__iso_time(text) -%}
    case when {{ text }} ~ '^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T[0-2]\d:[0-5]\d:[0-5]\d' then cast({{ text }} as timestamptz) end
{%- endmacro %}


{% macro common_price(column) %}{{ return(adapter.dispatch('common_price')(column)) }}{% endmacro %}
{#- Aggregate: the value that every row has, else null. Written in the same way whichever row it is taken from. -#}
{% macro default__common_price(column) -%}
    case when min({{ column }}) = max({{ column }}) and count({{ column }}) = count(*) then trim_scale(min({{ column }})) end
{%- endmacro %}


{% macro rounded_by(amount) %}{{ return(adapter.dispatch('rounded_by')(amount)) }}{% endmacro %}
{#- By how much an amount may have been rounded: half of the last digit that is written, at most half a cent. Sums of floats are noisy
    beyond nine digits. -#}
{% macro default__rounded_by(amount) %}least(0.005, greatest(0.0000000005, 0.5 * power(cast(10 as numeric), -scale(trim_scale({{ amount }}))))){% endmacro %}


{% macro bytewise(text) %}{{ return(adapter.dispatch('bytewise')(text)) }}{% endmacro %}
{#- For an order that does not depend on the database's language. -#}
{% macro default__bytewise(text) %}{{ text }} collate "C"{% endmacro %}


{% macro whole_quotient(dividend, divisor) %}{{ return(adapter.dispatch('whole_quotient')(dividend, divisor)) }}{% endmacro %}
{#- The exact integer part of a quotient. Division itself rounds, which could carry a quotient just below an integer over it. -#}
{% macro default__whole_quotient(dividend, divisor) %}div({{ dividend }}, {{ divisor }}){% endmacro %}


{% macro evaluated_once() %}{{ return(adapter.dispatch('evaluated_once')()) }}{% endmacro %}
{#- For a named subquery that must not be repeated for each row that looks into it. -#}
{% macro default__evaluated_once() %}materialized{% endmacro %}


{% macro focus_elements(ratio) %}{{ return(adapter.dispatch('focus_elements')(ratio)) }}{% endmacro %}
{#- FOCUS' details of an allocation with one ratio, exact as JSON number. -#}
{% macro default__focus_elements(ratio) %}jsonb_build_object('Elements', jsonb_build_array(jsonb_build_object('AllocatedRatio', {{ ratio }}))){% endmacro %}


{% macro focus_ratio(details) %}{{ return(adapter.dispatch('focus_ratio')(details)) }}{% endmacro %}
{% macro default__focus_ratio(details) %}cast({{ details }} #>> '{Elements,0,AllocatedRatio}' as numeric){% endmacro %}


{% macro json_object(members) %}{{ return(adapter.dispatch('json_object')(members)) }}{% endmacro %}
{#- An object of texts; members that are null are left out. -#}
{% macro default__json_object(members) %}jsonb_strip_nulls(jsonb_build_object({% for key, value in members.items() %}'{{ key }}', {{ value }}{{ ', ' if not loop.last }}{% endfor %})){% endmacro %}
