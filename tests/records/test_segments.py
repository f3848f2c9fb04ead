from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infoseg_bench.data.view import VOID
from infoseg_bench.errors import UserError
from infoseg_bench.records.folder import RunFolder
from infoseg_bench.records.segments import (
    Segments,
    agreement,
    cluster_sizes,
    effective_clusters,
    write_segments,
)


def segments(seed: int, *, clusters: int = 3, images: int = 4) -> Segments:
    maps = np.random.default_rng(seed).integers(0, clusters, (images, 6, 5), dtype=np.uint8)
    maps[:, 0] = VOID
    return Segments(clusters=maps, ids=[f"photo {index}" for index in range(images)])


def test_segments_are_read_back_as_they_were_written(tmp_path: Path) -> None:
    written = segments(0)
    write_segments(tmp_path / "segments.npz", written)
    read = RunFolder(tmp_path).segments()
    np.testing.assert_array_equal(read.clusters, written.clusters)
    assert read.ids == written.ids


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut off"])
def test_damaged_segments_are_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "segments.npz").write_bytes(content)
    with pytest.raises(UserError, match=r"segments\.npz: not readable segments"):
        RunFolder(tmp_path).segments()


def test_sizes_leave_padding_out() -> None:
    maps = np.full((1, 2, 4), VOID, dtype=np.uint8)
    maps[0, 0] = [0, 0, 0, 2]
    sizes = cluster_sizes(maps, clusters=4, step=7)
    assert sizes.shares == [0.75, 0.0, 0.25, 0.0]
    assert sizes.entropy == pytest.approx(-(0.75 * math.log(0.75) + 0.25 * math.log(0.25)))
    assert sizes.step == 7


def test_equal_clusters_are_all_in_use_and_one_cluster_alone_is_one() -> None:
    equal = np.arange(8, dtype=np.uint8).reshape(1, 2, 4)
    assert effective_clusters(cluster_sizes(equal, clusters=8, step=0)) == pytest.approx(8)
    assert effective_clusters(cluster_sizes(np.zeros_like(equal), clusters=8, step=0)) == 1


@pytest.mark.parametrize("value", [3, VOID])
def test_sizes_refuse_a_strange_cluster_and_nothing_but_padding(value: int) -> None:
    with pytest.raises(ValueError, match="outside"):
        cluster_sizes(np.full((1, 2, 2), value, dtype=np.uint8), clusters=3, step=0)


@given(seed=st.integers(0, 99), order=st.permutations(range(3)))
def test_agreement_does_not_depend_on_the_numbers_of_clusters(seed: int, order: list[int]) -> None:
    one = segments(seed)
    table = np.arange(256, dtype=np.uint8)
    table[:3] = order
    assert agreement(one, Segments(clusters=table[one.clusters], ids=one.ids)) == pytest.approx((1, 1))


def test_independent_segments_agree_by_chance_only() -> None:
    information, rand = agreement(segments(1, images=200), segments(2, images=200))
    assert information < 0.01
    assert abs(rand) < 0.01


def test_agreement_needs_the_same_photos() -> None:
    other = segments(0)
    with pytest.raises(ValueError, match="other photos"):
        agreement(segments(0), Segments(clusters=other.clusters, ids=other.ids[::-1]))
