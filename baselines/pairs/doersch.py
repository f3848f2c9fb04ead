"""Doersch*: clusters of features learnt by context prediction (protocol 3.3)."""

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
from infoseg_bench.contracts import parameter
from infoseg_bench.training.graphable_method import Draws
from infoseg_bench.utils.randomness import normals

SOURCE = "IIC utils/segmentation/baselines; scripts/segmentation/baselines"
NEAREST, FARTHEST = 1.5, 2.0
"""Distance between the centres of both windows, in window sides: 16.5 to 22 pixels for windows of 11."""
NOISE = 100.0
"""Standard deviation of the noise that replaces dropped colours, relative to that of the kept colour."""


class DoerschParameters(PairParameters):
    """Sizes as in the released code.

    Learning rate, batch and sample were chosen by this project, since no command line was published.
    """

    directions: Literal["published", "corrected"] = parameter(
        "corrected",
        "directions to tell apart. published: nine, of which the first and the last are the same; "
        "corrected: eight",
        source="published: " + SOURCE,
    )
    color_dropping: bool = parameter(
        True, "replace two of the three colours of every training image by noise", source=SOURCE
    )


class Doersch(PairMethod[DoerschParameters]):
    """Learns features by predicting in which of eight directions a second window lies."""

    name: ClassVar[str] = "doersch"
    title: ClassVar[str] = "Doersch*"
    citation: ClassVar[str] = (
        "Doersch, Gupta and Efros, Unsupervised Visual Representation Learning by Context Prediction, "
        "ICCV 2015, as re-implemented in IIC; * marks the clustering of its features"
    )
    version: ClassVar[int] = 2

    def outputs(self) -> int:
        """Return the number of directions, each of which gets a score."""
        return 9 if self.parameters.directions == "published" else 8

    def place(self, size: int, generator: torch.Generator) -> Pair:
        """Draw a direction and a place together, until the second window lies within the image.

        As in the released code (doersch_utils.py), this makes directions with few possible places rarer.
        """
        patch = self.parameters.patch
        while True:
            direction = int(torch.randint(self.outputs(), (1,), generator=generator))
            first = inner_place(size, patch, generator)
            far = float(torch.rand(1, generator=generator, dtype=torch.float64))
            distance, angle = patch * (NEAREST + (FARTHEST - NEAREST) * far), math.radians(45 * direction)
            second = moved(first, distance, angle)
            if within(second, margin=patch // 2, size=size):
                return Pair(first, second, direction)

    def judge(
        self, outputs: Float[Tensor, "batch output"], target: Int64[Tensor, ""]
    ) -> Float[Tensor, " batch"]:
        """Return the cross-entropy over the directions."""
        return F.cross_entropy(outputs, target.expand(len(outputs)), reduction="none")

    def draw_changes(self, shape: torch.Size, generator: torch.Generator) -> Draws:
        """Draw the colour that every image keeps, and the noise."""
        if not self.parameters.color_dropping:
            return {}
        kept = torch.randint(3, (shape[0],), generator=generator)
        return {"kept": kept, "noise": normals((shape[0], 3, *shape[2:]), generator, self.run.device)}

    def altered(self, inputs: Tensor, drawn: Draws) -> Tensor:
        """Drop colours, so that chromatic aberration cannot reveal positions.

        The Sobel channels are still those of all colours: the released loader appends grey before it
        drops colours, and computes the Sobel derivatives from grey
        (datasets/segmentation/baselines/doersch.py).
        """
        return dropped(inputs, drawn["kept"], drawn["noise"]) if self.parameters.color_dropping else inputs


def dropped(
    images: Float[Tensor, "batch channel height width"],
    kept: Int64[Tensor, " batch"],
    noise: Float[Tensor, "batch 3 height width"],
) -> Float[Tensor, "batch channel height width"]:
    """Keep one colour of every image, and replace the other two by noise.

    The noise has the kept colour's mean and a hundredth of its standard deviation. Both are computed over the
    batch (chosen by this project); the released code computes them over the unmasked pixels of the data set.

    Args:
        images: three colour channels first, in any order; further channels are kept
        kept: the colour that each keeps, 0 to 2
        noise: standard normal numbers
    """
    colours = images[:, :3]
    deviation, mean = torch.std_mean(colours, dim=(0, 2, 3))
    noise = noise.to(images.dtype)
    noise = mean[kept][:, None, None, None] + noise * deviation[kept][:, None, None, None] / NOISE
    keep = F.one_hot(kept, 3).bool()[:, :, None, None]
    return torch.cat([torch.where(keep, colours, noise), images[:, 3:]], dim=1)
