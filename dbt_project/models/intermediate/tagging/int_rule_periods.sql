-- One row per stretch of days over which no dated rule begins or ends; together they cover all days.
with boundaries as (
    select date '0001-01-01' as valid_from
    union distinct
    select valid_from from {{ ref('stg_config__accounts') }}
    union distinct
    select valid_to from {{ ref('stg_config__accounts') }}
    union distinct
    select valid_from from {{ ref('stg_config__allocation_rules') }}
    union distinct
    select valid_to from {{ ref('stg_config__allocation_rules') }}
    union distinct
    select valid_from from {{ ref('stg_config__virtual_tag_rules') }}
    union distinct
    select valid_to from {{ ref('stg_config__virtual_tag_rules') }}
)

select
    valid_from,
    lead(valid_from, 1, date '9999-12-31') over (order by valid_from) as valid_to
from boundaries
where valid_from < date '9999-12-31'
