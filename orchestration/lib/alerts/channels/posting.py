"""Post to an address that is given, and to no other."""

from __future__ import annotations

import requests

from orchestration.lib.alerts.outcome import Outcome, lost, of_status


def post(address: str, body: bytes, headers: dict[str, str], who: str, timeout: float) -> Outcome:
    """Post JSON. `who`: the receiver in words; the address itself may be a secret and is never said."""
    try:
        # As a stream, so that an answer without an end is not waited for: its status says everything.
        with requests.post(
            address,
            data=body,
            headers={"Content-Type": "application/json", "User-Agent": "finops-platform", **headers},
            timeout=timeout,
            # Whoever is redirected to would be given the alert.
            allow_redirects=False,
            stream=True,
            # Without it a .netrc of this machine would add a password of its own.
            auth=lambda request: request,
        ) as response:
            return of_status(response.status_code, who, response.headers.get("Retry-After"))
    except requests.exceptions.RequestException as error:
        return lost(error, who, timeout)
