"""What `gpu.py` packs and trains."""

from __future__ import annotations

from dataclasses import dataclass

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


NEEDED = {"features-kmeans": ("weights=random",)}
"""Settings without defaults."""
TOY = {
    "infoseg": ("P=8", "width=4", "batch=4"),
    "iic": ("width=2", "batch=4", "radius=2"),
    "ac": ("width=2", "blocks=2", "batch=4", "radius=2"),
    "inmars": ("width=2", "batch=4"),
    "isola": ("width=2", "batch=4", "patch=5", "branch=4", "hidden=8", "cluster_images=8"),
    "doersch": ("width=2", "batch=4", "patch=5", "branch=4", "hidden=8", "cluster_images=8"),
    "random-cnn": ("width=2",),
    "kmeans": ("sample=500",),
    "features-kmeans": ("images=8", "pixels=100"),
}
"""Settings with which a rehearsal on a CPU is over soon."""
