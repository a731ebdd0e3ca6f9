-- One row per declared team.
select
    {{ json_text('teams.value', 'name') }} as team,
    {{ json_text('teams.value', 'cost_center') }} as cost_center,
    {{ json_text('teams.value', 'owner') }} as owner,
    teams.value -> 'aliases' as aliases
from {{ ref('stg_config__sections') }} as sections
cross join lateral {{ json_items('sections.content') }} as teams (value, position)
where sections.section = 'teams'
