"""Module names of version 0.1, which plug-ins can still import for one release, with a warning."""

from __future__ import annotations

import sys
import warnings
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

PACKAGE = "infoseg_bench."
RENAMED = {
    "atomic": "utils.atomic",
    "clustering": "training",
    "clustering.centres": "training.feature_kmeans",
    "clustering.features": "training.feature_maps",
    "cores": "utils.cores",
    "imageops": "images",
    "imageops.color_jitter": "images.color_jitter",
    "imageops.mirror": "images.mirror",
    "imageops.photos": "images.photos",
    "imageops.regions": "baselines.inmars.regions",
    "imageops.resize": "images.resize",
    "imageops.sobel": "images.sobel",
    "imageops.superpixels": "baselines.inmars.superpixels",
    "imageops.upsampling": "images.upsampling",
    "imageops.warp": "baselines.inmars.warp",
    "information.info_nce": "baselines.ac.info_nce",
    "networks": "training",
    "networks.autoregressive": "baselines.ac.autoregressive",
    "networks.net10a": "training.net10a",
    "networks.pair_network": "baselines.pairs.pair_network",
    "networks.raster_scan": "baselines.ac.raster_scan",
    "preparing": "preparation",
    "preparing.class_map": "preparation.class_map",
    "preparing.palette": "images.palette",
    "preparing.parallel": "utils.parallel",
    "progress": "utils.progress",
    "randomness": "utils.randomness",
    "ranks": "utils.distributed",
    "registry": "contracts.registry",
    "training.adversary": "baselines.inmars.adversary",
    "training.pair_method": "baselines.pairs.pair_method",
}
"""Old name to new name, both below the package."""


class _Renamed(Loader):
    def exec_module(self, module: ModuleType) -> None:
        old = module.__name__
        new = PACKAGE + RENAMED[old.removeprefix(PACKAGE)]
        warnings.warn(f"{old} is now {new}", DeprecationWarning, stacklevel=2)
        sys.modules[old] = import_module(new)


class _Finder(MetaPathFinder):
    # `path` can be of any iterable type. Python calls this for all modules, not only for this package's.
    def find_spec(self, fullname: str, path: Any, target: Any = None) -> ModuleSpec | None:
        known = fullname.startswith(PACKAGE) and fullname.removeprefix(PACKAGE) in RENAMED
        return ModuleSpec(fullname, _Renamed()) if known else None


def install() -> None:
    """Install the import hook for old names, before the finders that would load a second copy of a module."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
