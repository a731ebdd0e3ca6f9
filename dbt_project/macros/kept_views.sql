{#- A view is made again only where its SQL changed, or where a table below it was dropped and took it along. Every run builds every
    model; making each view anew would cost more than the day that changed. A digest of the SQL is kept as the view's comment. -#}

{% materialization view, adapter='postgres' %}
    {%- set digest = 'sql ' ~ local_md5(sql) -%}
    {%- set kept = run_query(
        "select description from pg_description where classoid = cast('pg_class' as regclass) and objsubid = 0"
        ~ " and objoid = to_regclass('" ~ this.include(database=false) ~ "')"
    ) -%}
    {%- if not should_full_refresh() and kept and kept[0][0] == digest -%}
        {%- call noop_statement('main', 'VIEW KEPT') -%}{{ sql }}{%- endcall -%}
        {{ return({'relations': [this.incorporate(type='view')]}) }}
    {%- endif -%}
    {%- set made = materialization_view_default() -%}
    {%- do run_query("comment on view " ~ this ~ " is '" ~ digest ~ "'") -%}
    {{ return(made) }}
{% endmaterialization %}
