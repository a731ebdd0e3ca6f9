-- One row per row of the chargeback as it was signed, of closes that were not taken back.
select
    chargebacks.close_id,
    chargebacks.chargeback_id,
    chargebacks.source_name,
    chargebacks.billing_account_id,
    chargebacks.sub_account_id,
    chargebacks.charge_category,
    chargebacks.team,
    chargebacks.cost_center,
    chargebacks.project,
    chargebacks.cost_type,
    chargebacks.allocation_rule,
    chargebacks.allocation_method,
    chargebacks.billing_currency,
    chargebacks.allocation_share,
    chargebacks.billed_cost,
    chargebacks.effective_cost,
    chargebacks.contracted_cost,
    chargebacks.list_cost,
    chargebacks.billed_markup,
    chargebacks.effective_markup,
    chargebacks.contracted_markup,
    chargebacks.list_markup,
    chargebacks.billing_period,
    chargebacks.adjusts_billing_period,
    chargebacks.adjusts_close_id
from {{ source('audit', 'chargebacks') }} as chargebacks
inner join {{ ref('stg_audit__closes') }} as closes on chargebacks.close_id = closes.close_id
