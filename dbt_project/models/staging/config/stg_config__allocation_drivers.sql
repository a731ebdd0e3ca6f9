-- One row per driver of cost allocation, team, cost centre, project and day or month: the current quantities.
select
    quantities.driver,
    quantities.team,
    quantities.cost_center,
    quantities.project,
    quantities.quantity,
    quantities.is_monthly,
    quantities.valid_on
from {{ source('config', 'driver_quantities') }} as quantities
inner join {{ source('config', 'driver_versions') }} as versions
    on quantities.driver = versions.driver and quantities.content_hash = versions.content_hash
where versions.superseded_at is null
