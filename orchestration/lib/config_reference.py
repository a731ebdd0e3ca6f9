"""Settings of reference data: files that the organisation keeps of instance types, list prices and what replaces what."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import model_validator

from orchestration.lib.config_places import FilePlace


class ReferenceFile(FilePlace):
    """One file. `valid_from`: since when its prices hold; a price list of AWS tells it itself.

    aws_price_list: the JSON that AWS offers in bulk for one service. prices: CSV of instance_type, region, os, usd_per_hour.
    instance_types: CSV of instance_type, vcpu, memory_mib. successors: CSV of family, and latest_intel, latest_amd, latest_graviton.
    database_successors: CSV without a header of engine, edition, class and the class that replaces it.
    """

    kind: Literal["aws_price_list", "prices", "instance_types", "successors", "database_successors"]
    valid_from: date | None = None

    @model_validator(mode="after")
    def _dated(self) -> ReferenceFile:
        if (self.kind == "prices") != (self.valid_from is not None):
            raise ValueError("valid_from is needed for the kind prices, and for no other")
        return self
