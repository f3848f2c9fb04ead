"""A quarter of an hour of a GPU on a machine without a network: pack, run there, unpack.

    python benchmarks/gpu.py pack                        here: writes .gpu/, at most 56 MiB
    python .gpu/gpu.py run --out OUT --seconds 540       there; given again, it goes on where it was
    python benchmarks/gpu.py unpack OUT                  here: boards and curves in reports/gpu/

`run` installs the package, tries every method for some steps, measures InfoSeg's speed, and trains on real
photos, several runs side by side, until the time is over. Results are archived every 30 seconds, those of
unfinished runs too. A piece that fails is named in summary.json and stops nothing else.
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
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve()
LIMIT = 56 << 20
"""Bytes of a pack at most: 64 MiB may travel, the checkout's own files among them."""
WHEELS = (
    "pydantic", "pydantic_core", "annotated-types", "typing-inspection", "ijson", "pycocotools",
    "platformdirs", "wadler_lindig",
)  # fmt: skip
"""What the GPU machine lacks, in the versions of constraints.txt."""
PLATFORMS = ("manylinux2014_x86_64", "manylinux_2_17_x86_64", "manylinux_2_28_x86_64")
PYTHON = "3.12"
LISTS = {"coco-stuff-3": "stuff", "coco-stuff": "stuff", "persons-20": "persons"}
"""Lists of photos of coco-photos, and the folder of their label maps."""
STORES = {
    "ccp": ("ccp", "--classes", "background,person"),
    "facade": ("facade", "--class-map", "coco-stuff-3"),
    "list-coco-stuff-3": ("coco-stuff-3", "--class-map", "coco-stuff-3"),
    "list-coco-stuff": ("coco-stuff", "--class-map", "coco-stuff-15"),
    "persons": ("persons-20", "--classes", "background,person"),
}
"""Data sets: folder of photos and labels, and how the labels are read."""
ARCHIVED = ("spec.json", "record.json", "counts.npz", "curve.jsonl", "log.txt")
ARCHIVE_SECONDS = 30.0
SMOKE_SECONDS, SPEED_SECONDS = 120.0, 60.0
"""At most, and at most a quarter of the time left; on one H200 they took 57 and less."""
LARGEST_PANEL = 300_000
"""Bytes."""


@dataclass(frozen=True)
class Job:
    """One command of training."""

    dataset: str
    method: str
    steps: int = 6000
    seeds: str = "0"
    settings: tuple[str, ...] = ()
    suite: str = ""


def plan() -> list[Job]:
    """Return what to train, the most wanted first."""
    flip, iic = ("flip=true",), {"list-coco-stuff": ("clusters_a=45",), "ccp": ("lamb_b=1.5",)}
    order = ("list-coco-stuff-3", "ccp", "list-coco-stuff", "facade", "persons")
    first = [Job(name, "infoseg", settings=flip) for name in order]
    old = [Job("ccp", "infoseg", settings=("normalisation=scale", "flip=true"))]
    beside = [Job(name, "iic", 1500, settings=iic[name]) for name in ("ccp", "list-coco-stuff")]
    seeds = [Job(name, "infoseg", seeds="1-2", settings=flip) for name in order]
    table = [Job("list-coco-stuff-3", "infoseg", 3000, suite="ablation")]
    others = [Job("list-coco-stuff-3", name, 1500) for name in ("ac", "inmars", "isola")]
    return [*first, *old, *beside, *seeds, *table, *others]


TOY = {
    "infoseg": ("P=8", "width=4", "batch=4"),
    "iic": ("width=2", "batch=4", "radius=2"),
    "ac": ("width=2", "blocks=2", "batch=4", "radius=2"),
    "inmars": ("width=2", "batch=4"),
    "isola": ("width=2", "batch=4", "patch=5", "branch=4", "hidden=8", "cluster_images=8"),
    "doersch": ("width=2", "batch=4", "patch=5", "branch=4", "hidden=8", "cluster_images=8"),
    "random-cnn": ("width=2",),
    "kmeans": ("sample=500",),
}
"""Settings with which a rehearsal on a CPU is over soon."""


def pack(options: argparse.Namespace) -> int:
    """Write the folder that travels."""
    shutil.rmtree(options.pack, ignore_errors=True)
    (options.pack / "wheels").mkdir(parents=True)
    if options.wheels:
        _download_wheels(options.pack / "wheels")
    for name in ("gpu.py", "gpu_smoke.py"):
        shutil.copy(HERE.with_name(name), options.pack)
    _pack_project(options.pack / "project.tar.gz")
    # Plain headers: those of Python's own format would double a small label map.
    with tarfile.open(options.pack / "photos.tar.gz", "w:gz", format=tarfile.GNU_FORMAT) as archive:
        for source, name in _photos(options.photos):
            archive.add(source, name)
    size = sum(file.stat().st_size for file in options.pack.rglob("*") if file.is_file())
    print(f"{options.pack}: {size / 2**20:.1f} MiB of at most {LIMIT / 2**20:.0f}")
    return 0 if size <= LIMIT else 1


