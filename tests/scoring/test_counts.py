from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from infoseg_bench.data.view import VOID
from infoseg_bench.scoring.counts import confusion_counts

N_CLUSTERS, N_CLASSES = 4, 3


def random_maps(seed: int, batch: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    clusters = torch.randint(N_CLUSTERS, (batch, 5, 7), generator=generator)
    labels = torch.randint(N_CLASSES + 1, (batch, 5, 7), generator=generator).to(torch.uint8)
    return clusters, labels.masked_fill(labels == N_CLASSES, VOID)


def count(clusters: Tensor, labels: Tensor) -> Tensor:
    return confusion_counts(clusters, labels, n_clusters=N_CLUSTERS, n_classes=N_CLASSES)


def test_counts_of_a_small_example() -> None:
    clusters = torch.tensor([[[0, 0, 3]], [[1, 1, 1]]])
    labels = torch.tensor([[[2, 2, 0]], [[1, VOID, 0]]], dtype=torch.uint8)
    expected = torch.zeros(2, N_CLUSTERS, N_CLASSES, dtype=torch.int64)
    expected[0, 0, 2], expected[0, 3, 0], expected[1, 1, 1], expected[1, 1, 0] = 2, 1, 1, 1
    assert torch.equal(count(clusters, labels), expected)


@given(seed=st.integers(0, 2**31), batch=st.integers(0, 4))
def test_every_pixel_that_is_not_void_is_counted_once_in_its_own_image(seed: int, batch: int) -> None:
    clusters, labels = random_maps(seed, batch)
    counts = count(clusters, labels)
    assert counts.dtype == torch.int64
    assert torch.equal(counts.sum(dim=(1, 2)), (labels != VOID).sum(dim=(1, 2)))
    for cls in range(N_CLASSES):
        assert torch.equal(counts[..., cls].sum(dim=1), (labels == cls).sum(dim=(1, 2)))


@given(seed=st.integers(0, 2**31))
def test_images_counted_alone_add_up_to_the_whole(seed: int) -> None:
    clusters, labels = random_maps(seed, 3)
    alone = [count(clusters[i : i + 1], labels[i : i + 1])[0] for i in range(3)]
    assert torch.equal(torch.stack(alone), count(clusters, labels))
    whole = count(clusters.reshape(1, 15, 7), labels.reshape(1, 15, 7))[0]
    assert torch.equal(torch.stack(alone).sum(dim=0), whole)


def test_only_void_gives_zero_counts() -> None:
    clusters, labels = random_maps(0, 2)
    assert count(clusters, torch.full_like(labels, VOID)).sum() == 0


@pytest.mark.parametrize("wrong", [-1, N_CLUSTERS, N_CLUSTERS + 1, 10**12])
@pytest.mark.parametrize("label", [0, VOID])
def test_a_cluster_outside_its_range_is_an_error_that_names_it(wrong: int, label: int) -> None:
    clusters, labels = random_maps(0, 2)
    clusters[1, 4, 6], labels[1, 4, 6] = wrong, label
    with pytest.raises(ValueError, match=f"cluster {wrong} is outside"):
        count(clusters, labels)


@pytest.mark.parametrize("wrong", [N_CLASSES, 254])
def test_a_label_without_a_class_is_an_error_that_names_it(wrong: int) -> None:
    clusters, labels = random_maps(0, 2)
    labels[0, 0, 0] = wrong
    with pytest.raises(ValueError, match=f"label {wrong} is outside"):
        count(clusters, labels)


@pytest.mark.gpu
def test_a_gpu_counts_the_same() -> None:
    clusters, labels = random_maps(1, 4)
    counts = count(clusters.cuda(), labels.cuda())
    assert counts.is_cuda
    assert torch.equal(counts.cpu(), count(clusters, labels))
