{% macro empty_table() %}
    {#- For a model of strategy append that is made anew as a whole: emptied in the transaction that fills it. A swap of tables, as
        dbt does it, would take the views on the former one away until they are made again, and for good where the run ends before. -#}
    {%- if execute and is_incremental() -%}
        delete from {{ this }}
    {%- endif -%}
{% endmacro %}
