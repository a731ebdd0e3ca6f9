-- One row per section of the configuration: its current content.
select
    section,
    content_hash,
    content
from {{ source('config', 'sections') }}
where superseded_at is null
