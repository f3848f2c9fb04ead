"""What `gpu.py run` does on the machine with the GPU: install, try, measure, and train.

It ends within its time whatever hangs, and archives what there is on the way.
"""

from __future__ import annotations

import argparse
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from gpu_plan import LISTS, STORES, TOY, Job, plan

HERE = Path(__file__).resolve()
ARCHIVED = ("spec.json", "record.json", "counts.npz", "curve.jsonl", "log.txt")
ARCHIVE_SECONDS = 30.0
SMOKE_SECONDS, SPEED_SECONDS = 120.0, 60.0
"""At most, and at most a fifth and an eighth of the time left; on one H200 they took 57 and less."""
LARGEST_PANEL = 300_000
"""Bytes."""


class Session:
    """One call of `run`."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.work, self.out = options.work.resolve(), options.out.resolve()
        self.began = time.monotonic()
        self.ends: float = self.began + options.seconds
        self.summary: dict[str, object] = {}
        self.lock = threading.Lock()
        # For a run to save its state, and then for the report and the archive.
        self.grace, self.reserve = min(20.0, options.seconds / 10), min(15.0, options.seconds / 10)
        for folder in (self.work, self.out):
            folder.mkdir(parents=True, exist_ok=True)
        # Runs of one GPU share its host's cores, and threads of tiny networks only wait for each other.
        self.environment = {**os.environ, "OMP_NUM_THREADS": "1" if options.toy else "2"}

    def left(self) -> float:
        """Return the seconds that are left."""
        return self.ends - time.monotonic()

    def note(self, name: str, value: object) -> None:
        """Write down what became of a piece."""
        with self.lock:
            self.summary[name] = value
            text = json.dumps(self.summary, indent=1)
            (self.out / "summary.json").write_text(text + "\n")
        print(f"{time.monotonic() - self.began:6.1f} s  {name}: {str(value)[:200]}", flush=True)

    def call(self, name: str, argv: Sequence[object], *, seconds: float, ok: str = "done") -> bool:
        """Do a command within a time, Ctrl-C first, and note how it ended."""
        log = self.work / f"{name.replace(' ', '-')}.log"
        with log.open("ab") as handle:
            process = subprocess.Popen(
                [str(argument) for argument in argv], stdout=handle, stderr=handle, cwd=self.work,
                env=self.environment, start_new_session=True,
            )  # fmt: skip
        try:
            status: object = process.wait(timeout=max(1.0, seconds))
        except subprocess.TimeoutExpired:
            status = _stop(process, self.grace)
        tail = log.read_text(errors="replace").strip().splitlines()[-3:]
        self.note(name, ok if status == 0 else {"status": status, "output": tail})
        return status == 0

    def bench(self, *argv: object) -> list[object]:
        """Return a command of the package."""
        return [sys.executable, "-m", "infoseg_bench", *argv]


def _stop(process: subprocess.Popen[bytes], grace: float) -> str:
    os.killpg(process.pid, signal.SIGINT)
    try:
        process.wait(timeout=grace)
        return "stopped at the time limit"
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return "killed after the time limit"


def run(options: argparse.Namespace) -> int:
    """Do as much as the time allows, and say by the exit status whether anything came of it."""
    session = Session(options)
    if not options.installed and not _install(session):
        return 1
    if reason := _missing(session):
        session.note("methods", reason)
        return 1
    _unpack_photos(session)
    preparing = threading.Thread(target=_prepare, args=(session,))
    preparing.start()
    once = session.work / "measured"
    if not once.exists():
        _measure(session)
        once.touch()
    preparing.join()
    _train(session)
    return 0 if _archive(session) else 1


def _install(session: Session) -> bool:
    project, wheels = session.work / "project", sorted((session.options.pack / "wheels").glob("*.whl"))
    with tarfile.open(session.options.pack / "project.tar.gz") as archive:
        archive.extractall(project, filter="data")
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index"]
    session.call("wheels", [*pip, *(wheel.resolve() for wheel in wheels)], seconds=60)
    return session.call("install", [*pip, "--no-build-isolation", "-e", project], seconds=60)


def _missing(session: Session) -> str:
    code = "import json; from infoseg_bench.contracts.registry import load_methods as load; "
    code += "found = load(); print(json.dumps([sorted(found.methods), found.broken]))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=session.work)
    if done.returncode:
        return f"the package does not load: {done.stderr.strip()[-500:]}"
    found, broken = json.loads(done.stdout.splitlines()[-1])
    lacking = sorted(set(TOY) - set(found))
    session.note("methods", found)
    return f"methods that do not load: {lacking} {broken}" if lacking else ""


def _unpack_photos(session: Session) -> None:
    if not (session.work / "coco").exists():
        with tarfile.open(session.options.pack / "photos.tar.gz") as archive:
            archive.extractall(session.work, filter="data")


def _prepare(session: Session) -> None:
    def prepare(name: str) -> None:
        folder, *more = STORES[name]
        of_coco = folder in LISTS
        argv = ["--images", "coco/images" if of_coco else f"{folder}/images", "--labels", f"{folder}/labels"]
        argv += ["--only", f"coco/list-{folder}.txt"] if of_coco else []
        argv += ["--crop", "32"] if session.options.toy else []
        command = session.bench("prepare", "image-folder", "--data", "data", "--name", name, *argv, *more)
        session.call(f"prepare {name}", command, seconds=min(120.0, session.left()))

    wanted = {job.dataset for job in plan()[: session.options.first]}
    with ThreadPoolExecutor(len(STORES)) as pool:
        list(pool.map(prepare, [n for n in wanted if not (session.work / f"data/{n}.h5").exists()]))


def _measure(session: Session) -> None:
    """Try every method, then time InfoSeg's step, plain and as a CUDA graph, each in a process of its own."""
    options = session.options
    argv: list[object] = [sys.executable, HERE.with_name("gpu_smoke.py"), "--device", options.device]
    argv += ["--out", session.out / "smoke.json", *(["--toy"] if options.toy else [])]
    session.call("smoke", argv, seconds=min(SMOKE_SECONDS, session.left() / 5))
    for name, more in (("speed", []), ("speed-graph", ["--cuda-graph"])):
        shown = session.work / f"{name}.log"
        shown.unlink(missing_ok=True)
        argv = ["speed", "--method", "infoseg", "--json", "--no-suites", "--device", options.device, *more]
        argv += ["--seconds", 0 if options.toy else 2]
        argv += _settings("infoseg", ("precision=bfloat16",), options.toy)
        session.call(name, session.bench(*argv), seconds=min(SPEED_SECONDS, session.left() / 8))
        shutil.copy(shown, session.out / f"{name}.txt")


