"""InfoSeg's feature network: blocks A to D of PAPER Fig. 3, whose sizes the text leaves open."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor, nn

from infoseg_bench.infoseg.blocks import (
    BlockB,
    Initialisation,
    PointwiseResidual,
    Pooling,
    convolution,
    keep_size,
)
from infoseg_bench.infoseg.normalisation import (
    LINEAR_IN_L,
    Normalisation,
    normalise_global,
    normalise_local,
    scale_of_local,
)

STRIDE = 4
"""Input pixels per place of L, d in PAPER 5.1."""


@dataclass(frozen=True)
class Features:
    """Local features L and one global feature H per class."""

    L: Float[Tensor, "batch P rows columns"]
    H: Float[Tensor, "batch K P"]


class FeatureNetwork(nn.Module):
    """Images to L and H.

    A gives a grid of patch features; C on A gives L. B takes A's grid down to the image level;
    another C and, per class, a linear layer D give H.
    """

    def __init__(
        self,
        *,
        channels: int,
        clusters: int,
        P: int,
        width: int,
        context: int,
        crop: int,
        batch_norm: bool,
        pooling: Pooling = "average",
        normalisation: Normalisation = "layer",
        initialisation: Initialisation = "torch",
    ) -> None:
        """Build it.

        Args:
            channels: of the images
            clusters: K
            P: length of local and global features
            width: channels of A's first layer; A ends with twice, B with at most 16 times as many
            context: 3x3 layers at the end of A, each widening L's patch by 8 pixels
            crop: side of the images it will be trained on, which decides the depth of B
            batch_norm: whether the convolutions are followed by batch normalisation
            pooling: how B ends: with the average over its last map, or with a convolution over the
                whole of it, which tells places apart
            normalisation: of L and H
            initialisation: of the convolutions before a ReLU
        """
        super().__init__()
        grid = 2 * width
        self.clusters, self.P = clusters, P
        self.normalisation, self.fold = normalisation, normalisation in LINEAR_IN_L
        self.block_a = nn.Sequential(
            convolution(channels, width, 4, 2, batch_norm),
            convolution(width, grid, 4, 2, batch_norm),
            *(convolution(grid, grid, 3, 1, batch_norm) for _ in range(context)),
        )
        self.block_b = BlockB(grid, crop // STRIDE, 16 * width, batch_norm, pooling)
        self.local_c = PointwiseResidual(grid, P, batch_norm)
        self.global_c = PointwiseResidual(self.block_b.out_channels, P, batch_norm)
        # K separate linear layers P -> P, side by side in one.
        self.block_d = nn.Linear(P, clusters * P)
        if initialisation == "he":
            self.apply(keep_size)

    def forward(
        self,
        images: Float[Tensor, "batch channel height width"],
        view: Float[Tensor, "batch channel height width"] | None = None,
    ) -> Features:
        """Compute both kinds of features; height and width are multiples of 4.

        Only dot products of L and H are ever needed, and where L is not normalised C's last layer is
        linear: <W l, H> is <l, W'H>. Folded, that layer is applied to the K vectors of an image's H and
        not to the l of its thousand places; L then stands for the layer's inputs, and both have more
        than P numbers.

        Args:
            images: what L is taken from
            view: what H is taken from; None: the images too
        """
        grid = self.block_a(images)
        source = grid if view is None else self.block_a(view)
        image_level = self.global_c(self.block_b(source)).flatten(1)
        H = normalise_global(
            self.block_d(image_level).unflatten(1, (self.clusters, self.P)), self.normalisation
        )
        if not self.fold:
            return Features(L=normalise_local(self.local_c(grid), self.normalisation), H=H)
        inputs, weights = self.local_c.unapplied(grid)
        return Features(L=inputs, H=H * scale_of_local(self.normalisation, self.P) @ weights)


def patch_side(context: int) -> int:
    """Return the side in pixels of what one place of L sees: 4x4 and 4x4 at stride 2, then `context` 3x3."""
    return 4 + 3 * 2 + context * 2 * STRIDE
