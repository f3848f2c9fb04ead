"""Isola*: clusters of features learnt from co-occurrence in space (protocol 3.3)."""

from __future__ import annotations

import math
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from torch import Tensor

from infoseg_bench.baselines.pairs.pair_method import (
    Pair,
    PairMethod,
    PairParameters,
    inner_place,
    moved,
    within,
)
from infoseg_bench.baselines.pairs.pair_network import Place
from infoseg_bench.contracts import parameter

SOURCE = "IIC utils/segmentation/baselines; scripts/segmentation/baselines"
NEAREST = 2.0
"""Smallest distance of windows that are not adjacent, in window sides: 22 pixels for windows of 11."""
DIAGONALS = ((-1, -1), (-1, 1), (1, -1), (1, 1))
NEIGHBOURS = (*DIAGONALS, (-1, 0), (1, 0), (0, -1), (0, 1))


class IsolaParameters(PairParameters):
    """Sizes as in the released code.

    Learning rate, batch and sample were chosen by this project, since no command line was published.
    """

    neighbours: Literal["published", "corrected"] = parameter(
        "corrected",
        "which windows are adjacent. published: those that touch only at a corner; corrected: all eight "
        "neighbours",
        source="published: " + SOURCE,
    )


class Isola(PairMethod[IsolaParameters]):
    """Learns features by deciding whether two windows are adjacent."""

    name: ClassVar[str] = "isola"
    title: ClassVar[str] = "Isola*"
    citation: ClassVar[str] = (
        "Isola, Zoran, Krishnan and Adelson, Learning Visual Groups from Co-occurrences in Space and Time, "
        "2015, as re-implemented in IIC; * marks the clustering of its features"
    )
    version: ClassVar[int] = 2

    def outputs(self) -> int:
        """Return 1: the only output is the logit of adjacency."""
        return 1

    def place(self, size: int, generator: torch.Generator) -> Pair:
        """Draw whether the windows are adjacent (one half), then places until both lie within the image.

        As in the released code (isola_utils.py), the first centre is at least 1.5 windows from the borders.
        """
        patch = self.parameters.patch
        adjacent = bool(torch.rand(1, generator=generator) < 0.5)
        while True:
            first = inner_place(size, patch, generator)
            second = (self._neighbour if adjacent else self._distant)(first, size, generator)
            if within(second, margin=patch // 2, size=size):
                return Pair(first, second, int(adjacent))

    def judge(
        self, outputs: Float[Tensor, "batch output"], target: Int64[Tensor, ""]
    ) -> Float[Tensor, " batch"]:
        """Return the binary cross-entropy of adjacency."""
        logits = outputs[:, 0]
        return F.binary_cross_entropy_with_logits(
            logits, target.to(logits.dtype).expand_as(logits), reduction="none"
        )

    def _neighbour(self, first: Place, size: int, generator: torch.Generator) -> Place:
        steps = DIAGONALS if self.parameters.neighbours == "published" else NEIGHBOURS
        down, right = steps[int(torch.randint(len(steps), (1,), generator=generator))]
        return first[0] + down * self.parameters.patch, first[1] + right * self.parameters.patch

    def _distant(self, first: Place, size: int, generator: torch.Generator) -> Place:
        far, turn = torch.rand(2, generator=generator, dtype=torch.float64).tolist()
        nearest = NEAREST * self.parameters.patch
        return moved(first, nearest + (size - nearest) * far, 2 * math.pi * turn)
