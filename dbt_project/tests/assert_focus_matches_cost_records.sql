-- FOCUS shows the reported costs, exactly, by source, billing month, account, currency and cost basis. The months delivered last are looked
-- at, so that a run does not read its whole history; for every month the shares of a pool add up to 1 (assert_allocation_shares_add_up).
{%- set recent %} in (
    select delivery_period
    from {{ ref('stg_deliveries__scopes') }}
    order by delivery_id desc
    limit 4
) {%- endset %}
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
    where billing_period {{ recent }}
)
{%- endset %}
{{ same_totals(
    reported,
    "(select * from " ~ ref('focus_cost_and_usage') ~ " where x_billing_period" ~ recent ~ ")",
    ['x_source_name', 'x_billing_period', 'billing_account_id', 'sub_account_id', 'billing_currency'],
    ['billed_cost', 'effective_cost', 'contracted_cost', 'list_cost'],
) }}
