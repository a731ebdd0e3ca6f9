-- One row per source, billing month, account, currency, service, team, charge category and what is known of their prices: what discounts saved.
-- In every row in which they are known, list_cost - effective_cost = negotiated_savings + commitment_savings, to the last digit.
with months as (
    select
        source_name,
        billing_account_id,
        sub_account_id,
        service_name,
        charge_category,
        team,
        known_prices,
        billing_currency,
        sum(billed_cost) as billed_cost,
        sum(effective_cost) as effective_cost,
        sum(contracted_cost) as contracted_cost,
        sum(list_cost) as list_cost,
        billing_period
    from {{ ref('daily_savings') }}
    group by 1, 2, 3, 4, 5, 6, 7, 8, 13
)

select
    source_name,
    billing_account_id,
    sub_account_id,
    service_name,
    charge_category,
    team,
    known_prices,
    billing_currency,
    billed_cost,
    effective_cost,
    contracted_cost,
    list_cost,
    list_cost - contracted_cost as negotiated_savings,
    contracted_cost - effective_cost as commitment_savings,
    list_cost - effective_cost as total_savings,
    billing_period
from months
