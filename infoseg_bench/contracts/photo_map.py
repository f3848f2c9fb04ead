"""Maps of integers that a method may have computed once for every photo, from the pixels alone."""

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
    """A map that the harness makes once per store, saves beside it, and crops along with the photos.

    A method returns the maps it needs from `Method.photo_maps`, and finds them as `batch.maps[name]`.
    The fields are the map's settings; maps with different settings are stored separately.
    """

    name: ClassVar[str]
    version: ClassVar[int] = 1
    """Raise it whenever the same photo would give a different map."""
    libraries: ClassVar[tuple[str, ...]] = ()
    """Python distributions on whose version the map depends."""

    @abstractmethod
    def compute(self, image: UInt8[np.ndarray, "height width channel"]) -> Int[np.ndarray, "height width"]:
        """Make the map of one whole photo, with values from 0 to 32767; several threads call it at once."""

    def fingerprint(self, store_fingerprint: str) -> str:
        """Hash everything that the maps of a store depend on: 64 hexadecimal digits (SHA-256)."""
        decisive = {
            "store": store_fingerprint,
            "map": self.name,
            "version": self.version,
            "settings": self.model_dump(mode="json"),
            "libraries": {library: version(library) for library in self.libraries},
        }
        return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()
