"""Memory of clustering per-pixel features, for a short and a ten times longer stream of feature maps.

python benchmarks/feature_clustering.py --images 160 --features 512
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
from collections.abc import Iterator

import torch
from torch import Tensor

from infoseg_bench.training.feature_kmeans import kmeans_centres
from infoseg_bench.training.feature_maps import nearness, sample_features

BATCH, MAP, CROP, CLUSTERS = 16, 60, 128, 15
"""Images at a time; side of the trunk's map and of the crop, as published on COCO; K of COCO-Stuff."""
PIXELS = 20_000
"""In the sample, whatever the number of images."""


def stream(images: int, features: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Return random feature maps, a batch at a time."""
    generator = torch.Generator().manual_seed(0)
    counted = torch.ones(BATCH, CROP, CROP, dtype=torch.bool)
    for _ in range(images // BATCH):
        yield torch.randn(BATCH, features, MAP, MAP, generator=generator), counted


def measure(images: int, features: int) -> dict[str, int]:
    """Cluster the features of so many images and assign a batch; give the peak memory above the start."""
    next(stream(images, features))
    before = _peak()
    quota = -(-PIXELS * BATCH // images)
    generator = torch.Generator().manual_seed(0)
    sample = sample_features(stream(images, features), quota, "corrected", generator)
    centres = kmeans_centres(sample, CLUSTERS, seed=0)
    nearness(next(stream(images, features))[0], centres, CROP)
    return {"images": images, "bytes": _peak() - before, "bytes_of_all": images * CROP**2 * features * 4}


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main() -> None:
    """Print the figures of one stream, or of both, each from a process of its own."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--images", type=int, default=160)
    parser.add_argument("--features", type=int, default=512)
    parser.add_argument("--alone", action="store_true", help="measure in this process")
    options = parser.parse_args()
    if options.alone:
        print(json.dumps(measure(options.images, options.features)))
        return
    for images in (options.images, 10 * options.images):
        argv = ["--alone", "--images", str(images), "--features", str(options.features)]
        subprocess.run([sys.executable, __file__, *argv], check=True)


if __name__ == "__main__":
    main()
