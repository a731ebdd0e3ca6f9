"""What a single setting of alerts cannot know: whether secrets are in the file, and whether every route and receiver leads somewhere."""

from __future__ import annotations

import re

from orchestration.lib.alerts.routing import default_route
from orchestration.lib.config_alerting import Alerting
from orchestration.lib.config_document import Document, Location, nearest

_REFERENCE = re.compile(r"\$\{[^}]*\}")
_SECRETS = (("email", "password"), ("slack", "webhook_url"), ("slack", "token"), ("pagerduty", "routing_key"))


def check_alerting(document: Document, alerting: Alerting | None, teams: list[str]) -> None:
    """Report secrets that are written in the file, receivers and teams that are not declared, and receivers that no route names.

    `alerting`: the settings, None where they are wrong in themselves, which is reported elsewhere.
    """
    root = ("alerting",)
    secrets: list[Location] = [(*root, *path) for path in _SECRETS]
    secrets += [path for path in document.written if path[:2] == (*root, "webhooks") and path[3:] == ("secret",)]
    for where in secrets:
        # What is written there is not shown: it is the secret.
        if not _REFERENCE.fullmatch(document.written.get(where, "${}")):
            document.report(where, "is a secret. Put it into an environment variable and write ${ITS_NAME} here.")
    if alerting is None:
        return
    for number, hook in enumerate(alerting.webhooks):
        if any(hook.name == other.name for other in alerting.webhooks[:number]):
            document.report((*root, "webhooks", number, "name"), "is given twice. Each may occur once.")
    known = list(alerting.receivers)
    for number, route in enumerate(alerting.routes):
        for key, names, allowed in (("to", route.to, known), ("teams", route.teams or (), teams)):
            for place, name in enumerate(names):
                if name not in allowed:
                    where = (*root, "routes", number, key, place)
                    what = "teams" if key == "teams" else "receivers"
                    listed = f" Allowed: {', '.join(allowed) or 'none, as none is declared'}." if key == "to" else ""
                    document.report(
                        where, f"{document.shown(where)} is none of the {what}.{nearest(name, allowed)}{listed}"
                    )
    named = {name for route in alerting.routes for name in route.to}
    for receiver in known:
        if receiver not in named and (alerting.routes or default_route(receiver) is None):
            where = _place_of(alerting, receiver)
            document.report(where, f"is told nothing. Name {receiver!r} in a route under alerting.routes.")


def _place_of(alerting: Alerting, receiver: str) -> Location:
    channel, _, name = receiver.partition(".")
    if channel == "webhooks":
        return ("alerting", channel, [hook.name for hook in alerting.webhooks].index(name))
    lists = {"email": ("recipients", name), "slack": ("channels", name)}.get(channel, ()) if name else ()
    return ("alerting", channel, *lists)
