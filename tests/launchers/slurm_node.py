"""A real Slurm of one node on the loopback, started for a test and stopped after it."""

from __future__ import annotations

import ctypes
import getpass
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scancel", "scontrol")
CONFIGURATION = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmdPort={daemon}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=batch_sched_delay=0,sched_interval=2,bf_interval=2
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
ReturnToService=2
KillWait=3
NodeName=node NodeHostname={host} NodeAddr=127.0.0.1 CPUs=2 RealMemory=1000 State=UNKNOWN
PartitionName=short Nodes=node Default=YES MaxTime=60 State=UP
"""


def why_not() -> str | None:
    """Describe why no Slurm can be had here; None if one can."""
    missing = [name for name in PROGRAMS if shutil.which(name, path=_path()) is None]
    if missing:
        return f"needs Debian's slurm-wlm and munge: no {', '.join(missing)}"
    return None if os.geteuid() == 0 else "needs root, to start Slurm's daemons"


@contextmanager
def slurm_node() -> Iterator[dict[str, str]]:
    """Start munged, slurmctld and slurmd; give the environment in which sbatch finds them."""
    with ExitStack() as stack:
        # Sockets' paths are short, and munged wants no folder above that others may write to.
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="slurm-", dir="/run")))
        for name in ("state", "spool"):
            (folder / name).mkdir()
        _munge(folder, stack)
        environment = {**os.environ, "PATH": _path(), "SLURM_CONF": str(_configure(folder))}
        _daemon(["slurmctld", "-D"], environment, stack)
        _daemon(["slurmd", "-D", "-N", "node"], environment, stack)
        _wait_until_idle(folder, environment)
        yield environment


def _path() -> str:
    return f"{os.environ['PATH']}:/usr/sbin:/sbin"


def _munge(folder: Path, stack: ExitStack) -> None:
    key = folder / "munge.key"
    key.touch(mode=0o600)
    key.write_bytes(secrets.token_bytes(128))
    folder.chmod(0o711)
    places = {
        "socket": "socket",
        "key-file": "key",
        "pid-file": "pid",
        "log-file": "log",
        "seed-file": "seed",
    }
    words = [f"--{option}={folder}/munge.{name}" for option, name in places.items()]
    _daemon(["munged", "--foreground", *words], {**os.environ, "PATH": _path()}, stack)
    _wait(lambda: (folder / "munge.socket").exists(), folder)


def _configure(folder: Path) -> Path:
    file = folder / "slurm.conf"
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        ports = [opened.getsockname()[1] for opened in (one, other)]
    file.write_text(
        CONFIGURATION.format(
            host=socket.gethostname().partition(".")[0], user=getpass.getuser(), folder=folder,
            controller=ports[0], daemon=ports[1],
        )
    )  # fmt: skip
    return file


def _daemon(words: list[str], environment: dict[str, str], stack: ExitStack) -> None:
    process = subprocess.Popen(
        words, env=environment, preexec_fn=_end_with_the_tests,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    stack.callback(_end, process)


def _end_with_the_tests() -> None:
    set_death_signal = 1
    ctypes.CDLL(None).prctl(set_death_signal, signal.SIGKILL)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _wait_until_idle(folder: Path, environment: dict[str, str]) -> None:
    def idle() -> bool:
        told = subprocess.run(
            ["sinfo", "--noheader", "--format=%T"],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return told.stdout.strip() == "idle"

    _wait(idle, folder)


def _wait(condition: Callable[[], bool], folder: Path) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        logs = "\n".join(log.read_text()[-2000:] for log in folder.glob("*.log"))
        assert time.monotonic() < deadline, f"Slurm does not start:\n{logs}"
        time.sleep(0.1)
