-- Every invoice that was entered is on some delivered charge; else its number, issuer or currency is written differently there.
{{ config(severity='warn') }}

select invoices.*
from {{ ref('stg_config__invoices') }} as invoices
left join {{ ref('invoice_reconciliation') }} as reconciled
    on
        invoices.invoice_issuer_name = reconciled.invoice_issuer_name
        and invoices.invoice_id = reconciled.invoice_id
        and invoices.billing_currency = reconciled.billing_currency
where reconciled.invoice_id is null
