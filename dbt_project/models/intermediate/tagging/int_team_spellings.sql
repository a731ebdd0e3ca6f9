-- One row per spelling of a team, folded: which team a tag value means.
with spellings as (
    select
        {{ folded_value('team') }} as folded_team,
        team
    from {{ ref('stg_config__teams') }}

    union all

    select
        {{ folded_value(json_value_text('aliases.value')) }} as folded_team,
        teams.team
    from {{ ref('stg_config__teams') }} as teams
    cross join lateral {{ json_items('teams.aliases') }} as aliases (value, position)
)

select
    folded_team,
    min(team) as team
from spellings
group by 1
