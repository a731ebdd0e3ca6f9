-- One row per invoice that was entered.
select
    {{ json_text('invoices.value', 'invoice_issuer_name') }} as invoice_issuer_name,
    {{ json_text('invoices.value', 'invoice_id') }} as invoice_id,
    {{ json_text('invoices.value', 'billing_currency') }} as billing_currency,
    cast({{ json_text('invoices.value', 'amount') }} as numeric) as invoiced_cost
from {{ ref('stg_config__sections') }} as sections
cross join lateral {{ json_items('sections.content') }} as invoices (value, position)
where sections.section = 'invoices'
