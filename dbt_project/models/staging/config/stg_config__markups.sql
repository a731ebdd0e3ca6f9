-- One row per team and mark-up on what it pays, valid from the first date up to, not including, the second.
select
    {{ json_text('markups.value', 'team') }} as team,
    cast({{ json_text('markups.value', 'percent') }} as numeric) as percent,
    {{ valid_from('markups.value') }} as valid_from,
    {{ valid_to('markups.value') }} as valid_to
from {{ ref('stg_config__sections') }} as sections
cross join lateral {{ json_items("sections.content -> 'markups'") }} as markups (value, position)
where sections.section = 'chargeback'
