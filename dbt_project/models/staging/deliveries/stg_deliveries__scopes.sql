-- One row per scope: a source and the billing month that was delivered.
select
    scope_id,
    source_name,
    format,
    billing_period as delivery_period,
    attributes_digest,
    delivery_id
from {{ source('raw', 'scopes') }}
