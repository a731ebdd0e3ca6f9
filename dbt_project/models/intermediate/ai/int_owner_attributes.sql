-- One row per scope, distinct attributes and part of charges, and per scope and distinct attributes of AI usage: what owners are found by.
-- Usage has owners by the same rules as charges, though it is none: no model of costs reads these rows of it.
select
    scope_id,
    attributes_id,
    is_unused_part,
    charge_category,
    commitment_discount_status,
    {{ subject_columns() | join(',\n    ') }}
from {{ ref('int_charge_attributes') }}

union all

select
    scope_id,
    attributes_id,
    false as is_unused_part,
    'Usage' as charge_category,
    cast(null as text) as commitment_discount_status,
    coalesce(api_key_id, principal) as resource_id,
    cast(null as text) as resource_name,
    project_id as sub_account_id,
    project_name as sub_account_name,
    service_name,
    tags_id,
    cast(null as bigint) as allocated_tags_id
from {{ ref('stg_ai__usage_attributes') }}
