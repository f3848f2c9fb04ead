"""The fingerprint of a store: a hash over everything that can change a score."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import numpy as np

BLOCK_ROWS = 1 << 18
"""Rows read and hashed at a time; chosen by this project: one chunk of pixels, which fits into the cache of a
core, was fastest."""


def content_fingerprint(file: Any, checks: dict[str, int] | None = None) -> str:
    """Hash an open store's photos, labels, ids and views.

    Attributes such as the licence or the recipe's options are not hashed, so the same pixels prepared from
    another folder have the same fingerprint.

    Args:
        file: the store
        checks: dictionary to fill with the CRC-32 of every array of the photos, computed in the same pass

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
    digest.update(f"{name} {dataset.shape}".encode())
    check = 0
    with closing(_contents(dataset)) as contents:
        for content, up_to_there in contents:
            digest.update(content)
            check = up_to_there
    return check


def _contents(dataset: Any) -> Generator[tuple[Any, int], None, None]:
    """Yield the bytes block by block with the CRC-32 so far; one block is read while another is hashed."""
    check = 0

    def read(rows: slice) -> tuple[Any, int]:
        nonlocal check
        content = _bytes(dataset[rows])
        check = zlib.crc32(content, check)
        return content, check

    size = max(len(dataset), 1) if dataset.dtype == object else BLOCK_ROWS
    blocks = [slice(start, start + size) for start in range(0, len(dataset), size)]
    with ThreadPoolExecutor(1) as reader:
        ahead = [reader.submit(read, block) for block in blocks[:1]]
        for block in blocks[1:]:
            ahead.append(reader.submit(read, block))
            yield ahead.pop(0).result()
        yield from (last.result() for last in ahead)


def _bytes(block: np.ndarray) -> Any:
    if block.dtype == object:
        return json.dumps([text.decode() for text in block]).encode()
    return block.astype(block.dtype.newbyteorder("<"), copy=False).ravel().view(np.uint8)
