-- The shares of each origin add up to exactly 1, over all paths.
select
    origin_id,
    sum(origin_share) as origin_share
from {{ ref('allocation_lineage') }}
group by 1
having sum(origin_share) <> 1
