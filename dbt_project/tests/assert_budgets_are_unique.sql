-- In each month a scope has one budget in a currency: two would be two answers.
select
    billing_period,
    scope_type,
    scope_name,
    budget_currency,
    count(*) as budgets
from {{ ref('chargeback_budgets') }}
group by 1, 2, 3, 4
having count(*) > 1
