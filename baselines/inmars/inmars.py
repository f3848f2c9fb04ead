"""InMARS, after the abstract of Mirsadeghi et al., RA-L 2021 (protocol 3.5).

Neither code nor the full text was available. The abstract says: an image is split into superpixels,
a network's assignment of superpixels to clusters is trained by maximising mutual information, and
then by adversaries that perturb pixels (photometric) and their positions (geometric). Everything
beyond that was chosen by this project: SLIC, IIC's network, the mutual information of RIM, virtual
adversaries, and all settings. If several processes train together, each computes the entropy of the mean
assignment over its own images.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from infoseg_bench.baselines.inmars.adversary import adversarial_perturbation, root_mean_square, untracked
from infoseg_bench.baselines.inmars.regions import RegionPooling
from infoseg_bench.baselines.inmars.superpixels import Superpixels
from infoseg_bench.baselines.inmars.warp import smooth_flow, warp
from infoseg_bench.contracts import PhotoMap, parameter
from infoseg_bench.data.train_images import TrainBatch
from infoseg_bench.images.sobel import append_sobel
from infoseg_bench.information.assignment import conditional_entropy, divergence, marginal_entropy
from infoseg_bench.training.graphable_method import Draws, GraphableMethod
from infoseg_bench.training.net10a import ClusterHead, Net10aTrunk, Padding, initialise
from infoseg_bench.training.network_method import TrainingParameters
from infoseg_bench.utils.randomness import normals

NO_SOBEL: Mapping[str, Any] = {"sobel": False}
"""Potsdam has no Sobel channels (IIC examples/commands.txt:83,89)."""


class InMARSParameters(TrainingParameters):
    """Parameters of InMARS; the abstract names its parts but no settings."""

    segments: int = parameter(
        200, "approximate number of superpixels per 128x128 pixels", source="chosen by this project", gt=0
    )
    compactness: float = parameter(
        10.0,
        "SLIC's compactness: weight of spatial distance relative to colour distance",
        source="default of scikit-image",
        gt=0,
    )
    width: int = parameter(64, "channels of the first layer", source="IIC archs/segmentation/net10a.py", gt=0)
    sobel: bool = parameter(True, "append Sobel derivatives", source="IIC examples/commands.txt:74,80")
    padding: Padding = parameter(
        "corrected",
        "padding of IIC's network: published (as released; its map is misaligned by some pixels) or "
        "corrected",
        source="chosen by this project: superpixels need aligned maps",
    )
    marginal_weight: float = parameter(
        1.0,
        "weight of the entropy of the mean assignment",
        source="chosen by this project, 1 is mutual information",
        ge=0,
    )
    conditional_weight: float = parameter(
        1.0,
        "weight of the mean entropy of assignments",
        source="chosen by this project, 1 is mutual information",
        ge=0,
    )
    adversary_start: float = parameter(
        0.5,
        "fraction of the training steps after which the adversaries are used",
        source="chosen by this project; the abstract: followed by",
        ge=0,
        le=1,
    )
    photometric_weight: float = parameter(
        1.0,
        "weight of the divergence under perturbed pixel values; 0: off",
        source="chosen by this project",
        ge=0,
    )
    photometric_radius: float = parameter(
        0.03,
        "root mean square perturbation of pixel values, which lie in [0, 1]",
        source="chosen by this project, about 8 of 255",
        gt=0,
    )
    geometric_weight: float = parameter(
        1.0,
        "weight of the divergence under perturbed pixel positions; 0: off",
        source="chosen by this project",
        ge=0,
    )
    geometric_radius: float = parameter(
        1.5, "root mean square of both flow components, in pixels", source="chosen by this project", gt=0
    )
    geometric_points: int = parameter(
        6, "control points of the flow along each side", source="chosen by this project", ge=2
    )
    probe: float = parameter(
        0.1,
        "distance at which the adversaries compute their gradient, as a fraction of the radius",
        source="chosen by this project",
        gt=0,
    )
    training_mask: bool = parameter(
        False,
        "exclude void pixels from the loss, which uses label information",
        source="chosen by this project: label-free",
    )


class InMARS(GraphableMethod[InMARSParameters]):
    """InMARS (re-implementation from the abstract).

    Superpixels are assigned to clusters evenly, confidently, and consistently under adversarial
    perturbations.
    """

    name: ClassVar[str] = "inmars"
    title: ClassVar[str] = "InMARS (re-implementation from the abstract)"
    citation: ClassVar[str] = (
        "Mirsadeghi, Royat and Rezatofighi, Unsupervised Image Segmentation by Mutual Information "
        "Maximization and Adversarial Regularization, RA-L 2021"
    )
    version: ClassVar[int] = 2
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"potsdam": NO_SOBEL, "potsdam-3": NO_SOBEL}

    @classmethod
    def photo_maps(cls, parameters: InMARSParameters) -> tuple[PhotoMap, ...]:
        """Return the superpixel map that training needs."""
        return (Superpixels(segments=parameters.segments, compactness=parameters.compactness),)

    def build(self) -> nn.Module:
        """Return IIC's trunk and its head of K clusters."""
        chosen = self.parameters
        channels = self.task.channels + (2 if chosen.sobel else 0)
        trunk = Net10aTrunk(channels, chosen.width, chosen.padding)
        head = ClusterHead(trunk.out_channels, self.task.clusters, chosen.padding)
        return nn.ModuleDict({"trunk": trunk, "head": head}).apply(initialise)

    def draw(self, shape: torch.Size, generator: torch.Generator) -> Draws:
        """Draw the starting points of the adversaries in use."""
        chosen, drawn = self.parameters, dict[str, Tensor]()
        if self.step < chosen.adversary_start * self.run.steps:
            return drawn
        if chosen.photometric_weight:
            drawn["photometric"] = normals(shape, generator, self.run.device)
        if chosen.geometric_weight:
            points = chosen.geometric_points
            drawn["geometric"] = normals((shape[0], 2, points, points), generator, self.run.device)
        return drawn

    def objective(self, batch: TrainBatch, drawn: Draws) -> dict[str, Tensor]:
        """Return minus the information of superpixels, plus the divergences under both adversaries."""
        chosen, regions = self.parameters, batch.maps["superpixels"]
        if batch.mask is not None:
            regions = regions.masked_fill(~batch.mask, -1)
        predicted = self._probabilities(batch.images)
        pool = RegionPooling(regions)
        assigned = pool(predicted)
        even, undecided = marginal_entropy(assigned, pool.share), conditional_entropy(assigned, pool.share)
        loss = chosen.conditional_weight * undecided - chosen.marginal_weight * even
        scalars = {"marginal_entropy": even, "conditional_entropy": undecided}
        for name, weight, attack in self._attacks():
            if name in drawn:
                scalars[name] = attack(batch.images, predicted.detach(), regions, drawn[name])
                loss = loss + weight * scalars[name]
        return {"loss": loss, **scalars}

    def scores(
        self, images: Float[Tensor, "batch channel height width"]
    ) -> Float[Tensor, "batch cluster height width"]:
        """Return the probabilities of every pixel's clusters; superpixels are used only in training."""
        with self.inference():
            return self._probabilities(images)

    def _probabilities(self, images: Tensor) -> Float[Tensor, "batch cluster height width"]:
        inputs = append_sobel(images) if self.parameters.sobel else images
        features = self.network.trunk(inputs.contiguous(memory_format=torch.channels_last))
        probabilities: Tensor = self.network.head(features, images.shape[-2:])
        return probabilities

    def _attacks(self) -> tuple[tuple[str, float, Callable[..., Tensor]], ...]:
        chosen = self.parameters
        return (
            ("photometric", chosen.photometric_weight, self._photometric),
            ("geometric", chosen.geometric_weight, self._geometric),
        )

    def _photometric(self, images: Tensor, predicted: Tensor, regions: Tensor, start: Tensor) -> Tensor:
        """Return the divergence of the superpixels' clusters under a perturbation of colours."""
        pool = RegionPooling(regions)
        target = pool(predicted)

        def moved(change: Tensor) -> Tensor:
            return divergence(target, pool(self._probabilities(images + change)), pool.share)

        return self._worst(moved, start, self.parameters.photometric_radius, root_mean_square)

    def _geometric(self, images: Tensor, predicted: Tensor, regions: Tensor, start: Tensor) -> Tensor:
        """Return the divergence of the superpixels' clusters when both are warped with the image."""
        size = (images.shape[2], images.shape[3])

        def moved(control: Tensor) -> Tensor:
            flow = smooth_flow(control, size)
            pool = RegionPooling(_warped(regions, flow))
            target, assigned = warp(predicted, flow), self._probabilities(warp(images, flow))
            return divergence(pool(target), pool(assigned), pool.share)

        return self._worst(
            moved,
            start,
            self.parameters.geometric_radius,
            lambda control: root_mean_square(smooth_flow(control, size)),
        )

    def _worst(
        self,
        moved: Callable[[Tensor], Tensor],
        start: Tensor,
        radius: float,
        size: Callable[[Tensor], Tensor],
    ) -> Tensor:
        with untracked(self.network):
            worst = adversarial_perturbation(
                moved, start, radius=radius, probe=self.parameters.probe, size=size
            )
            return moved(worst)


def _warped(
    regions: Int64[Tensor, "batch height width"], flow: Float[Tensor, "batch 2 height width"]
) -> Int64[Tensor, "batch height width"]:
    """Warp regions with their image; pixels from beyond the border belong to no region."""
    # Zero stands for outside of the image; float32 represents numbers of this size exactly.
    numbered = (regions[:, None] + 1).to(flow.dtype)
    return warp(numbered, flow, mode="nearest", outside="zeros")[:, 0].long() - 1
