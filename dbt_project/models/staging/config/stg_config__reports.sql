-- One row: what reports show.
select {{ json_text('content', 'cost_basis') }} as cost_basis
from {{ ref('stg_config__sections') }}
where section = 'reports'
