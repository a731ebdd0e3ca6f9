"""A message as Slack's Block Kit wants it: the most severe alerts in full, the others in a line each."""

from __future__ import annotations

from typing import Any

from orchestration.lib.alerts.alert import Alert, Severity
from orchestration.lib.alerts.store import Message
from orchestration.lib.alerts.words import facts

MOST_IN_FULL = 6
_MARKS: dict[Severity, str] = {
    "critical": ":rotating_light:",
    "high": ":red_circle:",
    "medium": ":large_orange_circle:",
    "low": ":white_circle:",
}
# Slack refuses the whole message where a part of it is longer.
_LONGEST_HEADER, _LONGEST_TEXT, _LONGEST_FIELD, _MOST_FIELDS = 150, 2900, 1900, 10


def blocks(message: Message) -> list[dict[str, Any]]:
    """At most 50 blocks, as Slack allows."""
    found: list[dict[str, Any]] = []
    for alert in message.alerts[:MOST_IN_FULL]:
        found += [*([{"type": "divider"}] if found else []), *_in_full(alert)]
    others = message.alerts[MOST_IN_FULL:]
    if others:
        found.append({"type": "divider"})
        lines = [f"{_MARKS[alert.severity]} {escaped(alert.title)[:200]}" for alert in others]
        for start in range(0, len(lines), 10):
            found.append({"type": "section", "text": _markdown("\n".join(lines[start : start + 10]))})
    return found


def _in_full(alert: Alert) -> list[dict[str, Any]]:
    title = {"type": "plain_text", "text": _cut(alert.title, _LONGEST_HEADER), "emoji": False}
    fields = [_markdown(_cut(f"*{escaped(name)}*\n{escaped(value)}", _LONGEST_FIELD)) for name, value in facts(alert)]
    found: list[dict[str, Any]] = [
        {"type": "header", "text": title},
        {
            "type": "section",
            "text": _markdown(
                _cut(f"{_MARKS[alert.severity]} *{alert.severity}*  {escaped(alert.text)}", _LONGEST_TEXT)
            ),
        },
    ]
    if fields:
        found.append({"type": "section", "fields": fields[:_MOST_FIELDS]})
    if alert.link:
        found.append({"type": "context", "elements": [_markdown(f"<{escaped(alert.link)}|Open>")]})
    return found


def escaped(text: str) -> str:
    """A text that means itself, so that no name in a bill calls a channel or is a link.

    >>> escaped("a <!channel> & b")
    'a &lt;!channel&gt; &amp; b'
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _markdown(text: str) -> dict[str, Any]:
    # Verbatim: nothing in it becomes a mention or a link by itself.
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"
