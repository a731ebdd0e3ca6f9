"""The PostgreSQL of the warehouse: the embedded server, or the one that `FINOPS_DATABASE_URL` names.

The warehouse is one database, what Dagster keeps is another on the same server: `finops` and `dagster` in the embedded
server; the URL's database `<name>` and `<name>_dagster` in an external one.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, quote, unquote, urlsplit, urlunsplit

import psycopg
from psycopg import sql

from orchestration.lib import paths
from orchestration.lib.errors import FinopsError
from orchestration.lib.postgres_place import wheel_programs
from orchestration.lib.postgres_server import HOST, ROLE, Server

URL_VARIABLE = "FINOPS_DATABASE_URL"
MINIMUM_VERSION = 15
WAREHOUSE = "finops"
DAGSTER = "dagster"
CONNECT_SECONDS = 10


@dataclass(frozen=True)
class Status:
    """The state of the server. `version` is empty and `pid` None when it does not run, or is not ours."""

    external: bool
    running: bool
    url: str
    version: str
    pid: int | None
    directory: Path | None
    password_file: Path | None
    log: Path | None


def is_external() -> bool:
    """Whether `FINOPS_DATABASE_URL` replaces the embedded server."""
    return bool(os.environ.get(URL_VARIABLE))


def database_url() -> str:
    """URL of the warehouse with its password; starts nothing.

    Raises:
        FinopsError: the embedded server was never started, or `FINOPS_DATABASE_URL` is not usable.
    """
    return external_url() if is_external() else _embedded_url(WAREHOUSE)


def dagster_url() -> str:
    """URL of Dagster's database for SQLAlchemy, with its password; starts nothing. Raises as `database_url`."""
    url = _dagster_database(external_url()) if is_external() else _embedded_url(DAGSTER)
    # SQLAlchemy's default driver changed with 2.1, and Dagster's storage needs this one.
    return url.replace("postgresql://", "postgresql+psycopg2://", 1)


def ensure_running() -> str:
    """Start the embedded server if it does not run, create what databases are missing; returns `database_url()`.

    With `FINOPS_DATABASE_URL` it checks that server instead: reachable, PostgreSQL 15 or newer, allowed to create
    schemas, and Dagster's database there or allowed to be created.

    Raises:
        FinopsError: what is wrong, where, and what to do.
    """
    if is_external():
        url = external_url()
        _check_external(url)
        _create_database(url, _database_name(_dagster_database(url)))
        return url
    Server(paths.postgres_dir()).start()
    for database in (WAREHOUSE, DAGSTER):
        _create_database(_embedded_url("postgres"), database)
    return _embedded_url(WAREHOUSE)


def stop() -> bool:
    """Stop the embedded server; False when it did not run. An external server is never stopped."""
    return not is_external() and Server(paths.postgres_dir()).stop()


def remove() -> None:
    """Stop the embedded server and delete it with all its data, wherever it lives. Never touches an external one."""
    Server(paths.postgres_dir()).remove()


def status() -> Status:
    """The state of the server, without starting it.

    Raises:
        FinopsError: an external server cannot be reached, or its URL is not usable.
    """
    if is_external():
        url = external_url()
        with connect(url) as connection:
            version = _version(connection)
        return Status(True, True, masked(url), version, None, None, None, None)
    server = Server(paths.postgres_dir())
    running = server.running()
    version = ""
    url = f"postgresql://{ROLE}@{HOST}/{WAREHOUSE}"
    if running is not None:
        url = _embedded_url(WAREHOUSE)
        with connect(_embedded_url("postgres")) as connection:
            version = _version(connection)
    return Status(
        external=False,
        running=running is not None,
        url=masked(url),
        version=version,
        pid=running[0] if running else None,
        directory=server.data,
        password_file=server.password_file,
        log=server.data.with_name("log"),
    )


def connect(url: str, **options: Any) -> psycopg.Connection[tuple[Any, ...]]:
    """Connect with psycopg; options are psycopg's.

    Raises:
        FinopsError: no connection; says which server, user and database, never the password.
    """
    try:
        return psycopg.connect(url, **{"connect_timeout": CONNECT_SECONDS, **options})
    except psycopg.OperationalError as error:
        reason = " ".join(str(error).split()).removeprefix("connection failed: ").rstrip("?.")
        raise FinopsError(f"no connection to {masked(url)}: {reason}. {_advice(reason)}") from None


