-- What owners are reported for a month is the sum of its converted rows.
{{ same_totals(
    ref('reporting_costs'),
    ref('fx_effects'),
    ['billing_period', 'billing_currency', 'reporting_currency', 'team', 'cost_center', 'project'],
    [
        'billed_cost', 'effective_cost', 'contracted_cost', 'list_cost',
        'reporting_billed_cost', 'reporting_effective_cost', 'reporting_contracted_cost', 'reporting_list_cost',
    ],
) }}
