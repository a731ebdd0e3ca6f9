-- One row per delivered FOCUS line: its numbers. The texts are in stg_focus__charge_attributes.
select
    scope_id,
    charge_date,
    attributes_id,
    consumed_quantity,
    pricing_quantity,
    billed_cost,
    effective_cost,
    contracted_cost,
    list_cost
from {{ source('raw', 'focus_charges') }}
