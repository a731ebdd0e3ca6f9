-- One row per source, billing month, billing account, invoice and currency: what was delivered, reported and invoiced.
with delivered as (
    select
        source_name,
        billing_period,
        billing_account_id,
        invoice_issuer_name,
        invoice_id,
        billing_currency,
        sum(billed_cost) as delivered_cost
    from {{ ref('int_charge_totals_daily') }}
    where not is_breakdown
    group by 1, 2, 3, 4, 5, 6
),

reported as (
    select
        source_name,
        billing_period,
        billing_account_id,
        invoice_issuer_name,
        invoice_id,
        billing_currency,
        sum(billed_cost) as reported_cost
    from {{ ref('daily_costs') }}
    group by 1, 2, 3, 4, 5, 6
),

invoices as (
    select * from {{ ref('stg_config__invoices') }}
),

-- An invoice may cover several sources, months or accounts: its amount is compared with the sum of them.
invoice_totals as (
    select
        invoice_issuer_name,
        invoice_id,
        billing_currency,
        sum(delivered_cost) as delivered_cost
    from delivered
    group by 1, 2, 3
)

select
    delivered.source_name,
    delivered.billing_account_id,
    delivered.invoice_issuer_name,
    delivered.invoice_id,
    delivered.billing_currency,
    delivered.delivered_cost,
    reported.reported_cost,
    invoices.invoiced_cost,
    invoice_totals.delivered_cost - invoices.invoiced_cost as difference_cost,
    case
        when invoices.invoiced_cost is null then 'no_invoice'
        -- Invoices are issued in cents; lines go below them.
        when round(invoice_totals.delivered_cost - invoices.invoiced_cost, 2) = 0 then 'reconciled'
        else 'difference'
    end as status,
    delivered.billing_period
from delivered
left join reported
    on
        delivered.source_name = reported.source_name
        and delivered.billing_period = reported.billing_period
        and delivered.billing_account_id is not distinct from reported.billing_account_id
        and delivered.invoice_issuer_name is not distinct from reported.invoice_issuer_name
        and delivered.invoice_id is not distinct from reported.invoice_id
        and delivered.billing_currency is not distinct from reported.billing_currency
left join invoices
    on
        delivered.invoice_issuer_name = invoices.invoice_issuer_name
        and delivered.invoice_id = invoices.invoice_id
        and delivered.billing_currency = invoices.billing_currency
left join invoice_totals
    on
        delivered.invoice_issuer_name = invoice_totals.invoice_issuer_name
        and delivered.invoice_id = invoice_totals.invoice_id
        and delivered.billing_currency = invoice_totals.billing_currency
