-- One row per reporting currency: one where it is configured, else none.
select
    {{ json_text('content', 'reporting') }} as reporting_currency,
    {{ json_text("(content -> 'rates')", 'content_hash') }} as rates_version
from {{ ref('stg_config__sections') }}
where section = 'currencies' and {{ json_text('content', 'reporting') }} is not null
