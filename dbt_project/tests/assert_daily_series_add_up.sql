-- What was charged is in every dimension of the daily series, exactly, by day and currency; charges of AI services in that of AI models too.
{%- set dimensions = ['total', 'provider', 'team', 'cost_center', 'project', 'service', 'account'] %}
{%- set charged -%}
(
    select
        dimensions.dimension,
        costs.billing_currency,
        costs.cost,
        costs.charge_date
    from (
        select
            daily_costs.billing_currency,
            daily_costs.charge_date,
            sum(
                coalesce(
                    case reports.cost_basis
                        {%- for basis in ['billed_cost', 'effective_cost', 'contracted_cost', 'list_cost'] %}
                        when '{{ basis }}' then daily_costs.{{ basis }}
                        {%- endfor %}
                    end,
                    0
                )
            ) as cost
        from {{ ref('daily_costs') }} as daily_costs
        cross join {{ ref('stg_config__reports') }} as reports
        group by 1, 2
    ) as costs
    cross join (values ('{{ dimensions | join("'), ('") }}')) as dimensions (dimension)

    union all

    select
        'ai_model' as dimension,
        billing_currency,
        curve_cost + scheduled_cost + irregular_cost as cost,
        charge_date
    from {{ ref('int_series_costs') }}
    where ai_model is not null
)
{%- endset %}
{{ same_totals(charged, ref('int_daily_series'), ['dimension', 'billing_currency', 'charge_date'], ['cost']) }}
