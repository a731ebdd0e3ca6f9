{#- What tagging shares: how subjects are named, when what is known of a text is forgotten, and regular expressions. -#}

{% macro rules_version(sections) -%}
    {#- Digest of the SQL and of parts of the configuration. -#}
    {%- set query -%}
        select {{ dbt.listagg("content_hash", "','", "order by section") }}
        from {{ ref('stg_config__sections') }}
        where section in ('{{ sections | join("', '") }}')
    {%- endset -%}
    {{ return(local_md5(code_version() ~ run_query(query)[0][0]) if execute else '') }}
{%- endmacro %}


{% macro subject_columns() -%}
    {{ return(['resource_id', 'resource_name', 'sub_account_id', 'sub_account_name', 'service_name', 'tags_id', 'allocated_tags_id']) }}
{%- endmacro %}


{% macro subject_id(table) %}{{ return(adapter.dispatch('subject_id')(table)) }}{% endmacro %}
{#- What rules look at as one number, which joins faster than seven columns. The separators are in no name. -#}
{% macro default__subject_id(table) -%}
    cast(md5(concat_ws(chr(31){% for column in subject_columns() %}, coalesce(cast({{ table }}.{{ column }} as text), chr(30)){% endfor %})) as uuid)
{%- endmacro %}


{% macro matches_pattern(text, pattern, any_case=false) %}{{ return(adapter.dispatch('matches_pattern')(text, pattern, any_case)) }}{% endmacro %}
{% macro default__matches_pattern(text, pattern, any_case) %}{{ text }} {{ '~*' if any_case else '~' }} {{ pattern }}{% endmacro %}


{% macro captured_groups(text, pattern) %}{{ return(adapter.dispatch('captured_groups')(text, pattern)) }}{% endmacro %}
{#- JSON list of what the groups of a pattern captured; the whole match where it has none. -#}
{% macro default__captured_groups(text, pattern) %}to_jsonb(regexp_match({{ text }}, {{ pattern }})){% endmacro %}


{% macro filled_template(template, groups) -%}
    {#- A text with what was captured in place of \1 to \9. A backslash that was captured is hidden meanwhile: it must not be read as one of the text. -#}
    {%- set filled = namespace(sql=template) -%}
    {%- for number in range(1, 10) -%}
        {%- set filled.sql = "replace(" ~ filled.sql ~ ", '\\" ~ number ~ "', replace(coalesce(" ~ groups ~ " ->> " ~ (number - 1) ~ ", ''), '\\', chr(1)))" -%}
    {%- endfor -%}
    {{ return("replace(" ~ filled.sql ~ ", chr(1), '\\')") }}
{%- endmacro %}


{% macro json_object_of(key, value) %}{{ return(adapter.dispatch('json_object_of')(key, value)) }}{% endmacro %}
{#- Aggregate: an object, null of no rows. -#}
{% macro default__json_object_of(key, value) %}jsonb_object_agg({{ key }}, {{ value }}){% endmacro %}


{% macro json_list_of(value, order) %}{{ return(adapter.dispatch('json_list_of')(value, order)) }}{% endmacro %}
{#- Aggregate: a list, null of no rows. -#}
{% macro default__json_list_of(value, order) %}jsonb_agg({{ value }} order by {{ order }}){% endmacro %}


{% macro json_member_text(document, key) %}{{ return(adapter.dispatch('json_member_text')(document, key)) }}{% endmacro %}
{#- The text of a member whose key is a column. -#}
{% macro default__json_member_text(document, key) %}{{ document }} ->> {{ key }}{% endmacro %}
