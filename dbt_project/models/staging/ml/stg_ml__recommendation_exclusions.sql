-- One row per kind of saving, resource and reason why nothing could be recommended for it.
select
    kind,
    resource_id,
    reason
from {{ source('ml', 'recommendation_exclusions') }}
