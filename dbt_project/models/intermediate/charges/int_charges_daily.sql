-- One row per scope, day, distinct attributes and part of the lines of every source.
{%- set columns = 'scope_id, charge_date, attributes_id, is_unused_part, line_count, consumed_quantity, pricing_quantity, '
    ~ 'billed_cost, effective_cost, contracted_cost, list_cost, charge_period_start, charge_period_end, '
    ~ 'contracted_unit_price, list_unit_price, commitment_discount_quantity, pricing_currency_contracted_unit_price, '
    ~ 'pricing_currency_effective_cost, pricing_currency_list_unit_price' %}
select {{ columns }} from {{ ref('int_focus_charges_daily') }}
union all
select {{ columns }} from {{ ref('int_cur_charges_daily') }}
