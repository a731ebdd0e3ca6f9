-- One row per currency and stretch of days with the same rate to the reporting currency, the last day not included.
select
    rates.from_currency as billing_currency,
    rates.to_currency as reporting_currency,
    rates.rate as exchange_rate,
    rates.is_inverse,
    rates.rate_date as valid_from,
    lead(rates.rate_date, 1, date '9999-12-31') over (partition by rates.from_currency order by rates.rate_date) as valid_to
from {{ source('config', 'currency_rates') }} as rates
inner join {{ ref('stg_config__currencies') }} as currencies
    on rates.content_hash = currencies.rates_version and rates.to_currency = currencies.reporting_currency
