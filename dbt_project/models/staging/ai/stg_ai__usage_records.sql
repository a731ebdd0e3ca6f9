-- One row per delivered record of AI usage, a bucket of a provider or a request of a log: its counts. The texts are in stg_ai__usage_attributes.
select
    scope_id,
    charge_date,
    attributes_id,
    usage_start,
    usage_end,
    {{ ai_counts() | join(',\n    ') }},
    reported_cost
from {{ source('raw', 'ai_usage_records') }}
