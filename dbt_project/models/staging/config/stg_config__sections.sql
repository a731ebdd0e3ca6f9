-- One row per section of the configuration: its current content, or its content at the time that the variable rules_as_of says.
{%- set as_of = var('rules_as_of', none) %}
{%- set time = "cast('" ~ (as_of | string | replace("'", "''")) ~ "' as timestamp with time zone)" %}
select
    section,
    content_hash,
    content
from {{ source('config', 'sections') }}
{%- if as_of is none %}
where superseded_at is null
{%- else %}
where
    loaded_at <= {{ time }}
    and (superseded_at is null or superseded_at > {{ time }})
{%- endif %}
