"""InfoSeg's feature network: blocks A to D of PAPER Fig. 3; the paper does not give their sizes."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor, nn

from infoseg_bench.infoseg.blocks import (
    BlockA,
    BlockB,
    Initialisation,
    PointwiseResidual,
    Pooling,
    Shortcut,
    keep_size,
)
from infoseg_bench.infoseg.normalisation import LINEAR_IN_L, Normalisation, Normalise, of_global, of_local

STRIDE = 4
"""Input pixels per place of L, d in PAPER 5.1."""


@dataclass(frozen=True)
class Features:
    """Local features L and one global feature H per class."""

    L: Float[Tensor, "batch P rows columns"]
    H: Float[Tensor, "batch K P"]


class FeatureNetwork(nn.Module):
    """Compute L and H of images.

    Block A computes a grid of patch features, from which a block C computes L. Block B reduces the grid to
    one vector for the image, from which another C and, for each class, a linear layer D compute H.
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
        a_channels: int | None = None,
        a_depth: int = 0,
        bottleneck: int | None = None,
        pooling: Pooling = "average",
        normalisation: Normalisation = "layer",
        layer_weights: bool = True,
        initialisation: Initialisation = "torch",
        shortcut: Shortcut = "identity",
    ) -> None:
        """Build it.

        Args:
            channels: channels of the images
            clusters: number of clusters, K
            P: length of local and global features
            width: channels of A's first layer; B ends with at most 16 times as many
            context: number of 3x3 layers at the end of A, each of which widens L's patch by 8 pixels
            crop: side of the training images in pixels, which determines the depth of B
            batch_norm: whether the convolutions are followed by batch normalisation
            a_channels: channels of A's output; None: twice `width`
            a_depth: number of 3x3 layers at half resolution within A, each of which widens L's patch by 4
                pixels
            bottleneck: length to which the image's vector is reduced before D; None: it is not reduced
            pooling: end of B: the average over its last map, or one convolution as large as that map,
                which has separate weights for each place
            normalisation: normalisation of L and H
            layer_weights: whether layer normalisation has learnt weights
            initialisation: initial weights of the convolutions before a ReLU
            shortcut: initial weights of C's shortcut
        """
        super().__init__()
        grid = a_channels or 2 * width
        self.clusters, self.P = clusters, P
        self.fold = normalisation in LINEAR_IN_L
        self.block_a = BlockA(
            channels, width=width, out=grid, depth=a_depth, context=context, batch_norm=batch_norm
        )
        self.block_b = BlockB(grid, crop // STRIDE, max(16 * width, grid), batch_norm, pooling)
        self.local_c = PointwiseResidual(grid, P, batch_norm, shortcut)
        self.global_c = PointwiseResidual(self.block_b.out_channels, P, batch_norm, shortcut)
        self.bottleneck = nn.Linear(P, bottleneck) if bottleneck else nn.Identity()
        # K separate linear layers, concatenated into one.
        self.block_d = nn.Linear(bottleneck or P, clusters * P)
        self.normalise_local = Normalise(of_local(normalisation), P, weights=layer_weights)
        self.normalise_global = Normalise(of_global(normalisation), P, weights=layer_weights)
        if initialisation == "he":
            self.apply(keep_size)

    def forward(
        self,
        images: Float[Tensor, "batch channel height width"],
        view: Float[Tensor, "batch channel height width"] | None = None,
        *,
        unfolded: bool = False,
    ) -> Features:
        """Compute both kinds of features; height and width are multiples of 4.

        Only dot products of L and H are needed, and if L is not normalised, the last layer of C is linear, so
        that <W l, H> = <l, W'H>. With `fold`, this layer is applied to the K vectors of an image's H instead
        of to the vectors l of its thousand places. The returned L then contains the layer's inputs, and the
        features of both have more than P channels.

        Args:
            images: images from which L is computed
            view: images from which H is computed; None: the same images
            unfolded: whether to return L and H themselves in any case
        """
        grid = self.block_a(images)
        source = grid if view is None else self.block_a(view)
        H = self._global_features(source)
        if self.fold and not unfolded:
            inputs, weights = self.local_c.unapplied(grid)
            return Features(L=inputs, H=H * self.normalise_local.factor @ weights)
        L = self.normalise_local(self.local_c(grid).permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        return Features(L=L, H=H)

    def _global_features(
        self, grid: Float[Tensor, "batch channel rows columns"]
    ) -> Float[Tensor, "batch K P"]:
        image_level = self.bottleneck(self.global_c(self.block_b(grid)).flatten(1))
        H: Tensor = self.normalise_global(self.block_d(image_level).unflatten(1, (self.clusters, self.P)))
        return H
