-- One row per mapping of an account to its team, valid from the first date up to, not including, the second.
select
    {{ json_text('accounts.value', 'sub_account_id') }} as sub_account_id,
    {{ json_text('accounts.value', 'team') }} as team,
    {{ json_text('accounts.value', 'project') }} as project,
    {{ json_text('accounts.value', 'environment') }} as environment,
    {{ valid_from('accounts.value') }} as valid_from,
    {{ valid_to('accounts.value') }} as valid_to
from {{ ref('stg_config__sections') }} as sections
cross join lateral {{ json_items('sections.content') }} as accounts (value, position)
where sections.section = 'accounts'
