"""A quarter of an hour of a GPU on a machine without a network: pack, run there, unpack.

    python benchmarks/gpu.py pack                        here: writes .gpu/, at most 56 MiB
    python .gpu/gpu.py run --out OUT --seconds 540       there; given again, it goes on where it was
    python benchmarks/gpu.py unpack OUT                  here: boards and curves in reports/gpu/

`run` (gpu_session.py) installs the package, tries every method for some steps, measures InfoSeg's speed, and
trains on real photos, several runs side by side, until the time is over. Every 30 seconds it archives
results, those of unfinished runs too. A piece that fails is named in summary.json and stops nothing else.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from gpu_plan import LISTS
from gpu_session import run

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


def pack(options: argparse.Namespace) -> int:
    """Write the folder that travels."""
    shutil.rmtree(options.pack, ignore_errors=True)
    (options.pack / "wheels").mkdir(parents=True)
    if options.wheels:
        _download_wheels(options.pack / "wheels")
    for name in ("gpu.py", "gpu_plan.py", "gpu_session.py", "gpu_smoke.py"):
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
        for name in ("summary.json", "smoke.json", "speed.txt", "speed-graph.txt"):
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


def main(argv: Sequence[str] | None = None) -> int:
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
    running.add_argument("--lanes", type=int, default=5, help="runs side by side")
    running.add_argument("--steps", type=int, default=10**9, help="of every run, at most")
    running.add_argument("--first", type=int, help="this many of the planned jobs only")
    running.add_argument("--installed", action="store_true", help="use the package that is installed")
    running.add_argument("--device", default="cuda")
    running.add_argument("--toy", action="store_true", help="tiny sizes, for a rehearsal on a CPU")
    reading = commands.add_parser("unpack", help="make boards of what came back")
    reading.add_argument("out", type=Path)
    reading.add_argument("--reports", type=Path, default=Path("reports/gpu"))
    options = parser.parse_args(argv)
    return {"pack": pack, "run": run, "unpack": unpack}[options.command](options)


if __name__ == "__main__":
    sys.exit(main())
