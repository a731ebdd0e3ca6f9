-- Savings are of all charges, once, by source, billing month, account, currency, service, team and charge category.
{{ same_totals(
    ref('daily_costs'),
    ref('cost_savings'),
    [
        'source_name', 'billing_period', 'billing_account_id', 'sub_account_id', 'billing_currency', 'service_name', 'team',
        'charge_category',
    ],
    ['billed_cost', 'effective_cost'],
) }}
