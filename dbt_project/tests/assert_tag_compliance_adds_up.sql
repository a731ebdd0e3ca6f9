-- What is in scope is compliant, missing or invalid; exceptions are a part of what is compliant.
select *
from {{ ref('tag_compliance') }}
where
    in_scope_cost <> compliant_cost + missing_cost + invalid_cost
    or resource_count <> compliant_resource_count + missing_resource_count + invalid_resource_count
    or excepted_resource_count > compliant_resource_count
