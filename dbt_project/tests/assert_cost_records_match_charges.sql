-- The reported costs add up to the delivered ones by source, billing month, account, currency and cost basis. daily_costs is the sum of cost_records.
{{ same_totals(
    "(select * from " ~ ref('int_charge_totals_daily') ~ " where not is_breakdown)",
    ref('daily_costs'),
    ['source_name', 'billing_period', 'billing_account_id', 'sub_account_id', 'billing_currency', 'invoice_id'],
    ['line_count', 'billed_cost', 'effective_cost', 'contracted_cost', 'list_cost'],
) }}