def _download_wheels(folder: Path) -> None:
    lines = (HERE.parents[1] / "constraints.txt").read_text().split()
    pinned = dict(line.split("==") for line in lines if "==" in line)
    wanted = [f"{name}=={pinned[name]}" for name in WHEELS]
    platforms = [word for platform in PLATFORMS for word in ("--platform", platform)]
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:", *platforms]
    subprocess.run([*command, "--python-version", PYTHON, "-d", str(folder), *wanted], check=True)


def _pack_project(file: Path) -> None:
    root = HERE.parents[1]
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=True)
    with tarfile.open(file, "w:gz") as archive:
        for name in filter(None, listed.stdout.split("\0")):
            if not name.startswith(("reports/", "tests/", "docs/")) and (root / name).exists():
                archive.add(root / name, name)


def _photos(data: Path) -> Iterator[tuple[Path, str]]:
    """Give every photo and label map with its place in the archive, none twice."""
    for label in sorted((data / "ccp-persons/persons").glob("*.png")):
        yield label, f"ccp/labels/{label.name}"
        yield data / f"ccp-persons/images/{label.stem}.jpg", f"ccp/images/{label.stem}.jpg"
    for photo in sorted((data / "labelme-facade/images").glob("*.jpg"))[::2]:
        yield photo, f"facade/images/{photo.name}"
        yield data / f"labelme-facade/stuff/{photo.stem}.png", f"facade/labels/{photo.stem}.png"
    coco, packed = data / "coco-photos", set[str]()
    for name, labels in LISTS.items():
        listed = coco / f"list-{name}.txt"
        yield listed, f"coco/{listed.name}"
        for stem in listed.read_text().split():
            if stem not in packed:
                yield coco / f"images/{stem}.jpg", f"coco/images/{stem}.jpg"
            packed.add(stem)
            if (label := coco / labels / f"{stem}.png").exists():
                yield label, f"{name}/labels/{stem}.png"


class Session:
    """One call of `run`."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.work, self.out = options.work.resolve(), options.out.resolve()
        self.began = time.monotonic()
        self.ends: float = self.began + options.seconds
        self.summary: dict[str, object] = {}
        self.lock = threading.Lock()
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

    def call(self, name: str, words: Sequence[object], *, seconds: float, ok: str = "done") -> bool:
        """Do a command within a time, Ctrl-C first, and note how it ended."""
        log = self.work / f"{name.replace(' ', '-')}.log"
        with log.open("ab") as handle:
            process = subprocess.Popen(
                [str(word) for word in words], stdout=handle, stderr=handle, cwd=self.work,
                env=self.environment, start_new_session=True,
            )  # fmt: skip
        try:
            status: object = process.wait(timeout=max(1.0, seconds))
        except subprocess.TimeoutExpired:
            status = _stop(process, self.options.grace)
        tail = log.read_text(errors="replace").strip().splitlines()[-3:]
        self.note(name, ok if status == 0 else {"status": status, "output": tail})
        return status == 0

    def bench(self, *words: object) -> list[object]:
        """Return a command of the package."""
        return [sys.executable, "-m", "infoseg_bench", *words]


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
        words = ["--images", "coco/images" if of_coco else f"{folder}/images", "--labels", f"{folder}/labels"]
        words += ["--only", f"coco/list-{folder}.txt"] if of_coco else []
        words += ["--crop", "32"] if session.options.toy else []
        command = session.bench("prepare", "image-folder", "--data", "data", "--name", name, *words, *more)
        session.call(f"prepare {name}", command, seconds=min(120.0, session.left()))

    wanted = {job.dataset for job in plan()[: session.options.first]}
    with ThreadPoolExecutor(len(STORES)) as pool:
        list(pool.map(prepare, [n for n in wanted if not (session.work / f"data/{n}.h5").exists()]))


def _measure(session: Session) -> None:
    """Try every method, then time InfoSeg's step, each in a process of its own."""
    options = session.options
    words: list[object] = [sys.executable, HERE.with_name("gpu_smoke.py"), "--device", options.device]
    words += ["--out", session.out / "smoke.json", *(["--toy"] if options.toy else [])]
    session.call("smoke", words, seconds=min(SMOKE_SECONDS, session.left() / 4))
    shown = session.work / "speed.log"
    shown.unlink(missing_ok=True)
    words = ["speed", "--method", "infoseg", "--json", "--no-suites", "--seconds", 0 if options.toy else 2]
    words += ["--device", options.device, *_settings("infoseg", ("precision=bfloat16",), options.toy)]
    session.call("speed", session.bench(*words), seconds=min(SPEED_SECONDS, session.left() / 4))
    shutil.copy(shown, session.out / "speed.txt")


