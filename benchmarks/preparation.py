"""How fast data sets are prepared, as a share of what decoding and scaling the same photos takes.

    python benchmarks/preparation.py --photos FOLDER --labels FOLDER [--count 4000] [--repeat 3]

Photos (and label maps of the same stems) are copied under new ids into archives as the official ones
are, until there are `--count`. In one run, on all cores, this measures by turns:

- decode: reading the photos out of the archive, decoding and scaling them, and nothing else;
- decode with labels: the same, and the label maps too;
- prepare: the whole command, from opening the archives to the verified store, in a process of its own.

Printed are photos per second of each and prepare's peak memory. On a machine that is not idle the best of
several repetitions is the least disturbed; processor time per photo, printed too, is disturbed less. The
time for all of COCO-Stuff follows from processor time: the listed photos are prepared, of the others the
label maps are read.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from infoseg_bench.datasets.coco.files import CocoFiles
from infoseg_bench.datasets.coco.persons_options import CocoOptions
from infoseg_bench.datasets.coco.stuff import StuffFiles, StuffPhoto
from infoseg_bench.images.label_images import read_labels
from infoseg_bench.images.photos import read_photo
from infoseg_bench.utils.cores import usable_cores

MEASURED = """
import json, resource, sys, time
from infoseg_bench.cli import main
began = time.perf_counter()
try:
    main(sys.argv[1:])
except SystemExit as end:
    assert end.code == 0, end.code
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps([time.perf_counter() - began, time.process_time(), peak]))
"""

LISTED, OTHERS = 51_804, 123_287 - 51_804
"""Photos of complete COCO that COCO-Stuff holds, and that it does not."""


def pack(photos: Path, labels: Path, count: int, out: Path) -> None:
    """Write archives with `count` photos and label maps under new ids."""
    maps = {path.stem: path for path in labels.rglob("*.png")}
    pairs = [(path, maps[path.stem]) for path in sorted(photos.rglob("*.jpg")) if path.stem in maps]
    with (
        zipfile.ZipFile(out / "train2017.zip", "w") as photo_zip,
        zipfile.ZipFile(out / "stuffthingmaps_trainval2017.zip", "w", zipfile.ZIP_DEFLATED) as map_zip,
    ):
        for number, (photo, label) in enumerate(islice(cycle(pairs), count)):
            photo_zip.write(photo, f"train2017/{number:012d}.jpg")
            map_zip.write(label, f"train2017/{number:012d}.png")


def reading(source: Path, *, photos: bool, labels: bool) -> tuple[float, float]:
    """Decode and scale on all cores, and give wall and processor seconds."""
    options = CocoOptions()

    def one(item: StuffPhoto) -> None:
        if photos:
            options.scaled_photo(read_photo(item.photo, upright=False), item.photo)
        if labels:
            options.scaled_labels(read_labels(item.labels), item.labels)

    items = StuffFiles.find(CocoFiles(source)).photos
    began, cpu = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(usable_cores()) as pool:
        for _ in pool.map(one, items):
            pass
    return time.perf_counter() - began, time.process_time() - cpu


def preparing(source: Path, data: Path) -> tuple[float, float, float]:
    """Prepare all photos, and give wall and processor seconds and the peak MiB."""
    argv = ["prepare", "coco-stuff", "--source", str(source), "--data", str(data)]
    argv += ["--min-share", "0", "--min-side", "1"]
    done = subprocess.run([sys.executable, "-c", MEASURED, *argv], capture_output=True, text=True, check=True)
    seconds, cpu, peak = json.loads(done.stdout.splitlines()[-1])
    return seconds, cpu, peak


def measure(source: Path, data: Path, count: int, repeat: int) -> dict[str, Any]:
    """Measure everything by turns."""
    kinds = {
        "decode": {"photos": True, "labels": False},
        "decode with labels": {"photos": True, "labels": True},
        "labels": {"photos": False, "labels": True},
    }
    wall: dict[str, list[float]] = {kind: [] for kind in (*kinds, "prepare")}
    cpu: dict[str, list[float]] = {kind: [] for kind in wall}
    peak = 0.0
    for turn in range(repeat):
        found: dict[str, tuple[float, float]] = {
            kind: reading(source, **what) for kind, what in kinds.items()
        }
        *times, memory = preparing(source, data / str(turn))
        found["prepare"] = (times[0], times[1])
        peak = max(peak, memory)
        for kind, (seconds, processor) in found.items():
            wall[kind].append(seconds / count)
            cpu[kind].append(processor / count)
    return {"wall": wall, "cpu": cpu, "peak": peak}


def figures(measured: dict[str, Any]) -> dict[str, Any]:
    """Turn measured seconds per photo into what is printed."""
    wall = {kind: min(found) for kind, found in measured["wall"].items()}
    cpu = {kind: min(found) for kind, found in measured["cpu"].items()}
    complete = LISTED * cpu["prepare"] + OTHERS * cpu["labels"]
    return {
        "cores": usable_cores(),
        "photos_per_second": {
            kind: [round(1 / seconds) for seconds in found] for kind, found in measured["wall"].items()
        },
        "processor_ms_per_photo": {
            kind: [round(1000 * seconds, 2) for seconds in found] for kind, found in measured["cpu"].items()
        },
        "prepare_to_decode": round(wall["decode"] / wall["prepare"], 3),
        "prepare_to_decode_with_labels": round(wall["decode with labels"] / wall["prepare"], 3),
        "prepare_to_decode_with_labels_by_processor_time": round(
            cpu["decode with labels"] / cpu["prepare"], 3
        ),
        "peak_mib": round(measured["peak"]),
        "minutes_for_complete_coco_stuff": {cores: round(complete / cores / 60, 1) for cores in (2, 16)},
    }


def main() -> None:
    """Measure and print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--labels", type=Path, required=True)
    parser.add_argument("--count", type=int, default=4000)
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        source = Path(name) / "source"
        source.mkdir()
        pack(options.photos, options.labels, options.count, source)
        print(
            json.dumps(figures(measure(source, Path(name) / "data", options.count, options.repeat)), indent=2)
        )


if __name__ == "__main__":
    main()
