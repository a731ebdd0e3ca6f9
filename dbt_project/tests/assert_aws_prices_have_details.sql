-- Every product that AWS line items name was read: what focus_cost_and_usage looks up is there.
{{ config(tags=['thorough']) }}
with products as (
    select distinct
        product_id,
        product_instance_type,
        {{ aws_price_details_id('product_id', 'product_instance_type') }} as price_details_id
    from {{ ref('stg_cur__line_item_attributes') }}
)

select products.*
from products
left join {{ ref('int_aws_price_details') }} as details on products.price_details_id = details.price_details_id
where products.price_details_id is not null and details.price_details_id is null
