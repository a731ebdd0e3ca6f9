-- Every budgeted project, service or provider was charged in some month; else its name is written differently in tags or bills. Teams and cost
-- centres are checked with the configuration.
{{ config(severity='warn') }}

select
    scope_type,
    scope_name
from {{ ref('chargeback_budgets') }}
where scope_type in ('project', 'service', 'provider')
group by 1, 2
having count(counted_currencies) + count(left_out_currencies) = 0
