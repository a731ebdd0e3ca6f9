-- One row per declared team.
select
    team,
    cost_center,
    owner
from {{ ref('stg_config__teams') }}
