{% macro same_totals(left, right, keys, measures) %}
    {#- Query for the groups whose sums differ, exactly; a sum of nothing but nulls is null and differs from 0. left, right: relations or queries in brackets. -#}
    with both_sides as (
        select
            {{ keys | join(', ') }}
            {%- for measure in measures %},
            {{ measure }} as left_{{ measure }},
            cast(null as numeric) as right_{{ measure }}
            {%- endfor %}
        from {{ left }} as left_side

        union all

        select
            {{ keys | join(', ') }}
            {%- for measure in measures %},
            cast(null as numeric) as left_{{ measure }},
            {{ measure }} as right_{{ measure }}
            {%- endfor %}
        from {{ right }} as right_side
    )

    select
        {{ keys | join(', ') }}
        {%- for measure in measures %},
        sum(left_{{ measure }}) as left_{{ measure }},
        sum(right_{{ measure }}) as right_{{ measure }}
        {%- endfor %}
    from both_sides
    group by {{ keys | join(', ') }}
    having
        {%- for measure in measures %}
        sum(left_{{ measure }}) is distinct from sum(right_{{ measure }}){{ ' or' if not loop.last }}
        {%- endfor %}
{% endmacro %}
