-- One row per scope and distinct set of texts of an AWS line item, and what its type means.
select
    scope_id,
    attributes_id,
    bill_invoice_id,
    bill_invoicing_entity,
    bill_billing_entity,
    bill_payer_account_id,
    bill_payer_account_name,
    line_item_usage_account_id,
    line_item_usage_account_name,
    line_item_line_item_type,
    line_item_product_code,
    line_item_usage_type,
    line_item_availability_zone,
    line_item_resource_id,
    line_item_currency_code,
    line_item_line_item_description,
    line_item_legal_entity,
    pricing_rate_code,
    pricing_rate_id,
    pricing_term,
    pricing_unit,
    pricing_currency,
    product_instance_type,
    product_region_code,
    product_sku,
    reservation_reservation_a_r_n,
    savings_plan_savings_plan_a_r_n,
    product_id,
    resource_tags_id,
    split_line_item_parent_resource_id,
    -- Pays in advance for usage that other lines show at its effective cost.
    line_item_line_item_type in ('RIFee', 'SavingsPlanRecurringFee', 'SavingsPlanUpfrontFee')
    or (line_item_line_item_type = 'Fee' and reservation_reservation_a_r_n is not null) as is_commitment_purchase,
    line_item_line_item_type = 'Refund'
    and coalesce(line_item_product_code, '') = 'ComputeSavingsPlans'
    and lower(coalesce(line_item_line_item_description, '')) like '%one-time fee%savings plan%' as is_commitment_refund,
    -- Split cost allocation repeats the cost of the parent resource by container.
    split_line_item_parent_resource_id is not null as is_breakdown,
    {{ utc_month('bill_billing_period_start_date') }} as billing_period
from {{ source('raw', 'cur_line_item_attributes') }}
