-- One row per distinct map (tags, product attributes) that any line carries.
select
    map_id,
    map
from {{ source('raw', 'maps') }}