def _settings(method: str, settings: Sequence[str], toy: bool) -> list[str]:
    return [f"--set={method}.{setting}" for setting in (*settings, *(TOY[method] if toy else ()))]


def _train(session: Session) -> None:
    """Work off the plan, several jobs at a time, archiving on the way."""
    options, waiting = session.options, queue.Queue[tuple[int, Job]]()
    for numbered in enumerate(plan()[: options.first]):
        waiting.put(numbered)

    def lane() -> None:
        while session.left() > session.grace + session.reserve + 5:
            try:
                number, job = waiting.get_nowait()
            except queue.Empty:
                return
            seconds = session.left() - session.grace - session.reserve
            session.call(f"job {number} {job.dataset} {job.method}", _command(session, job), seconds=seconds)

    lanes = [threading.Thread(target=lane) for _ in range(options.lanes)]
    for thread in lanes:
        thread.start()
    while any(thread.is_alive() for thread in lanes):
        for thread in lanes:
            thread.join(timeout=ARCHIVE_SECONDS / len(lanes))
        _archive(session)
    command = session.bench("report", "--results", "results", "--data", "data", "--out", "report")
    session.call("report", command, seconds=max(1.0, session.left() - 5))


def _command(session: Session, job: Job) -> list[object]:
    toy = session.options.toy
    steps = min(job.steps, session.options.steps)
    argv = ["--all", "--suite", job.suite] if job.suite else ["--method", job.method, "--seeds", job.seeds]
    argv += _settings(job.method, (*job.settings, "precision=bfloat16"), toy)
    argv += ["--dataset", job.dataset, "--steps", str(steps), "--evaluate-every", str(max(1, steps // 24))]
    argv += ["--data", "data", "--results", "results", "--device", session.options.device, "--jobs", "1"]
    argv += ["--no-report"]  # one is made at the end
    return session.bench("run", *argv, *(["--cuda-graph"] if _graphs_hold(session, job.method) else []))


def _graphs_hold(session: Session, method: str) -> bool:
    """Return whether a method's CUDA graphs were tried, and gave the weights of ordinary steps."""
    tried = session.out / "smoke.json"
    found = json.loads(tried.read_text()) if tried.exists() else {}
    return bool(found.get(f"{method} graphs", {}).get("hold"))


def _archive(session: Session) -> int:
    """Put what is worth having of every run, finished or not, into OUT; return how many runs there are."""
    runs = sorted((session.work / "results/runs").glob("*/curve.jsonl"))
    partial = session.out / "runs.tgz.partial"
    with tarfile.open(partial, "w:gz") as archive:
        for run_folder in (curve.parent for curve in runs):
            for file in (run_folder / name for name in ARCHIVED):
                if file.exists():
                    archive.add(file, f"runs/{run_folder.name}/{file.name}")
        for panel in sorted((session.work / "report").rglob("*.png")):
            if panel.stat().st_size <= LARGEST_PANEL:
                archive.add(panel, f"panels/{panel.relative_to(session.work / 'report')}")
    partial.replace(session.out / "runs.tgz")
    return len(runs)
