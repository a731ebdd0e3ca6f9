-- One row per distinct product attributes and instance type of AWS line items: what they say of the price, as FOCUS names it.
-- A product is read once: the content of a map never changes.
{{ config(
    materialized='incremental',
    incremental_strategy='replace_days',
    on_schema_change='sync_all_columns',
    meta={'replace_by': 'version'},
    indexes=[{'columns': ['price_details_id'], 'unique': true}],
) }}
{%- set changes = dict(changed_days(format='cur', digest='attributes_digest'), version=code_version() if execute else '') %}
{{ note_changes(changes) }}

with delivered as (
    select distinct
        product_id,
        product_instance_type,
        {{ aws_price_details_id('product_id', 'product_instance_type') }} as price_details_id
    from {{ ref('stg_cur__line_item_attributes') }}
    where
        (product_id is not null or product_instance_type is not null)
        and {{ in_changed_scopes(changes) }}
),

products as (
    select * from delivered
    where
        true
        {%- if is_incremental() %}
        and not exists (
            select 1 from {{ this }} as known
            where delivered.price_details_id = known.price_details_id and known.version = '{{ changes.version }}'
        )
        {%- endif %}
)

select
    products.price_details_id,
    details.price_details,
    '{{ changes.version }}' as version
from products
left join {{ ref('stg_deliveries__maps') }} as maps on products.product_id = maps.map_id
cross join lateral (  -- noqa: ST05
    with written as (
        select
            pairs.written_key,
            pairs.written_value,
            {{ aws_property_name('pairs.written_key') }} as aws_name
        from {{ json_text_pairs('maps.map') }} as pairs (written_key, written_value)
        union all
        -- The empty key is before all others: the column wins over an entry of the map.
        select
            '' as written_key,
            products.product_instance_type as written_value,
            'InstanceType' as aws_name
    ),

    told as (
        select
            aws_name,
            written_value,
            case
                when aws_name in ('Vcpu', 'Gpu') then {{ number_in('written_value') }}
                when aws_name = 'Memory' then {{ number_in('written_value', ' GiB') }}
            end as written_number,
            row_number() over (partition by aws_name order by {{ bytewise('written_key') }}) as priority
        from written
        where
            -- AWS's words for what a product does not have.
            trim(written_value) not in ('', 'NA', 'N/A')
            -- Names, places and meters have columns of their own in FOCUS.
            and lower(aws_name) not in (
                'productname', 'productfamily', 'servicecode', 'servicename', 'sku', 'instancesku', 'usagetype', 'operation',
                'region', 'regioncode', 'location', 'locationtype'
            )
    ),

    named as (
        select
            case
                when aws_name = 'Vcpu' and written_number is not null then 'CoreCount'
                when aws_name = 'Gpu' and written_number is not null then 'GpuCount'
                when aws_name = 'Memory' and written_number is not null then 'MemorySize'
                when aws_name = 'InstanceTypeFamily' then 'InstanceSeries'
                -- Of S3 it is the name of the service.
                when aws_name = 'StorageMedia' and written_value like '%-backed' then 'DiskType'
                when aws_name = 'DeploymentOption' then 'Redundancy'
                when aws_name in ('InstanceType', 'OperatingSystem', 'StorageClass') then aws_name
                else 'x_' || aws_name
            end as focus_name,
            coalesce({{ json_value_of('written_number') }}, {{ json_value_of('written_value') }}) as focus_value
        from told
        where priority = 1
    )

    select {{ json_object_of('named.focus_name', 'named.focus_value') }} as price_details
    from named
) as details
