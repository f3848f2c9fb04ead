"""How fast data sets are prepared, as a share of what decoding and scaling the same photos takes.

    python benchmarks/preparation.py --photos FOLDER [--labels FOLDER] [--count 4000] [--repeat 3]

Photos (and label maps of the same stems) are copied under new ids into archives as the official ones
are, until there are `--count`. In one run, on all cores, this measures by turns:

- decode: reading the photos out of the archive, decoding and scaling them, and nothing else;
- decode with labels: the same, and the label maps too;
- prepare: the whole command, from opening the archives to the verified store, in a process of its own.

Printed are photos per second of each, their ratios, and prepare's peak memory. The machine should be idle;
on one that is not, the best of several repetitions is the least disturbed, and all are printed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from pathlib import Path

from infoseg_bench.coco.files import CocoFiles
from infoseg_bench.coco.options import CocoOptions
from infoseg_bench.coco.stuff import StuffFiles, StuffPhoto
from infoseg_bench.cores import usable_cores
from infoseg_bench.imageops.photos import read_labels

MEASURED = """
import resource, sys, time
from infoseg_bench.cli import main
began = time.perf_counter()
try:
    main(sys.argv[1:])
except SystemExit as end:
    assert end.code == 0, end.code
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(f"MEASURED {time.perf_counter() - began} {peak}")
"""


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


def decoding(source: Path, *, labels: bool) -> float:
    """Decode and scale all photos on all cores, and give the seconds."""
    options = CocoOptions()

    def photo(item: StuffPhoto) -> None:
        options.scaled_photo(options.read_photo(item.photo), item.photo)
        if labels:
            options.scaled_labels(read_labels(item.labels), item.labels)

    items = StuffFiles.find(CocoFiles(source)).photos
    began = time.perf_counter()
    with ThreadPoolExecutor(usable_cores()) as pool:
        for _ in pool.map(photo, items, chunksize=32):
            pass
    return time.perf_counter() - began


def preparing(source: Path, data: Path) -> tuple[float, float]:
    """Prepare all photos, and give the seconds and the peak MiB."""
    words = ["prepare", "coco-stuff", "--source", str(source), "--data", str(data)]
    words += ["--min-share", "0", "--min-side", "1"]
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, *words], capture_output=True, text=True, check=True
    )
    _, seconds, peak = done.stdout.split("MEASURED")[1].rpartition(" ")[0], *done.stdout.split()[-2:]
    return float(seconds), int(peak) / 1024


def main() -> None:
    """Measure by turns and print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--labels", type=Path, required=True)
    parser.add_argument("--count", type=int, default=4000)
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    rates: dict[str, list[float]] = {"decode": [], "decode with labels": [], "prepare": []}
    peak = 0.0
    with tempfile.TemporaryDirectory() as name:
        source = Path(name) / "source"
        source.mkdir()
        pack(options.photos, options.labels, options.count, source)
        kinds: dict[str, Callable[[], float]] = {
            "decode": lambda: decoding(source, labels=False),
            "decode with labels": lambda: decoding(source, labels=True),
        }
        for turn in range(options.repeat):
            for kind, measure in kinds.items():
                rates[kind].append(options.count / measure())
            seconds, memory = preparing(source, Path(name) / f"data{turn}")
            rates["prepare"].append(options.count / seconds)
            peak = max(peak, memory)
    best = {kind: max(found) for kind, found in rates.items()}
    figures = {
        "cores": usable_cores(),
        "photos_per_second": {kind: [round(rate) for rate in found] for kind, found in rates.items()},
        "prepare_to_decode": best["prepare"] / best["decode"],
        "prepare_to_decode_with_labels": best["prepare"] / best["decode with labels"],
        "peak_mib": round(peak),
    }
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
