-- On each day a charge has one owner: two would count it twice.
select
    scope_id,
    attributes_id,
    is_unused_part,
    valid_from,
    count(*) as owners
from {{ ref('int_charge_owners') }}
group by 1, 2, 3, 4
having count(*) > 1
