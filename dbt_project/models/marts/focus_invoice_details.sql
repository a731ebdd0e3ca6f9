-- One row per entered invoice: FOCUS 1.4 InvoiceDetail.
{{ config(materialized='view') }}

with invoices as (
    select * from {{ ref('stg_config__invoices') }}
),

charges as (
    select
        invoice_issuer_name,
        invoice_id,
        billing_currency,
        count(distinct billing_account_id) as accounts,
        min(billing_account_id) as billing_account_id,
        count(distinct billing_period) as months,
        min(billing_period) as billing_period,
        sum(billed_cost) as delivered_cost
    from {{ ref('int_charge_totals_daily') }}
    where not is_breakdown
    group by 1, 2, 3
)

select
    invoices.invoiced_cost as billed_cost,
    case when charges.accounts = 1 then charges.billing_account_id end as billing_account_id,
    invoices.billing_currency,
    case when charges.months = 1 then {{ utc_time("(charges.billing_period + interval '1 month')") }} end as billing_period_end,
    case when charges.months = 1 then {{ utc_time('charges.billing_period') }} end as billing_period_start,
    cast(null as text) as charge_category,
    cast(null as timestamptz) as invoice_detail_created,
    cast(null as text) as invoice_detail_description,
    cast(null as jsonb) as invoice_detail_grain,
    cast(null as text) as invoice_detail_id,
    cast(null as timestamptz) as invoice_detail_last_updated,
    invoices.invoice_id,
    cast(null as timestamptz) as invoice_issue_date,
    cast(null as text) as invoice_issue_status,
    invoices.invoice_issuer_name,
    cast(null as text) as payment_currency,
    cast(null as numeric) as payment_currency_billed_cost,
    cast(null as text) as payment_currency_invoice_detail_id,
    cast(null as timestamptz) as payment_due_date,
    cast(null as text) as payment_terms,
    cast(null as text) as purchase_order_number,
    cast(null as text) as reference_invoice_id,
    charges.delivered_cost as x_delivered_cost
from invoices
left join charges
    on
        invoices.invoice_issuer_name = charges.invoice_issuer_name
        and invoices.invoice_id = charges.invoice_id
        and invoices.billing_currency = charges.billing_currency
