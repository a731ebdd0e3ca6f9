"""The schema alerts: what is told, to whom, and what became of each message. Readers of marts have no access to it."""

from __future__ import annotations

from typing import Any

import psycopg

_TABLES = """
create schema if not exists alerts;
create table if not exists alerts.alerts (
    alert_id text primary key,
    kind text not null,
    severity text not null,
    team text,
    title text not null,
    facts jsonb not null,
    body text not null,
    occurred_on date not null,
    link text,
    figure jsonb,
    queued_at timestamptz not null
);
comment on table alerts.alerts is 'Everything that was told, or is to be: an alert id occurs once, for ever.';
create table if not exists alerts.messages (
    message_id text primary key,
    receiver text not null,
    state text not null default 'queued' check (state in ('queued', 'sent', 'failed')),
    created_at timestamptz not null,
    next_at timestamptz not null,
    ended_at timestamptz,
    outcome text
);
create index if not exists messages_queued on alerts.messages (next_at) where state = 'queued';
comment on table alerts.messages is 'One message to one receiver. Its alerts never change, and its id goes with it each time it is tried.';
create table if not exists alerts.outbox (
    alert_id text not null references alerts.alerts,
    receiver text not null,
    due_at timestamptz not null,
    message_id text references alerts.messages,
    primary key (alert_id, receiver)
);
create index if not exists outbox_waiting on alerts.outbox (due_at) where message_id is null;
create index if not exists outbox_messages on alerts.outbox (message_id);
comment on table alerts.outbox is 'One row per alert and receiver; without a message until it is due.';
create table if not exists alerts.attempts (
    message_id text not null references alerts.messages,
    number integer not null,
    started_at timestamptz not null,
    ended_at timestamptz,
    outcome text,
    primary key (message_id, number)
);
comment on table alerts.attempts is 'Each attempt to send a message, noted before it is made. One without an end was cut off.';
"""


def ensure_alerts(connection: psycopg.Connection[Any]) -> None:
    """Create what is missing of the schema."""
    connection.execute(_TABLES)
