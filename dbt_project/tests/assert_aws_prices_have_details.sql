-- Every product that AWS line items name is described, once: what focus_cost_and_usage looks up is there.
select
    attributes.scope_id,
    attributes.attributes_id
from {{ ref('int_charge_attributes') }} as attributes
inner join {{ ref('stg_cur__line_item_attributes') }} as line_items
    on attributes.scope_id = line_items.scope_id and attributes.attributes_id = line_items.attributes_id
left join {{ ref('int_aws_price_details') }} as details on attributes.sku_price_details_id = details.price_details_id
where attributes.sku_price_details_id is not null and details.price_details_id is null
