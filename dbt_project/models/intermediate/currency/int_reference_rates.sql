-- One row per billing currency and billing month with charges: the rate to the reporting currency on the last day of the month.
with months as (
    select distinct
        billing_currency,
        billing_period,
        {{ last_day_of('billing_period') }} as last_day
    from {{ ref('int_charge_totals_daily') }}
)

select
    months.billing_currency,
    currencies.reporting_currency,
    case when months.billing_currency = currencies.reporting_currency then 1 else rates.exchange_rate end as reference_rate,
    months.billing_period
from months
cross join {{ ref('stg_config__currencies') }} as currencies
left join {{ ref('stg_config__exchange_rates') }} as rates
    on
        months.billing_currency = rates.billing_currency
        and months.last_day >= rates.valid_from
        and months.last_day < rates.valid_to
