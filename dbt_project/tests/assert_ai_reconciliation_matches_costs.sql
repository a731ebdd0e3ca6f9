-- What is compared is all that was computed and all that was charged, provider by provider and day by day, and the reasons add up.
{{ config(tags=['thorough']) }}
{%- set reconciled = ref('ai_cost_reconciliation') %}
{{ same_totals(
    "(select provider, charge_date, coalesce(computed_cost, 0) as computed_cost, cast(0 as numeric) as charged_cost from "
    ~ ref('ai_usage') ~ " where not is_repeated"
    ~ " union all select provider, charge_date, cast(0 as numeric) as computed_cost, billed_cost as charged_cost from "
    ~ ref('int_ai_charges_daily') ~ " where charge_category <> 'Tax')",
    "(select provider, charge_date, computed_cost, charged_cost from " ~ reconciled ~ ")",
    ['provider', 'charge_date'],
    ['computed_cost', 'charged_cost'],
) }}

union all

select
    provider,
    charge_date,
    computed_cost,
    charged_cost,
    difference_cost,
    unexplained_cost
from {{ reconciled }}
where
    difference_cost <> charged_cost - computed_cost
    or difference_cost <> missing_price_cost + priority_tier_cost + web_search_cost + code_execution_cost + tool_call_cost
    + rounding_cost + discount_cost + usage_not_charged_cost + cost_without_usage_cost + unexplained_cost
