-- What teams pay by the current deliveries and rules adds up to the reported costs by source, billing month, account, currency, charge category
-- and cost basis: allocation loses and adds nothing.
{{ same_totals(
    ref('daily_costs'),
    ref('int_chargebacks'),
    ['source_name', 'billing_period', 'billing_account_id', 'sub_account_id', 'billing_currency', 'charge_category'],
    ['billed_cost', 'effective_cost', 'contracted_cost', 'list_cost'],
) }}
