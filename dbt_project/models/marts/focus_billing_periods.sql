-- One row per invoice issuer and billing month: FOCUS 1.4 BillingPeriod.
{{ config(materialized='view') }}

with periods as (
    select
        invoice_issuer_name,
        billing_period,
        sum(case when invoice_id is not null then 1 else 0 end) as invoiced_charges,
        sum(case when invoice_id is null and billed_cost <> 0 then 1 else 0 end) as charges_without_invoice
    from {{ ref('int_charge_totals_daily') }}
    where not is_breakdown
    group by 1, 2
)

select
    cast(null as timestamptz) as billing_period_created,
    {{ utc_time("(billing_period + interval '1 month')") }} as billing_period_end,
    cast(null as timestamptz) as billing_period_last_updated,
    {{ utc_time('billing_period') }} as billing_period_start,
    case
        when charges_without_invoice = 0 then 'Closed'
        when max(invoiced_charges) over (partition by invoice_issuer_name) > 0 then 'Open'
    end as billing_period_status,
    invoice_issuer_name,
    billing_period as x_billing_period
from periods
