-- With a reporting currency, every cost is in reporting_costs once, in the currency that it was billed in.
{{ same_totals(
    "(select daily.* from " ~ ref('daily_costs') ~ " as daily cross join " ~ ref('stg_config__currencies') ~ ")",
    ref('reporting_costs'),
    ['source_name', 'billing_period', 'charge_date', 'billing_currency', 'team', 'cost_center', 'project', 'charge_category', 'cost_type'],
    ['billed_cost', 'effective_cost', 'contracted_cost', 'list_cost'],
) }}
