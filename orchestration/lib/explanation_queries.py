"""What an explanation asks the marts. `{basis}` is the cost that is asked for."""

NAMES = "select distinct team from finops.chargeback_reports where billing_period = %(month)s order by 1"

TOTALS = """
select billing_currency, coalesce(sum({basis}), 0)
from finops.chargeback_reports
where team = %(team)s and billing_period = %(month)s
group by 1
order by 1
"""

OWN = """
select billing_currency, coalesce(service_name, 'no service'), coalesce(sum({basis}), 0) as cost
from finops.daily_costs
where team = %(team)s and billing_period = %(month)s and cost_type <> 'shared'
group by 1, 2
order by 1, 3 desc, 2
"""

ORIGINS = """
select
    billing_currency,
    allocation_rule,
    origin_id,
    concat_ws(', ', source_name, coalesce(sub_account_id, billing_account_id), charge_category, charge_date, origin_item,
        'of ' || origin_team),
    allocation_path,
    last_method,
    last_measure,
    sum(driver),
    max(total_driver),
    sum(origin_share),
    coalesce(sum({basis}), 0)
from finops.allocation_lineage
where team = %(team)s and billing_period = %(month)s
group by 1, 2, 3, 4, 5, 6, 7
order by 1, 2, abs(coalesce(sum({basis}), 0)) desc, 4, 5, 3
"""

# What origins are made of, by the keys of allocation_lineage: a rule says which of them its origins have.
_SHARED = """
select
    lineage.origin_id,
    {name} as name,
    coalesce(sum(charges.{{basis}}), 0) as cost
from (
    select distinct
        origin_id, source_name, billing_account_id, sub_account_id, billing_currency, charge_category, allocation_rule,
        allocation_method, rule_valid_from, charge_date, origin_item, origin_team, origin_cost_center, origin_project
    from finops.allocation_lineage
    where team = %(team)s and billing_period = %(month)s
) as lineage
inner join {charges} as charges
    on
        lineage.source_name = charges.source_name
        and lineage.allocation_rule = charges.allocation_rule
        and lineage.billing_currency = charges.billing_currency
        and lineage.charge_category = charges.charge_category
        and lineage.billing_account_id is not distinct from charges.billing_account_id
        and lineage.sub_account_id is not distinct from charges.sub_account_id
        and (lineage.charge_date is null or lineage.charge_date = charges.charge_date)
left join staging.stg_config__allocation_rules as rules
    on
        lineage.allocation_rule = rules.allocation_rule
        and charges.charge_date >= rules.valid_from
        and charges.charge_date < rules.valid_to
where
    charges.billing_period = %(month)s
    and charges.cost_type = 'shared'
    and coalesce(lineage.rule_valid_from, date '0001-01-01') = coalesce(rules.valid_from, date '0001-01-01')
    and (
        not coalesce(rules.keeps_rest, false)
        or (
            lineage.origin_team is not distinct from charges.team
            and lineage.origin_cost_center is not distinct from charges.cost_center
            and lineage.origin_project is not distinct from charges.project
        )
    )
    and case lineage.allocation_method
        when 'commitment_users' then lineage.origin_item is not distinct from charges.commitment_discount_id
        when 'split' then lineage.origin_item is not distinct from charges.{resource}
        else true
    end
    and {condition}
group by 1, 2
"""
_SPLITS = """exists (
    select from finops.allocation_lineage where billing_period = %(month)s and allocation_method = 'split'
)"""
_SERVICE = "coalesce(charges.service_name, 'no service')"

# Containers run on single resources, which only cost_records knows; without them it is not looked at.
MADE_OF = " union all ".join(
    [
        _SHARED.format(
            name=_SERVICE,
            charges="(select *, null::text as no_resource from finops.daily_costs)",
            resource="no_resource",
            condition="lineage.allocation_method is distinct from 'split'",
        ),
        _SHARED.format(
            name=_SERVICE,
            charges=f"(select * from finops.cost_records where {_SPLITS})",  # noqa: S608
            resource="resource_id",
            condition="lineage.allocation_method = 'split'",
        ),
    ]
)

_CHARGE = """concat_ws(', ', charges.charge_category, charges.sub_account_id,
    coalesce(charges.resource_name, charges.resource_id, charges.charge_description))"""
CHARGES = _SHARED.format(
    name=_CHARGE,
    charges="finops.cost_records",
    resource="resource_id",
    condition=f"{_SERVICE} = %(service)s and charges.billing_currency = %(currency)s",
)

OWN_CHARGES = f"""
select {_CHARGE} as name, coalesce(sum({{basis}}), 0) as cost
from finops.cost_records as charges
where
    team = %(team)s and billing_period = %(month)s and cost_type <> 'shared'
    and {_SERVICE} = %(service)s and billing_currency = %(currency)s
group by 1
order by abs(coalesce(sum({{basis}}), 0)) desc, 1
"""  # noqa: S608
