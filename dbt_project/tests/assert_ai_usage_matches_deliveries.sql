-- Each delivered day of AI usage is there with as many records as the loader counted, and every record has an owner.
{{ same_totals(
    "(select * from " ~ ref('stg_deliveries__days') ~ " where format = 'ai_usage')",
    "(select scope_id, charge_date, record_count as line_count from " ~ ref('int_ai_usage_daily') ~ " where team is not null)",
    ['scope_id', 'charge_date'],
    ['line_count'],
) }}
