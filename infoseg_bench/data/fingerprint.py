"""The fingerprint of a store: a hash over everything that can change a score."""

from __future__ import annotations

import hashlib
import json
import zlib
from typing import Any

import numpy as np

BLOCK_ROWS = 1 << 23
"""Rows hashed at a time, so that memory stays bounded."""


def content_fingerprint(file: Any, checks: dict[str, int] | None = None) -> str:
    """Hash an open store's photos, labels, ids and views.

    Attributes such as the licence or the recipe's options are not content: the same pixels
    prepared from another folder have the same fingerprint.

    Args:
        file: the store
        checks: is given the CRC-32 of every array of the photos by name, from the same reading

    Returns:
        64 hexadecimal digits (SHA-256)
    """
    digest = hashlib.sha256()
    for name in ("ids", "sizes", "labelled", "pixels", "labels"):
        check = _add_dataset(digest, name, file[name])
        if checks is not None:
            checks[name] = check
    for name in sorted(file["views"]):
        group = file["views"][name]
        digest.update(f"view {name} {group.attrs['classes']} {group.attrs['crop']}".encode())
        for key in ("train", "evaluation", *(f"tables/{table}" for table in sorted(group["tables"]))):
            _add_dataset(digest, key, group[key])
    return digest.hexdigest()


def _add_dataset(digest: Any, name: str, dataset: Any) -> int:
    check = 0
    digest.update(f"{name} {dataset.shape}".encode())
    for start in range(0, len(dataset), BLOCK_ROWS):
        block = dataset[start : start + BLOCK_ROWS]
        if block.dtype == object:
            content: Any = json.dumps([text.decode() for text in block]).encode()
        else:
            content = block.astype(block.dtype.newbyteorder("<"), copy=False).ravel().view(np.uint8)
        digest.update(content)
        check = zlib.crc32(content, check)
    return check
