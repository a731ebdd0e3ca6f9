-- FOCUS shows the reported costs, exactly, by source, billing month, account, currency and cost basis. Of some days that were
-- delivered last; of every month the shares of a pool add up to 1 (assert_allocation_shares_add_up), and an export looks at its whole month.
{{ config(tags=['thorough']) }}
-- depends_on: {{ ref('stg_deliveries__scopes') }}
-- depends_on: {{ ref('stg_deliveries__days') }}
{%- set reported -%}
(
    select
        source_name as x_source_name,
        billing_period as x_billing_period,
        billing_account_id,
        sub_account_id,
        billing_currency,
        billed_cost,
        effective_cost,
        contracted_cost,
        list_cost
    from {{ ref('cost_records') }}
    where {{ in_recent_days('charge_date') }}
)
{%- endset %}
{{ same_totals(
    reported,
    "(select * from " ~ ref('focus_cost_and_usage') ~ " where " ~ in_recent_days('x_charge_date') ~ ")",
    ['x_source_name', 'x_billing_period', 'billing_account_id', 'sub_account_id', 'billing_currency'],
    ['billed_cost', 'effective_cost', 'contracted_cost', 'list_cost'],
) }}
