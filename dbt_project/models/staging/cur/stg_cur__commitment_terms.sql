-- One row per scope and commitment that an AWS line item names: when it runs and how it is paid.
select
    scope_id,
    coalesce(savings_plan_savings_plan_a_r_n, reservation_reservation_a_r_n) as commitment_id,
    max({{ iso_time('coalesce(savings_plan_start_time, reservation_start_time)') }}) as period_start,
    max({{ iso_time('coalesce(savings_plan_end_time, reservation_end_time)') }}) as period_end,
    max(coalesce(savings_plan_payment_option, pricing_purchase_option)) as payment_option,
    max(coalesce(savings_plan_purchase_term, pricing_lease_contract_length)) as purchase_term
from {{ source('raw', 'cur_line_item_attributes') }}
where savings_plan_savings_plan_a_r_n is not null or reservation_reservation_a_r_n is not null
group by 1, 2
