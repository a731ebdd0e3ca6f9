"""What assets use."""

import dagster as dg

from orchestration.lib import postgres


class Warehouse(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The PostgreSQL warehouse.

    Its URL is asked for when it is used and is no setting of the resource, so that no password reaches run config or the UI.
    """

    def url(self) -> str:
        """The URL of the running warehouse, started where it is the embedded one. Raises FinopsError where there is none."""
        return postgres.ensure_running()
