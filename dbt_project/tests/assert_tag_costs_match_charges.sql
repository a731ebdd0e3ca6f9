-- What tag rules are measured by adds up to the reported costs, by source, delivered month, day and team.
{{ same_totals(
    "(select scopes.source_name, scopes.delivery_period, costs.* from " ~ ref('int_tag_costs_daily') ~ " as costs inner join "
    ~ ref('stg_deliveries__scopes') ~ " as scopes on costs.scope_id = scopes.scope_id)",
    ref('daily_costs'),
    ['source_name', 'delivery_period', 'charge_date', 'team', 'billing_currency'],
    ['effective_cost'],
) }}
