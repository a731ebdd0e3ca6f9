"""Charges as the models leave them, in tables of their names: what commitments are worked out from, without a run of dbt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

_TABLES = """
create schema staging;
create schema intermediate;
create schema finops;
create table staging.stg_deliveries__scopes (scope_id integer, source_name text, format text, delivery_period date);
create table staging.stg_deliveries__maps (map_id bigint, map jsonb);
create table staging.stg_focus__charges (
    scope_id integer, attributes_id bigint, charge_date date, charge_period_start timestamptz, charge_period_end timestamptz,
    consumed_quantity numeric
);
create table staging.stg_cur__line_items (
    scope_id integer, attributes_id bigint, charge_date date, line_item_usage_start_date timestamptz,
    line_item_usage_end_date timestamptz, line_item_usage_amount numeric
);
create table intermediate.int_charge_attributes (
    scope_id integer, attributes_id bigint, is_unused_part boolean default false, is_breakdown boolean default false,
    billing_account_id text default '001', billing_currency text default 'USD', service_provider_name text default 'AWS',
    charge_category text default 'Usage', pricing_category text default 'Standard', resource_id text, sku_id text, sku_meter text,
    region_id text, commitment_discount_id text, commitment_discount_type text, commitment_discount_category text,
    commitment_discount_status text, commitment_program_eligibility_details_id bigint
);
create table intermediate.int_charges_daily (
    scope_id integer, attributes_id bigint, is_unused_part boolean default false, charge_date date, contracted_cost numeric,
    effective_cost numeric, consumed_quantity numeric, charge_period_start timestamptz, charge_period_end timestamptz
);
create table finops.cost_records (charge_date date, pricing_category text);
create table finops.focus_contract_commitments (
    x_source_name text, contract_commitment_id text, contract_commitment_period_end timestamptz, x_payment_option text,
    x_purchase_term text
);
"""
FIRST = date(2026, 8, 1)


class Charges:
    """Charges of one month of a source. Each kind of charge is added with its attributes, and then day by day."""

    def __init__(self, connection: psycopg.Connection[Any], source: str = "aws", format_: str = "cur") -> None:
        self._connection, self._number, self._format = connection, 0, format_
        if connection.execute("select to_regclass('staging.stg_deliveries__scopes')").fetchone() == (None,):
            connection.execute(_TABLES)
        self.insert(
            "staging.stg_deliveries__scopes",
            {"scope_id": 1, "source_name": source, "format": format_, "delivery_period": FIRST},
        )

    def insert(self, table: str, *rows: Mapping[str, Any]) -> None:
        names = list(rows[0])
        statement = sql.SQL("insert into {} ({}) values ({})").format(
            sql.Identifier(*table.split(".")),
            sql.SQL(", ").join(map(sql.Identifier, names)),
            sql.SQL(", ").join([sql.Placeholder()] * len(names)),
        )
        with self._connection.cursor() as cursor:
            cursor.executemany(statement, [list(row.values()) for row in rows])

    def add(
        self,
        days: int,
        cost: str,
        *,
        paid: str | None = None,
        hours: Sequence[int] = (),
        length: timedelta = timedelta(days=1),
        **attributes: Any,
    ) -> None:
        """Usage that costs so much on demand on each day. `hours`: what was used in each hour of a day, where the bill has hours."""
        self._number += 1
        key = {"scope_id": 1, "attributes_id": self._number}
        self.insert("intermediate.int_charge_attributes", {**key, **attributes})
        starts = [datetime.combine(FIRST + timedelta(days=number), time(), UTC) for number in range(days)]
        amounts = {
            "contracted_cost": Decimal(cost),
            "effective_cost": Decimal(paid or cost),
            "consumed_quantity": Decimal(sum(hours) or 24),
        }
        self.insert(
            "intermediate.int_charges_daily",
            *(
                {
                    **key,
                    **amounts,
                    "charge_date": start.date(),
                    "charge_period_start": start,
                    "charge_period_end": start + length,
                }
                for start in starts
            ),
        )
        self.insert(
            "finops.cost_records", *({"charge_date": start.date(), "pricing_category": "Standard"} for start in starts)
        )
        if hours:
            self.insert(
                "staging.stg_cur__line_items",
                *(
                    {
                        **key,
                        "charge_date": start.date(),
                        "line_item_usage_start_date": start + timedelta(hours=hour),
                        "line_item_usage_end_date": start + timedelta(hours=hour + 1),
                        "line_item_usage_amount": quantity,
                    }
                    for start in starts
                    for hour, quantity in enumerate(hours)
                ),
            )

    def details(self, map_id: int, *programs: str) -> None:
        details = {"CommitmentPrograms": [{"ProgramType": name} for name in programs]}
        self.insert("staging.stg_deliveries__maps", {"map_id": map_id, "map": Jsonb(details)})

    def term(self, commitment: str, ends: str | None, payment: str | None, term: str | None) -> None:
        self.insert(
            "finops.focus_contract_commitments",
            {
                "x_source_name": "aws",
                "contract_commitment_id": commitment,
                "contract_commitment_period_end": ends,
                "x_payment_option": payment,
                "x_purchase_term": term,
            },
        )


COVERED: dict[str, Any] = {
    "commitment_discount_id": "sp-1",
    "commitment_discount_type": "Savings Plan",
    "commitment_discount_category": "Spend",
    "commitment_discount_status": "Used",
    "pricing_category": "Committed",
}
UNUSED: dict[str, Any] = {**COVERED, "commitment_discount_status": "Unused"}
