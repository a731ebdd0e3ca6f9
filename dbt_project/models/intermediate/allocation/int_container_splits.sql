-- One row per day, parent resource, month, currency and owner: what of the parent's cost AWS gives to the owner's containers, with their part
-- of what was idle.
with splits as (
    select
        scope_id,
        attributes_id,
        charge_date,
        split_cost
    from {{ ref('int_cur_charges_daily') }}
    where split_cost is not null
)

select
    parents.split_line_item_parent_resource_id as parent_resource_id,
    owners.team,
    owners.cost_center,
    owners.project,
    parents.line_item_currency_code as billing_currency,
    sum(splits.split_cost) as split_cost,
    parents.billing_period,
    splits.charge_date
from splits
inner join {{ ref('stg_cur__line_item_attributes') }} as parents
    on splits.scope_id = parents.scope_id and splits.attributes_id = parents.attributes_id
inner join {{ ref('int_charge_owners') }} as owners
    on
        splits.scope_id = owners.scope_id
        and splits.attributes_id = owners.attributes_id
        and not owners.is_unused_part
        and splits.charge_date >= owners.valid_from
        and splits.charge_date < owners.valid_to
where parents.is_breakdown
group by 1, 2, 3, 4, 5, parents.billing_period, splits.charge_date
