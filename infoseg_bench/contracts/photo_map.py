"""Integer maps of photos, such as superpixels, which are computed once per photo for a method."""

from __future__ import annotations

import hashlib
import json
from abc import abstractmethod
from importlib.metadata import version
from typing import ClassVar

import numpy as np
from jaxtyping import Int, UInt8

from infoseg_bench.contracts.parameters import Parameters


class PhotoMap(Parameters):
    """A map that the harness computes once per store, saves beside it, and crops along with the photos.

    A method returns the maps it needs from `Method.photo_maps`, and receives them as `batch.maps[name]`.
    The fields are the map's settings; maps with different settings are stored separately.
    """

    name: ClassVar[str]
    version: ClassVar[int] = 1
    """Raise it whenever the same photo would give a different map."""
    libraries: ClassVar[tuple[str, ...]] = ()
    """Python distributions on whose version the map depends."""

    @abstractmethod
    def compute(self, image: UInt8[np.ndarray, "height width channel"]) -> Int[np.ndarray, "height width"]:
        """Return the map of a whole photo, with values from 0 to 32767; it must be thread-safe."""

    def fingerprint(self, store_fingerprint: str) -> str:
        """Return the SHA-256 of everything that the maps of a store depend on, as 64 hexadecimal digits."""
        decisive = {
            "store": store_fingerprint,
            "map": self.name,
            "version": self.version,
            "settings": self.model_dump(mode="json"),
            "libraries": {library: version(library) for library in self.libraries},
        }
        return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()
