-- Usage is there once: one price, one owner and one source that counts for each set of attributes of a day.
{{ config(tags=['thorough']) }}
select
    ai_usage_id,
    count(*) as row_count
from {{ ref('ai_usage') }}
group by 1
having count(*) > 1
