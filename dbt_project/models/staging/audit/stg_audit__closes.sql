-- One row per close that was not taken back: a billing month that is signed.
select
    closes.close_id,
    closes.billing_period,
    closes.closed_at,
    closes.closed_by,
    closes.row_count,
    closes.content_hash
from {{ source('audit', 'closes') }} as closes
left join {{ source('audit', 'reopenings') }} as reopenings on closes.close_id = reopenings.close_id
where reopenings.close_id is null
