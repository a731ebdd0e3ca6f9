-- One row per scope and day of its current delivery, with the control totals of the delivered lines.
select
    days.scope_id,
    scopes.source_name,
    scopes.format,
    scopes.delivery_period,
    days.charge_date,
    days.line_count,
    days.billed_cost,
    days.effective_cost,
    days.digest,
    scopes.attributes_digest
from {{ source('raw', 'delivery_days') }} as days
inner join {{ ref('stg_deliveries__scopes') }} as scopes on days.scope_id = scopes.scope_id
