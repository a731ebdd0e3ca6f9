-- One row per configuration, of which there is one: what reports show.
select {{ json_text('content', 'cost_basis') }} as cost_basis
from {{ ref('stg_config__sections') }}
where section = 'reports'
