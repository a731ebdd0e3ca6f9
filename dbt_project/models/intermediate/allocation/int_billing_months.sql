-- One row per billing month: a digest of what its allocation is made of, but for settings: each day as it was built, the last day that is
-- final, the quantities of drivers, and the usage of AI models that charges are divided by.
-- The digests of days are those of built_days, which has them once its model is built. depends_on: {{ ref('daily_costs') }}
with charged as (
    select distinct
        billing_period,
        scope_id,
        charge_date
    from {{ ref('int_charge_totals_daily') }}
),

days as (
    select
        charged.billing_period,
        {{ digest_of("built.scope_id || ' ' || built.charge_date || ' ' || built.digest", 'built.scope_id, built.charge_date') }} as digest
    from charged
    inner join {{ built_days() }} as built
        on
            built.model = 'daily_costs'
            and charged.scope_id = built.scope_id
            and charged.charge_date = built.charge_date
    group by 1
),

quantities_by_month as (
    select
        cast(date_trunc('month', valid_on) as date) as valid_month,
        {{ digest_of('quantity_id', 'quantity_id') }} as digest
    from (
        select
            valid_on,
            {{ uuid_of(['driver', 'team', 'cost_center', 'project', 'quantity', 'is_monthly', 'valid_on']) }} as quantity_id
        from {{ ref('stg_config__allocation_drivers') }}
    ) as quantities
    group by 1
),

quantities as (
    -- Those of the month, and of other months that days of it are in.
    select
        months.billing_period,
        {{ digest_of('quantities_by_month.digest', 'quantities_by_month.valid_month') }} as digest
    from (
        select
            billing_period,
            billing_period as valid_month
        from charged
        union distinct
        select
            billing_period,
            cast(date_trunc('month', charge_date) as date) as valid_month
        from charged
    ) as months
    inner join quantities_by_month on months.valid_month = quantities_by_month.valid_month
    group by 1
),

usage_by_day as (
    select
        charge_date,
        {{ digest_of('split_id', 'split_id') }} as digest
    from (
        select
            charge_date,
            {{ uuid_of(['usage_item', 'team', 'cost_center', 'project', 'driver']) }} as split_id
        from {{ ref('int_ai_usage_splits') }}
        -- Without a rule that divides by usage it is not even looked at.
        where
            exists (
                select 1
                from {{ ref('stg_config__allocation_rules') }}
                where allocation_method = 'ai_usage'
            )
    ) as splits
    group by 1
),

usage as (
    select
        dated.billing_period,
        {{ digest_of('usage_by_day.digest', 'usage_by_day.charge_date') }} as digest
    from (
        select distinct
            billing_period,
            charge_date
        from charged
    ) as dated
    inner join usage_by_day on dated.charge_date = usage_by_day.charge_date
    group by 1
)

select
    days.billing_period,
    concat_ws(' ', days.digest, coalesce(cast(final_days.final_day as text), 'none'), quantities.digest, usage.digest) as digest
from days
left join {{ ref('int_final_days') }} as final_days on days.billing_period = final_days.billing_period
left join quantities on days.billing_period = quantities.billing_period
left join usage on days.billing_period = usage.billing_period
