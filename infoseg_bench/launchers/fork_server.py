"""Workers that start within milliseconds: forked from a process that has imported PyTorch already.

The server is a process of its own, which executes nothing and therefore can be forked safely. It reads one
request per line of its standard input and answers each by a line, both in JSON, until the launcher closes the
pipe or dies.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import re
import signal
import subprocess
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn, TypeAlias

WORKER = "infoseg_bench.runs.worker"
READ_AT_START = re.compile(r"(OMP|GOMP|KMP|MKL|OPENBLAS|LD|PYTHON|PYTORCH|TORCH)")
"""Environment variables that libraries read when they are loaded, so that each combination needs a server."""
SET_BY_LIBRARIES = {"KMP_DUPLICATE_LIB_OK", "KMP_INIT_AT_FORK", "TORCHINDUCTOR_CACHE_DIR"}
"""But for these, which scikit-learn and PyTorch set when they are imported."""

Handle: TypeAlias = "subprocess.Popen[bytes] | ForkedWorker"
"""A worker, however it was started."""


class ForkedWorker:
    """A worker that a server has forked, with the part of `subprocess.Popen`'s interface that engines use.

    Attributes:
        pid: its process id
        returncode: its exit status, or the negative number of the signal that killed it; None as long as it
            is not known to have ended
    """

    def __init__(self, server: ForkServer, pid: int) -> None:
        """Follow the process `pid` of `server`."""
        self.pid = pid
        self.returncode: int | None = None
        self._server = server

    def poll(self) -> int | None:
        """Return `returncode`, after asking the server for it."""
        if self.returncode is None:
            answer = self._server.ask({"poll": self.pid})
            # Workers stop when their parent has died: see `StopRequest`.
            self.returncode = -signal.SIGKILL if answer is None else answer["status"]
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal, unless the worker has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)


class ForkServer:
    """The launcher's side of a server, which lives as long as the launcher."""

    def __init__(self) -> None:
        """Start the server's process, which then imports all that a worker needs."""
        # In a new session it does not receive the terminal's Ctrl-C.
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            start_new_session=True,
        )  # fmt: skip
        atexit.register(self._close)
        self._lock = threading.Lock()

    def fork(
        self,
        arguments: Sequence[str],
        *,
        environment: Mapping[str, str],
        log: Path,
        modules: Sequence[str] = (),
    ) -> ForkedWorker | None:
        """Start a worker.

        Args:
            arguments: of the worker's command line
            environment: its environment variables
            log: file to which its output is appended
            modules: what it would import later, which the server imports once for this and all later workers

        Returns:
            the worker; None if the server has died
        """
        request = {"arguments": [*arguments], "environment": {**environment}, "log": str(log)}
        answer = self.ask({**request, "modules": [*modules], "folder": os.getcwd()})
        return None if answer is None else ForkedWorker(self, answer["pid"])

    def ask(self, request: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the answer to a request; None if the server has died."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._lock:
            try:
                self._process.stdin.write(json.dumps(request) + "\n")
                self._process.stdin.flush()
                return dict(json.loads(self._process.stdout.readline()))
            except (OSError, ValueError):
                return None

    def _close(self) -> None:
        # Only flushing a dead server's pipe fails.
        with suppress(OSError), self._process:
            pass


def fork_server() -> ForkServer:
    """Return this process's server for the present environment variables; the first call starts it."""
    names = {name for name in os.environ if READ_AT_START.match(name)} - SET_BY_LIBRARIES
    return _server(tuple((name, os.environ[name]) for name in sorted(names)))


@cache
def _server(environment: tuple[tuple[str, str], ...]) -> ForkServer:
    return ForkServer()


def _serve() -> None:
    """Answer requests until there are no more; in a process that was forked, execute a run instead."""
    # Which training and evaluation import when they need them.
    import scipy.fft
    import scipy.optimize  # noqa: F401

    from infoseg_bench.runs import worker

    # The threads of numerical libraries end before a fork, and begin again after it.
    warnings.filterwarnings("ignore", message=".*fork", category=DeprecationWarning)
    for line in iter(sys.stdin.readline, ""):
        request = json.loads(line)
        if "poll" in request:
            pid, status = os.waitpid(request["poll"], os.WNOHANG)
            answer = {"status": os.waitstatus_to_exitcode(status) if pid else None}
        else:
            for name in request["modules"]:
                # A worker that needs a missing module names it in its own record.
                with suppress(ImportError):
                    import_module(name)
            # Workers share the server's memory until they write to it, as the collector would everywhere.
            gc.freeze()
            if not (pid := os.fork()):
                _become_worker(request)
                _end(_status(worker.main))
            answer = {"pid": pid}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    # Without the interpreter's own clearing up, for which the launcher would have to wait.
    os._exit(0)


def _become_worker(request: Mapping[str, Any]) -> None:
    os.setsid()
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    nothing = os.open(os.devnull, os.O_RDONLY)
    log = os.open(request["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    sys.argv = ["worker.py", *request["arguments"]]


def _status(main: Callable[[], int]) -> int:
    """Return the exit status of a worker, whatever it raises."""
    try:
        return main()
    except SystemExit as error:
        if error.code is None or isinstance(error.code, int):
            return error.code or 0
        print(error.code, file=sys.stderr)
        return 1
    except BaseException:
        traceback.print_exc()
        return 1


def _end(status: int) -> NoReturn:
    """End a forked process as `multiprocessing` does (popen_fork.py).

    The interpreter's own clearing up would write to all objects, and so copy all memory that is still shared
    with the server, which takes longer than many a run.
    """
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    _serve()
