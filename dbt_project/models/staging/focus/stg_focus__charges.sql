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
    list_cost,
    charge_period_start,
    charge_period_end,
    contracted_unit_price,
    list_unit_price,
    commitment_discount_quantity,
    pricing_currency_contracted_unit_price,
    pricing_currency_effective_cost,
    pricing_currency_list_unit_price
from {{ source('raw', 'focus_charges') }}
