-- One row per day, item that charges are matched by (provider, project, model, and API key where the charge tells it) and owner of the usage:
-- what a charge of the item is divided by. Computed cost where the item is priced as a whole, else tokens: the two do not mix.
with counted as (
    select usage.*
    from {{ ref('int_ai_usage_daily') }} as usage
    inner join {{ ref('int_ai_usage_sources') }} as sources
        on
            usage.source_name = sources.source_name
            and usage.provider = sources.provider
            and usage.operation = sources.operation
            and usage.project_id is not distinct from sources.project_id
            and usage.charge_date = sources.charge_date
    where not sources.is_repeated and usage.model_key is not null and not {{ ai_is_prepaid('usage.provider', 'usage.service_tier') }}
),

items as (
    {%- for key in ['counted.api_key_id', 'null'] %}
    select
        {{ ai_usage_item('counted.provider', 'counted.project_id', 'counted.model_key', key) }} as usage_item,
        counted.*
    from counted
    {%- if not loop.last %}
    where counted.api_key_id is not null

    union all
    {% endif %}
    {%- endfor %}
),

owned as (
    select
        usage_item,
        charge_date,
        team,
        cost_center,
        project,
        sum(model_cost) as model_cost,
        sum({{ sum_of_columns(ai_token_classes()) }}) as token_count,
        bool_and(model_cost is not null) as is_priced
    from items
    group by 1, 2, 3, 4, 5
),

measured as (
    select
        *,
        bool_and(is_priced) over (partition by usage_item, charge_date)
        and sum(model_cost) over (partition by usage_item, charge_date) > 0 as divides_by_cost
    from owned
)

select
    usage_item,
    team,
    cost_center,
    project,
    case when divides_by_cost then model_cost else token_count end as driver,
    charge_date
from measured
