-- One row per AI model, tier, context window (null: not told), class of usage and stretch of days: what one unit costs in US dollars.
select
    provider,
    model,
    service_tier,
    context_window,
    price_class,
    unit_price,
    list_unit_price,
    discount,
    price_version,
    origin,
    valid_from,
    valid_to
from {{ source('config', 'ai_prices') }}
