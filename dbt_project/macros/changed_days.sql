{#-
    What was built from what, day by day.

    A delivered day has a digest of its content. intermediate.built_days keeps, for each model of strategy replace_days, the digest
    that each day was built from. Days whose digest differs, and days that are new or gone, are built again; all others stay.

    The digests are read before the content and recorded with the rows, in one transaction. So a day can be recorded with
    an older digest than its content (a load in between: the next run builds it again), never with a newer one,
    and a run that is killed leaves both the rows and the record as they were.
-#}

{% macro built_days() -%}
    {{ return(api.Relation.create(database=target.database, schema=target.schema, identifier='built_days')) }}
{%- endmacro %}


{% macro create_built_days() %}
    create schema if not exists {{ adapter.quote(target.schema) }};
    create table if not exists {{ built_days() }} (
        model text not null,
        scope_id integer not null,
        source_name text not null,
        delivery_period date not null,
        charge_date date not null,
        digest text not null,
        primary key (model, scope_id, charge_date)
    )
{% endmacro %}


{% macro changed_days(parents=none, format=none, digest='digest', sections=[], scope_digests=none) %}
    {#-
        The days that this model has to build again, as {full, days, whole_scopes}: full when there is no table yet;
        days as [scope_id, source_name, delivery_period, charge_date, digest or none where the day is gone];
        whole_scopes the scope ids of which no day stays as it is.

        parents: names of replace_days models this one is made of; without them, the delivered days. format: only those of one.
        digest: what of the delivered days is looked at: all of their content, or only the attributes of their delivery.
        sections: the parts of the configuration that its rows depend on.
        scope_digests: query of scope_id and digest, for what else the rows of a scope depend on.
    -#}
    {% set delivered = ref('stg_deliveries__days') %}
    {% set configured = ref('stg_config__sections') %}
    {% if not execute %}
        {{ return({'full': true, 'days': [], 'whole_scopes': []}) }}
    {% endif %}

    {% set full = not is_incremental() %}
    {#- Not from dbt's cache, which is older than a table that this very run created. -#}
    {% set known = run_query("select to_regclass('" ~ built_days().include(database=false) ~ "')")[0][0] is not none %}
    {% set query %}
        with wanted as (
            select
                scope_id, source_name, delivery_period, charge_date,
                -- The letter keeps dbt from reading a digest as a number.
                'd' || {{ dbt.hash(
                    (dbt.listagg('digest', "','", 'order by model') if parents else 'min(' ~ digest ~ ')')
                    ~ " || '" ~ code_version() ~ "'"
                    ~ (" || min(config_digest)" if sections else "")
                    ~ (" || coalesce(min(scope_digest), '')" if scope_digests else "")
                ) }} as digest
            from
            {%- if parents and known %}
                {{ built_days() }}
            {%- else %}
                {{ delivered }}
            {%- endif %}
            {%- if sections %}
            cross join (
                select {{ dbt.listagg("content_hash", "','", "order by section") }} as config_digest
                from {{ configured }}
                where section in ('{{ sections | join("', '") }}')
            ) as config
            {%- endif %}
            {%- if scope_digests %}
            left join (select scope_id as of_scope_id, digest as scope_digest from ({{ scope_digests }}) as given) as scope_digests
                on scope_id = of_scope_id
            {%- endif %}
            where
            {%- if parents %} {{ "model in ('" ~ parents | join("', '") ~ "')" if known else "false" }}
            {%- if format %} and scope_id in (select days.scope_id from {{ delivered }} as days where days.format = '{{ format }}'){% endif %}
            {%- elif format %} format = '{{ format }}'
            {%- else %} true
            {%- endif %}
            group by scope_id, source_name, delivery_period, charge_date
        ),

        built as (
            {%- if full or not known %}
            select * from wanted where false
            {%- else %}
            select scope_id, source_name, delivery_period, charge_date, digest
            from {{ built_days() }}
            where model = '{{ model.name }}'
            {%- endif %}
        ),

        compared as (
            select
                coalesce(w.scope_id, b.scope_id) as scope_id,
                coalesce(w.source_name, b.source_name) as source_name,
                coalesce(w.delivery_period, b.delivery_period) as delivery_period,
                coalesce(w.charge_date, b.charge_date) as charge_date,
                w.digest,
                coalesce(w.digest, '') <> coalesce(b.digest, '') as is_changed
            from wanted as w
            full join built as b on w.scope_id = b.scope_id and w.charge_date = b.charge_date
        ),

        marked as (
            select *, min(case when is_changed then 1 else 0 end) over (partition by scope_id) as is_whole_scope
            from compared
        )

        select scope_id, source_name, delivery_period, charge_date, digest, is_whole_scope
        from marked
        where is_changed
        order by scope_id, charge_date
    {% endset %}

    {% set days = [] %}
    {% set whole_scopes = [] %}
    {% for row in run_query(query) %}
        {% set scope_id = row['scope_id'] | int %}
        {% do days.append([
            scope_id, row['source_name'], (row['delivery_period'] | string)[:10], (row['charge_date'] | string)[:10], row['digest']
        ]) %}
        {% if row['is_whole_scope'] | int == 1 and scope_id not in whole_scopes %}
            {% do whole_scopes.append(scope_id) %}
        {% endif %}
    {% endfor %}
    {{ return({'full': full, 'days': days, 'whole_scopes': whole_scopes}) }}
{% endmacro %}


{% macro code_version() -%}
    {#- Digest of the SQL of this model and of the views and seeds below it: a new version of the project rebuilds what it changes. -#}
    {%- set seen = [] -%}
    {%- set queue = [model.unique_id] -%}
    {%- for _ in range(1000) if queue -%}
        {%- set unique_id = queue.pop() -%}
        {%- set node = graph.nodes.get(unique_id) -%}
        {%- if node and unique_id not in seen and (unique_id == model.unique_id or node.config.materialized != 'incremental') -%}
            {%- do seen.append(unique_id) -%}
            {%- do queue.extend(node.get('depends_on', {}).get('nodes', [])) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set checksums = [] -%}
    {%- for unique_id in seen | sort -%}
        {%- do checksums.append(graph.nodes[unique_id].checksum.checksum) -%}
    {%- endfor -%}
    {{ return(local_md5(checksums | join(','))) }}
{%- endmacro %}


{% macro note_changes(changes) -%}
    {#- Carries the days from the compiled SQL to the strategy and to the hook, which dbt runs apart from it. -#}
    /* changed days: {{ tojson(changes) }} */
{%- endmacro %}


{% macro noted_changes() -%}
    {%- set found = modules.re.search('/\* changed days: (.*?) \*/', model.compiled_code) -%}
    {%- if not found -%}
        {{ exceptions.raise_compiler_error("Model " ~ model.name ~ " has strategy replace_days and must call note_changes().") }}
    {%- endif -%}
    {{ return(fromjson(found.group(1))) }}
{%- endmacro %}


{% macro in_changed_days(changes, key='scope') -%}
    {#- Condition on the rows to replace, in literals so that partitions and indexes are used. key: 'scope' where rows have scope_id,
        'delivery' where they have source_name and delivery_period. -#}
    {%- if changes.full -%}
        true
    {%- elif not changes.days -%}
        false
    {%- else -%}
        {%- set dates = {} -%}
        {%- for day in changes.days -%}
            {%- set unit = day[0] if key == 'scope' else (day[1], day[2]) -%}
            {%- set is_whole = day[0] in changes.whole_scopes -%}
            {%- do dates.setdefault((unit, is_whole), []).append("date '" ~ day[3] ~ "'") -%}
        {%- endfor -%}
        (
        {%- for (unit, is_whole), in_unit in dates.items() -%}
            {%- if key == 'scope' -%}
                scope_id = {{ unit }}
            {%- else -%}
                source_name = '{{ unit[0] }}' and delivery_period = date '{{ unit[1] }}'
            {%- endif -%}
            {%- if not is_whole or key == 'delivery' %} and charge_date in ({{ in_unit | join(', ') }}){% endif -%}
            {%- if not loop.last %} or {% endif -%}
        {%- endfor -%}
        )
    {%- endif -%}
{%- endmacro %}


{% macro in_changed_scopes(changes, table=none) -%}
    {%- if changes.full -%}
        true
    {%- elif not changes.days -%}
        false
    {%- else -%}
        {{ table ~ '.' if table }}scope_id in ({{ changes.days | map(attribute=0) | unique | join(', ') }})
    {%- endif -%}
{%- endmacro %}


{% macro changed_line_filters(changes) -%}
    {#- The same days as a list of conditions that exclude each other: one for all whole scopes, one for each scope that changed in part.
        Under one `or`, the index on the day would be used for none of them. -#}
    {%- if changes.full or not changes.days -%}
        {{ return([in_changed_days(changes)]) }}
    {%- endif -%}
    {%- set filters = [] -%}
    {%- if changes.whole_scopes -%}
        {%- do filters.append("scope_id in (" ~ changes.whole_scopes | join(', ') ~ ")") -%}
    {%- endif -%}
    {%- for scope_id, days in changes.days | groupby(0) if scope_id not in changes.whole_scopes -%}
        {%- do filters.append(in_changed_days({'full': false, 'days': days, 'whole_scopes': []})) -%}
    {%- endfor -%}
    {{ return(filters) }}
{%- endmacro %}


{% macro replaced_rows(changes) -%}
    {#- The condition on this model's own rows, by the key it says in meta.replace_by: scope_days (default), scopes, delivery_days, or
        version: rows that do not depend on the day are kept until the rules that made them change. -#}
    {%- set key = model.config.meta.get('replace_by', 'scope_days') -%}
    {%- if key == 'scopes' -%}
        {{ in_changed_scopes(changes) }}
    {%- elif key == 'version' -%}
        version <> '{{ changes.version }}'
    {%- else -%}
        {{ in_changed_days(changes, 'delivery' if key == 'delivery_days' else 'scope') }}
    {%- endif -%}
{%- endmacro %}


{% macro get_incremental_replace_days_sql(arguments) %}
    {%- set changes = noted_changes() -%}
    {%- set columns = arguments.dest_columns | map(attribute='quoted') | join(', ') -%}
    {%- if changes.days -%}
        delete from {{ arguments.target_relation }} where {{ replaced_rows(changes) }};
        insert into {{ arguments.target_relation }} ({{ columns }})
        select {{ columns }} from {{ arguments.temp_relation }}
    {%- else -%}
        select 'no day changed'
    {%- endif -%}
{% endmacro %}


{% macro record_built_days() %}
    {%- if execute and model.config.get('incremental_strategy') == 'replace_days' -%}
        {%- set changes = noted_changes() -%}
        {%- if changes.full -%}
            delete from {{ built_days() }} where model = '{{ model.name }}';
        {%- elif changes.days -%}
            delete from {{ built_days() }} where model = '{{ model.name }}' and {{ in_changed_days(changes) }};
        {%- endif -%}
        {%- for day in changes.days if day[4] is not none -%}
            {%- if loop.first -%}
                insert into {{ built_days() }} (model, scope_id, source_name, delivery_period, charge_date, digest) values
            {%- endif %}
            ('{{ model.name }}', {{ day[0] }}, '{{ day[1] }}', date '{{ day[2] }}', date '{{ day[3] }}', '{{ day[4] }}')
            {{- "," if not loop.last else ";" }}
        {%- endfor -%}
        {%- if changes.full or changes.whole_scopes %}
            analyze {{ this }} ({{ model.config.indexes | map(attribute='columns') | sum(start=[]) | unique | join(', ') }});
        {%- endif -%}
    {%- endif -%}
{% endmacro %}


{% macro plan_for_bulk() %}
    {%- if execute and (model.config.get('incremental_strategy') == 'replace_days' or model.config.meta.get('plan') == 'bulk') -%}
        {#- These statements join whole days or scopes, whose sizes PostgreSQL cannot estimate behind JSON and unions: a nested loop
            or a merge on half of a key would take hours where a hash join takes seconds. Aggregates over many groups may
            use more memory than work_mem before they go to disk, and are made scope by scope. -#}
        set local enable_nestloop = off;
        set local enable_mergejoin = off;
        set local enable_partitionwise_aggregate = on;
        set local hash_mem_multiplier = 4;
        set local jit = off
    {%- endif -%}
{% endmacro %}
