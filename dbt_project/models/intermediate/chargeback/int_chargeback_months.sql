-- One row per billing month that anything is or was charged for: a digest of what its rows in the chargeback are made of. An open month is
-- what int_chargebacks says; the rows of a settled one depend on what was signed for it, and for which month its changes are next.
with closes as (
    select
        max(billing_period) as last_period,
        {{ digest_of('cast(close_id as text)', 'close_id') }} as digest
    from {{ ref('stg_audit__closes') }}
),

computed as (
    select
        billing_period,
        digest
    from {{ built_months() }}
    where model = 'int_chargebacks'
),

signed as (
    select distinct billing_period from {{ ref('stg_audit__closed_months') }}
),

months as (
    select
        coalesce(computed.billing_period, signed.billing_period) as billing_period,
        coalesce(computed.digest, '') as digest
    from computed
    full join signed on computed.billing_period = signed.billing_period
)

select
    months.billing_period,
    months.digest || case when months.billing_period <= closes.last_period then ' ' || closes.digest else '' end as digest
from months
cross join closes
-- Its digests are those of a model that has to be built before. depends_on: {{ ref('int_chargebacks') }}
