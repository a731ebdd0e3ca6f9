-- One row per scope and subject: what tag rules look at (names, account, service, tag set) of the charges that have it in common.
{{ config(
    materialized='incremental',
    tags=['near_real_time'],
    incremental_strategy='replace_days',
    on_schema_change='sync_all_columns',
    meta={'replace_by': 'scopes'},
    indexes=[{'columns': ['scope_id']}],
) }}
{%- set changes = changed_days(digest='attributes_digest') %}
{{ note_changes(changes) }}

with subjects as (
    select distinct
        scope_id,
        {{ subject_columns() | join(',\n        ') }}
    from {{ ref('int_owner_attributes') }}
    where {{ in_changed_scopes(changes) }}
)

select
    {{ subject_id('subjects') }} as subject_id,
    subjects.*
from subjects