def _settings(method: str, settings: Sequence[str], toy: bool) -> list[str]:
    return [f"--set={method}.{setting}" for setting in (*settings, *(TOY[method] if toy else ()))]


def _train(session: Session) -> None:
    """Work off the plan, several jobs at a time, archiving on the way."""
    options, waiting = session.options, queue.Queue[tuple[int, Job]]()
    for numbered in enumerate(plan()[: options.first]):
        waiting.put(numbered)

    def lane() -> None:
        while session.left() > options.grace + options.reserve + 5:
            try:
                number, job = waiting.get_nowait()
            except queue.Empty:
                return
            seconds = session.left() - options.grace - options.reserve
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
    words = ["--all", "--suite", job.suite] if job.suite else ["--method", job.method, "--seeds", job.seeds]
    words += _settings(job.method, (*job.settings, "precision=bfloat16"), toy)
    words += ["--dataset", job.dataset, "--steps", str(steps), "--evaluate-every", str(max(1, steps // 24))]
    words += ["--data", "data", "--results", "results", "--device", session.options.device, "--jobs", "1"]
    return session.bench("run", *words)


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


def unpack(options: argparse.Namespace) -> int:
    """Put what came back into the reports."""
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder) / "results"
        with tarfile.open(options.out / "runs.tgz") as archive:
            archive.extractall(results, filter="data")
        runs = sorted((results / "runs").iterdir())
        finished = [path for path in runs if (path / "record.json").exists()]
        curves = options.reports / "unfinished"
        for path in (path for path in runs if path not in finished):
            curves.mkdir(parents=True, exist_ok=True)
            shutil.copy(path / "curve.jsonl", curves / f"{path.name}.jsonl")
        options.reports.mkdir(parents=True, exist_ok=True)
        for name in ("summary.json", "smoke.json", "speed.txt"):
            if (options.out / name).exists():
                shutil.copy(options.out / name, options.reports / name)
        print(f"{len(finished)} finished runs, {len(runs) - len(finished)} unfinished ones")
        if not finished:
            return 0 if runs else 1
        bench = [sys.executable, "-m", "infoseg_bench"]
        pack_file = options.reports / "runs.zip"
        pack_file.unlink(missing_ok=True)
        subprocess.run([*bench, "pack", results, "--out", pack_file], check=True)
        return subprocess.run([*bench, "report", "--results", pack_file, "--out", options.reports]).returncode


def main(words: Sequence[str] | None = None) -> int:
    """Do what is asked for; return the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    packing = commands.add_parser("pack", help="write the folder that travels")
    packing.add_argument("--pack", type=Path, default=Path(".gpu"))
    packing.add_argument("--photos", type=Path, default=HERE.parents[1].parent / "shared/data")
    packing.add_argument("--no-wheels", dest="wheels", action="store_false", help="leave the wheels out")
    running = commands.add_parser("run", help="measure and train until the time is over")
    running.add_argument("--pack", type=Path, default=HERE.parent)
    running.add_argument("--out", type=Path, required=True, help="folder for what comes back")
    running.add_argument("--work", type=Path, default=Path("/tmp/infoseg-gpu"), help="kept between calls")
    running.add_argument("--seconds", type=float, default=540.0)
    running.add_argument("--grace", type=float, default=20.0, help="seconds for a run to save its state")
    running.add_argument("--reserve", type=float, default=15.0, help="seconds for the report and the archive")
    running.add_argument("--lanes", type=int, default=5, help="runs side by side")
    running.add_argument("--steps", type=int, default=10**9, help="of every run, at most")
    running.add_argument("--first", type=int, help="this many of the planned jobs only")
    running.add_argument("--installed", action="store_true", help="use the package that is installed")
    running.add_argument("--device", default="cuda")
    running.add_argument("--toy", action="store_true", help="tiny sizes, for a rehearsal on a CPU")
    reading = commands.add_parser("unpack", help="make boards of what came back")
    reading.add_argument("out", type=Path)
    reading.add_argument("--reports", type=Path, default=Path("reports/gpu"))
    options = parser.parse_args(words)
    return {"pack": pack, "run": run, "unpack": unpack}[options.command](options)


if __name__ == "__main__":
    sys.exit(main())
