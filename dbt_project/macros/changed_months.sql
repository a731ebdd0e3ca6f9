{#-
    The same as changed_days.sql, for models whose rows depend on a whole billing month: parts of a pool, and who pays what.

    intermediate.built_months keeps, for each model of strategy replace_months, the digest that each billing month was built from. Months whose
    digest differs, and months that are new or gone, are built again; all others stay.
-#}

{% macro built_months() -%}
    {{ return(api.Relation.create(database=target.database, schema=target.schema, identifier='built_months')) }}
{%- endmacro %}


{% macro create_built_months() %}
    create table if not exists {{ built_months() }} (
        model text not null,
        billing_period date not null,
        digest text not null,
        primary key (model, billing_period)
    )
{% endmacro %}


{% macro digest_of(text, order) -%}
    {#- Aggregate: one digest of the texts of a group, null where there are none. -#}
    {{ return(dbt.hash(dbt.listagg(text, "','", "order by " ~ order))) }}
{%- endmacro %}


{% macro changed_months(digests=none, parent=none, sections=[]) %}
    {#-
        The billing months that this model has to build again, as {full, months}: full when there is no table yet; months as
        [billing_period, digest or none where the month is gone].

        digests: the name of a model of billing_period and digest of what a month is made of; parent: that of a replace_months model that
        this one is made of instead, or as well. sections: the parts of the configuration that its rows depend on.
    -#}
    {% set configured = ref('stg_config__sections') %}
    {% set months = ref(digests) if digests else none %}
    {% if not execute %}
        {{ return({'full': true, 'months': []}) }}
    {% endif %}

    {% set full = not is_incremental() %}
    {% set query %}
        with parts as (
            {%- if digests %}
            select billing_period, '' as part, digest from {{ months }}
            {%- endif %}
            {{- " union all " if digests and parent }}
            {%- if parent %}
            select billing_period, model as part, digest from {{ built_months() }} where model = '{{ parent }}'
            {%- endif %}
        ),

        wanted as (
            select
                billing_period,
                -- The letter keeps dbt from reading a digest as a number.
                'd' || {{ dbt.hash(
                    dbt.listagg("part || digest", "','", "order by part")
                    ~ " || '" ~ code_version() ~ "'"
                    ~ (" || coalesce(min(config_digest), '')" if sections else "")
                ) }} as digest
            from parts
            {%- if sections %}
            cross join (
                select {{ dbt.listagg("content_hash", "','", "order by section") }} as config_digest
                from {{ configured }}
                where section in ('{{ sections | join("', '") }}')
            ) as config
            {%- endif %}
            group by billing_period
        ),

        built as (
            select billing_period, digest
            from {{ built_months() }}
            where model = '{{ model.name }}'{{ ' and false' if full }}
        )

        select
            coalesce(wanted.billing_period, built.billing_period) as billing_period,
            wanted.digest
        from wanted
        full join built on wanted.billing_period = built.billing_period
        where coalesce(wanted.digest, '') <> coalesce(built.digest, '')
        order by 1
    {% endset %}

    {% set found = [] %}
    {% for row in run_query(query) %}
        {% do found.append([(row['billing_period'] | string)[:10], row['digest']]) %}
    {% endfor %}
    {{ return({'full': full, 'months': found}) }}
{% endmacro %}


{% macro in_changed_months(changes, column='billing_period') -%}
    {#- Condition on the rows to build, in literals so that indexes are used. -#}
    {%- if changes.full -%}
        true
    {%- elif not changes.months -%}
        false
    {%- else -%}
        {%- set months = [] -%}
        {%- for month in changes.months -%}
            {%- do months.append("date '" ~ month[0] ~ "'") -%}
        {%- endfor -%}
        {{ column }} in ({{ months | join(', ') }})
    {%- endif -%}
{%- endmacro %}


{% macro get_incremental_replace_months_sql(arguments) %}
    {%- set changes = noted_changes() -%}
    {%- set columns = arguments.dest_columns | map(attribute='quoted') | join(', ') -%}
    {%- if changes.months -%}
        delete from {{ arguments.target_relation }} where {{ in_changed_months(changes, model.config.meta.get('month', 'billing_period')) }};
        insert into {{ arguments.target_relation }} ({{ columns }})
        select {{ columns }} from {{ arguments.temp_relation }}
    {%- else -%}
        select 'no month changed'
    {%- endif -%}
{% endmacro %}


{% macro record_built_months() %}
    {%- if execute and model.config.get('incremental_strategy') == 'replace_months' -%}
        {%- set changes = noted_changes() -%}
        {%- if changes.full or changes.months -%}
            delete from {{ built_months() }} where model = '{{ model.name }}' and {{ in_changed_months(changes) }};
        {%- endif -%}
        {%- for month in changes.months if month[1] is not none -%}
            {%- if loop.first -%}
                insert into {{ built_months() }} (model, billing_period, digest) values
            {%- endif %}
            ('{{ model.name }}', date '{{ month[0] }}', '{{ month[1] }}')
            {{- "," if not loop.last else ";" }}
        {%- endfor -%}
        {%- if changes.full or changes.months %}
            analyze {{ this }};
        {%- endif -%}
    {%- endif -%}
{% endmacro %}
