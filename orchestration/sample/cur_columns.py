"""The fixed columns of the CUR 2.0 table with resource ids, without split costs, in the order of the export."""

TEXT, NUMBER, TIME, MAP = "string", "double", "timestamp", "map"

_GROUPS = {
    "bill": "bill_type billing_entity billing_period_end_date:t billing_period_start_date:t invoice_id "
    "invoicing_entity payer_account_id payer_account_name",
    "": "cost_category:m discount:m discount_bundled_discount:n discount_total_discount:n "
    "identity_line_item_id identity_time_interval",
    "line_item": "availability_zone blended_cost:n blended_rate currency_code iam_principal legal_entity "
    "line_item_description line_item_type net_unblended_cost:n net_unblended_rate normalization_factor:n "
    "normalized_usage_amount:n operation product_code resource_id tax_type unblended_cost:n "
    "unblended_rate usage_account_id usage_account_name usage_amount:n usage_end_date:t "
    "usage_start_date:t usage_type",
    "pricing": "currency lease_contract_length offering_class public_on_demand_cost:n public_on_demand_rate "
    "purchase_option rate_code rate_id term unit",
    " ": "product:m",
    "product": "comment fee_code fee_description from_location from_location_type from_region_code instance_family "
    "instance_type instancesku location location_type operation pricing_unit product_family region_code "
    "servicecode sku to_location to_location_type to_region_code usagetype",
    "reservation": "amortized_upfront_cost_for_usage:n amortized_upfront_fee_for_billing_period:n availability_zone "
    "effective_cost:n end_time modification_status net_amortized_upfront_cost_for_usage:n "
    "net_amortized_upfront_fee_for_billing_period:n net_effective_cost:n net_recurring_fee_for_usage:n "
    "net_unused_amortized_upfront_fee_for_billing_period:n net_unused_recurring_fee:n net_upfront_value:n "
    "normalized_units_per_reservation number_of_reservations recurring_fee_for_usage:n reservation_a_r_n "
    "start_time subscription_id total_reserved_normalized_units total_reserved_units "
    "units_per_reservation unused_amortized_upfront_fee_for_billing_period:n "
    "unused_normalized_unit_quantity:n unused_quantity:n unused_recurring_fee:n upfront_value:n",
    "  ": "resource_tags:m",
    "savings_plan": "amortized_upfront_commitment_for_billing_period:n end_time instance_type_family "
    "net_amortized_upfront_commitment_for_billing_period:n net_recurring_commitment_for_billing_period:n "
    "net_savings_plan_effective_cost:n offering_type payment_option purchase_term "
    "recurring_commitment_for_billing_period:n region savings_plan_a_r_n savings_plan_effective_cost:n "
    "savings_plan_rate:n start_time total_commitment_to_date:n used_commitment:n",
}
_KINDS = {"": TEXT, "n": NUMBER, "t": TIME, "m": MAP}


def _columns() -> dict[str, str]:
    columns = {}
    for group, names in _GROUPS.items():
        for name, _, kind in (entry.partition(":") for entry in names.split()):
            columns[f"{group.strip()}_{name}".lstrip("_")] = _KINDS[kind]
    return columns


# Column name to type, 114 columns. Rates are texts in the real table: they carry more digits than a double would keep.
CUR_COLUMNS = _columns()
