"""dbt, imported ahead of its use.

dbt takes seconds to import, on one core. `finops run` has a process do that while it starts itself; when the models are
to be built, the command `finops-dbt` hands its arguments, environment, folder and output to that process, which then is
the dbt of this one build. Where none waits, `finops-dbt` is dbt.
"""

from __future__ import annotations

import gc
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

_ADDRESS = "FINOPS_DBT_AHEAD"
_FAILED = 2
"""dbt's status for an error that it did not handle."""


@contextmanager
def dbt_ahead() -> Iterator[None]:
    """Have a process import dbt; while this lasts, `finops-dbt` of this process's children finds it."""
    folder = Path(tempfile.mkdtemp(prefix="finops-dbt-"))  # closed to others, and short enough for the name of a socket
    address = str(folder / "socket")
    command = [sys.executable, "-m", "orchestration.lib.dbt_ahead", address]
    waiting = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.environ[_ADDRESS] = address
    try:
        yield
    finally:
        del os.environ[_ADDRESS]
        waiting.communicate()  # its input ends, which ends it where it was not used


def main() -> None:
    """`finops-dbt`: run dbt with the given arguments."""
    status = _hand_over(os.environ.get(_ADDRESS, ""))
    if status is not None:
        sys.exit(status)
    dbt = str(Path(sys.executable).with_name("dbt"))
    os.execv(dbt, [dbt, *sys.argv[1:]])


def _hand_over(address: str) -> int | None:
    """Have the waiting process run dbt, and return its status; None where no process waits."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as channel:
        try:
            channel.connect(address)
        except OSError:
            return None
        request = {"arguments": sys.argv[1:], "environment": dict(os.environ), "folder": str(Path.cwd())}
        socket.send_fds(channel, [b"\n"], [sys.stdout.fileno(), sys.stderr.fileno()])
        channel.sendall(json.dumps(request).encode() + b"\n")
        with channel.makefile() as answers:
            process = int(answers.readline())
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, lambda received, _: os.kill(process, received))
            answer = answers.readline()
    return int(answer) if answer else _FAILED


def _wait(address: str) -> None:
    """Import dbt, wait for one command, run it."""
    gc.disable()  # what a build makes lives until its process ends
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(address)
        listener.listen(1)
        from dbt.cli.main import cli

        if listener not in select.select([listener, sys.stdin], [], [])[0]:
            return
        channel, _ = listener.accept()
        # A second command is told at once that nobody waits.
        Path(address).unlink()
    Thread(target=_end_with_the_run, args=[Path(address).parent], daemon=True).start()
    with channel:
        _, (out, err), _, _ = socket.recv_fds(channel, 1, 2)
        with channel.makefile("rw") as messages:
            request = json.loads(messages.readline())
            os.dup2(out, sys.stdout.fileno())
            os.dup2(err, sys.stderr.fileno())
            os.environ.clear()
            os.environ.update(request["environment"])
            os.chdir(request["folder"])
            messages.write(f"{os.getpid()}\n")
            messages.flush()
            status = _FAILED
            try:
                cli.main(args=request["arguments"], prog_name="dbt")
            except SystemExit as ended:
                status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
            finally:
                sys.stdout.flush()
                messages.write(f"{status}\n")
                messages.flush()


def _end_with_the_run(folder: Path) -> None:
    """A run that was killed is run again: two builds at once would be in each other's way."""
    sys.stdin.read()
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(_FAILED)


if __name__ == "__main__":
    try:
        _wait(sys.argv[1])
    finally:
        # Here, so that nothing is left where the run was killed.
        shutil.rmtree(Path(sys.argv[1]).parent, ignore_errors=True)
