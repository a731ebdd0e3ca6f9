-- What the paths of each pool give adds up to what was charged into it, by every cost basis.
{{ same_totals(
    "(select * from " ~ ref('daily_costs') ~ " where cost_type = 'shared')",
    ref('allocation_lineage'),
    ['source_name', 'billing_period', 'billing_account_id', 'sub_account_id', 'billing_currency', 'charge_category', 'allocation_rule'],
    ['billed_cost', 'effective_cost', 'contracted_cost', 'list_cost'],
) }}