def masked(url: str) -> str:
    """The URL with `***` for its password, for people and logs."""
    parts = urlsplit(url)
    if parts.password is None:
        return url
    login, _, address = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{login.split(':', 1)[0]}:***@{address}"))


def split_password(url: str) -> tuple[str, str | None]:
    """(the URL without its password, the password), for programs whose arguments everybody on the machine can read."""
    parts = urlsplit(url)
    login, _, address = parts.netloc.rpartition("@")
    bare = urlunsplit(parts._replace(netloc=f"{login.split(':', 1)[0]}@{address}"))
    return bare, unquote(parts.password) if parts.password is not None else None


def psql_program() -> Path:
    """The psql that comes with the embedded server."""
    return wheel_programs() / "psql"


def external_url() -> str:
    """`FINOPS_DATABASE_URL` as `postgresql://…`, checked for what every client here needs.

    Raises:
        FinopsError: another scheme, or no host, user or database in it.
    """
    given = os.environ[URL_VARIABLE].strip()
    wanted = (
        f"{URL_VARIABLE} must look like postgresql://user:password@host:5432/database, special characters in user and "
        f"password %-encoded"
    )
    # What was given is not shown: without a sure end of the password nobody can tell what of it to hide.
    try:
        parts = urlsplit(given)
        complete = bool(parts.hostname and parts.username and parts.path.strip("/")) and parts.port != 0
    except ValueError:
        raise FinopsError(f"{wanted}; its port is not a number") from None
    if not re.fullmatch(r"postgres(ql)?(\+\w+)?", parts.scheme):
        raise FinopsError(f"{wanted}; its scheme is '{parts.scheme}'")
    if not complete:
        raise FinopsError(f"{wanted}; the user, the host or the database is missing")
    return urlunsplit(parts._replace(scheme="postgresql"))


def _embedded_url(database: str) -> str:
    server = Server(paths.postgres_dir())
    return f"postgresql://{ROLE}:{quote(server.password(), safe='')}@{HOST}:{server.port()}/{database}"


def _database_name(url: str) -> str:
    return unquote(urlsplit(url).path.lstrip("/"))


def _dagster_database(url: str) -> str:
    parts: SplitResult = urlsplit(url)
    return urlunsplit(parts._replace(path=f"{parts.path}_{DAGSTER}"))


def _version(connection: psycopg.Connection[tuple[Any, ...]]) -> str:
    major, minor = divmod(connection.info.server_version, 10_000)
    return f"{major}.{minor}"


def _check_external(url: str) -> None:
    with connect(url) as connection:
        if connection.info.server_version < MINIMUM_VERSION * 10_000:
            raise FinopsError(
                f"{masked(url)} is PostgreSQL {_version(connection)}: version {MINIMUM_VERSION} or newer is needed"
            )
        query = "select has_database_privilege(current_database(), 'CREATE'), current_user::text, current_database()"
        allowed, user, database = connection.execute(query).fetchone() or (False, "", "")
        if not allowed:
            raise FinopsError(
                f"the user of {masked(url)} may not create schemas in it. An administrator can allow it: "
                f'grant create on database "{database}" to "{user}"'
            )


def _create_database(url: str, name: str) -> None:
    """Create the database `name` on the server of `url` unless it is there."""
    with connect(url, autocommit=True) as connection:
        found = connection.execute("select datconnlimit from pg_database where datname = %s", [name]).fetchone()
        identifier = sql.Identifier(name)
        # -2 marks a database whose removal was broken off: nobody can connect to it any more.
        if found == (-2,):
            connection.execute(sql.SQL("drop database {}").format(identifier))
        elif found is not None:
            return
        try:
            connection.execute(sql.SQL("create database {}").format(identifier))
        except (psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
            return
        except psycopg.errors.InsufficientPrivilege:
            raise FinopsError(
                f"{masked(url)} has no database '{name}' for Dagster and its user may not create it. An administrator "
                f'can: create database "{name}" owner "{connection.info.user}"'
            ) from None


def _advice(reason: str) -> str:
    source = f"the URL in {URL_VARIABLE}" if is_external() else "the state directory, and `finops db start`"
    if "authentication failed" in reason or "no password supplied" in reason:
        source = f"user and password in {URL_VARIABLE}" if is_external() else "the password file against the server"
    return f"Check {source}; `finops doctor` tells more"
