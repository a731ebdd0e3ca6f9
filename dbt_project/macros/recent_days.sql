{% macro in_recent_days(column) -%}
    {#- Condition on the first and the two last days of the four newest deliveries, in literals so that indexes are used: what a test of
        single charges looks at, which would otherwise read the whole history in every run. -#}
    {%- set newest -%}
        with scopes as (
            select scope_id
            from {{ ref('stg_deliveries__scopes') }}
            where format <> 'ai_usage'
            order by delivery_id desc
            limit 4
        ),

        days as (
            select
                days.charge_date,
                row_number() over (partition by days.scope_id order by days.charge_date) as from_first,
                row_number() over (partition by days.scope_id order by days.charge_date desc) as from_last
            from {{ ref('stg_deliveries__days') }} as days
            inner join scopes on days.scope_id = scopes.scope_id
        )

        select distinct charge_date from days where from_first = 1 or from_last <= 2 order by 1
    {%- endset -%}
    {%- set days = [] -%}
    {%- for row in run_query(newest) if execute -%}
        {%- do days.append("date '" ~ (row[0] | string)[:10] ~ "'") -%}
    {%- endfor -%}
    {{ column }} in ({{ days | join(', ') or 'null' }})
{%- endmacro %}
