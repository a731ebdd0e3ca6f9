-- One row per recommendation that there ever was: the last event of its life.
with numbered as (
    select
        recommendation_id,
        state,
        reason,
        until,
        decided_by,
        decided_on,
        facts,
        min(decided_on) over (partition by recommendation_id) as found_on,
        row_number() over (partition by recommendation_id order by event_id desc) as number_from_last
    from {{ source('ml', 'recommendation_states') }}
)

select
    recommendation_id,
    state,
    reason as state_reason,
    until as dismissed_until,
    decided_by,
    decided_on,
    found_on,
    facts
from numbered
where number_from_last = 1
