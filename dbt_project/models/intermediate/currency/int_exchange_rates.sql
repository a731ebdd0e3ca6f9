-- One row per billing currency and day with charges: the rate to the reporting currency on that day. None without a reporting currency.
with days as (
    select distinct
        billing_currency,
        charge_date
    from {{ ref('int_charge_totals_daily') }}
)

select
    days.billing_currency,
    currencies.reporting_currency,
    case when days.billing_currency = currencies.reporting_currency then 1 else rates.exchange_rate end as exchange_rate,
    days.charge_date
from days
cross join {{ ref('stg_config__currencies') }} as currencies
left join {{ ref('stg_config__exchange_rates') }} as rates
    on
        days.billing_currency = rates.billing_currency
        and days.charge_date >= rates.valid_from
        and days.charge_date < rates.valid_to
