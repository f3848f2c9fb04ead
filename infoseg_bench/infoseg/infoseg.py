"""InfoSeg: segmentation by maximising the information between local features and global class features."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from infoseg_bench.contracts import RunContext, Task
from infoseg_bench.data.train_images import TrainBatch
from infoseg_bench.errors import UsageError
from infoseg_bench.images.mirror import draw_mirrored, mirror
from infoseg_bench.information.displaced import displaced_information
from infoseg_bench.information.donsker_varadhan import donsker_varadhan
from infoseg_bench.information.jensen_shannon import jensen_shannon
from infoseg_bench.information.precision import at_least_float32
from infoseg_bench.infoseg.augmentation import JITTER, flipped
from infoseg_bench.infoseg.blocks import patch_side
from infoseg_bench.infoseg.diagnosis import label_free_figures, suspicions
from infoseg_bench.infoseg.infoseg_parameters import InfoSegParameters
from infoseg_bench.infoseg.network import STRIDE, FeatureNetwork, Features
from infoseg_bench.infoseg.objective import (
    all_pairs_information,
    assignment_entropy,
    class_probabilities,
    class_scores,
    cluster_usage,
    draw_shift,
    hard_assignment,
    joint_scores,
    marginal_scores,
    random_partners,
    shifted,
)
from infoseg_bench.training.graphable_method import Draws, GraphableMethod

SELECTED_BY = {
    "last": None,
    "information": "information_with_mean_features",
    "stability": "self_agreement",
}
"""For each value of the parameter `select`, the figure whose highest value selects a step."""


class InfoSeg(GraphableMethod[InfoSegParameters]):
    """Does both steps of the paper in every iteration: segment with L and H, then raise their information.

    Where the paper is silent, the defaults are those of Deep InfoMax, on which it builds: layer normalisation
    of L and H with learnt weights, and block C with a near-identity shortcut (mi_networks.py:68-118). The
    exception is batch normalisation in the blocks, which is off. This was decided by figures that need no
    labels and by a rule that was fixed before they were measured (see the message of the commit that
    introduced version 3): after 1 000 steps at half scale, the information that remains when every image gets
    the mean H was -1.7 and -1.4 nats with batch normalisation, and -0.3, -0.1 and -0.4 without (below zero,
    the meaning of a class differs from image to image). Pixel accuracy was measured afterwards and did not
    influence the decision; reports/README.md has both.
    """

    name: ClassVar[str] = "infoseg"
    title: ClassVar[str] = "InfoSeg"
    citation: ClassVar[str] = "Harb and Knoebelreiter, InfoSeg, GCPR 2021"
    version: ClassVar[int] = 3
    uses_all_parameters: ClassVar[bool] = True
    network: FeatureNetwork

    def __init__(self, parameters: InfoSegParameters, task: Task, run: RunContext) -> None:
        """Check that image sizes are multiples of the stride and not smaller than one patch of L."""
        crop = parameters.train_crop or task.crop
        if crop % STRIDE or task.crop % STRIDE:
            raise UsageError(f"infoseg: crops of {crop} and {task.crop} pixels must be multiples of {STRIDE}")
        reach, side = patch_side(parameters.context, parameters.a_depth), min(crop, task.crop)
        if side < reach:
            raise UsageError(
                f"infoseg: crops of {side} pixels are smaller than the {reach} that one local feature sees "
                f"with context={parameters.context} and a_depth={parameters.a_depth}: "
                "choose a smaller context or a_depth, or larger crops"
            )
        super().__init__(parameters, task, run)

    @property
    def selected_by(self) -> str | None:
        """Name of the label-free figure that selects a step; None: only the last step is reported."""
        return SELECTED_BY[self.parameters.select]

    @classmethod
    def suspicions(cls, figures: Mapping[str, float]) -> list[str]:
        """Return a warning if the features are a mere code book of patches."""
        return suspicions(figures)

    def build(self) -> nn.Module:
        """Make blocks A to D."""
        chosen = self.parameters
        return FeatureNetwork(
            channels=self.task.channels,
            clusters=self.task.clusters,
            P=chosen.P,
            width=chosen.width,
            context=chosen.context,
            crop=chosen.train_crop or self.task.crop,
            batch_norm=chosen.batch_norm,
            a_channels=chosen.a_channels,
            a_depth=chosen.a_depth,
            bottleneck=chosen.bottleneck,
            pooling=chosen.pooling,
            normalisation=chosen.normalisation,
            layer_weights=chosen.layer_weights,
            initialisation=chosen.initialisation,
            shortcut=chosen.shortcut,
        )

    def draw(self, shape: torch.Size, generator: torch.Generator) -> Draws:
        """Draw which images are mirrored, the jitter, the images x', and a shift of V."""
        chosen, drawn, count = self.parameters, dict[str, Tensor](), shape[0]
        if chosen.flip:
            drawn["flipped"] = draw_mirrored(count, generator)
        if chosen.estimator == "iic":
            drawn["mirrored"] = draw_mirrored(count, generator)
        if chosen.estimator == "iic" or chosen.jitter != "none":
            drawn["jitter"] = JITTER.draw(count, generator)
        if chosen.estimator == "iic":
            return drawn
        drawn["other"] = random_partners(count, generator)
        if chosen.negatives == "shifted":
            drawn["shift"] = draw_shift(shape[2] // STRIDE, shape[3] // STRIDE, generator)
        return drawn

    def objective(self, batch: TrainBatch, drawn: Draws) -> dict[str, Tensor]:
        """Return minus the information to maximise, and two figures that show whether V collapses."""
        if self.parameters.flip:
            batch = flipped(batch, drawn["flipped"])
        maximised = self._invariance if self.parameters.estimator == "iic" else self._information
        information, V = maximised(batch, drawn)
        with torch.no_grad():
            watched = {"assignment_entropy": assignment_entropy(V), "cluster_usage": cluster_usage(V)}
        return {"loss": -information, **watched}

    def scores(
        self, images: Float[Tensor, "batch channel height width"]
    ) -> Float[Tensor, "batch cluster height width"]:
        """Return the scores of every pixel's classes, whose highest is the most probable class (eq. 4)."""
        with self.inference():
            features = self._features(images)
        scores = class_scores(at_least_float32(features.L), at_least_float32(features.H))
        if self.parameters.upsampling == "scores":
            return F.interpolate(scores, size=images.shape[2:], mode="bilinear", align_corners=False)
        return scores.repeat_interleave(STRIDE, dim=2).repeat_interleave(STRIDE, dim=3)

    def diagnose(self, images: Float[Tensor, "batch channel height width"]) -> Mapping[str, Tensor]:
        """Return the image share, the information with each image's own H and the mean H, and V's entropy."""
        with self.inference():
            found: Features = self.network(images, unfolded=True)
        features = Features(L=at_least_float32(found.L), H=at_least_float32(found.H))
        return label_free_figures(features, self.parameters.effective_tau)

    def _information(self, batch: TrainBatch, drawn: Draws) -> tuple[Tensor, Tensor]:
        """Estimate eq. 8, averaged over places and images (eq. 6); also return V."""
        features = self._features(*self._views(batch.images, drawn))
        scores = at_least_float32(class_scores(features.L, features.H))
        V = class_probabilities(scores, self.parameters.effective_tau)
        weights = self._weights(V)
        negatives, joint = self.parameters.negatives, joint_scores(weights, scores)
        moved = shifted(weights, drawn["shift"]) if negatives == "shifted" else weights
        if batch.mask is None and scores.is_cuda and self._all_pairs:
            # It rounds otherwise in the last bits, and on a CPU it is not faster.
            return all_pairs_information(features.L, features.H, moved, joint), V
        marginal = at_least_float32(
            marginal_scores(
                features.L,
                features.H,
                moved,
                other=drawn["other"],
                pairing=self.parameters.pairing,
                every_place=negatives == "all-places",
            )
        )
        return self._estimate(joint, marginal, batch.mask), V

    @property
    def _all_pairs(self) -> bool:
        """Whether eq. 7 is estimated with all pairs as the marginal ones."""
        return self.parameters.pairing == "all" and self.parameters.estimator == "jensen-shannon"

    def _estimate(self, joint: Tensor, marginal: Tensor, mask: Tensor | None) -> Tensor:
        counted = [None if mask is None else _counted(mask, len(scores)) for scores in (joint, marginal)]
        if self.parameters.estimator == "donsker-varadhan":
            return donsker_varadhan(
                joint,
                marginal,
                average=self.parameters.dv_average,
                counted_joint=counted[0],
                counted_marginal=counted[1],
            )
        return jensen_shannon(joint, marginal, counted_joint=counted[0], counted_marginal=counted[1])

    def _invariance(self, batch: TrainBatch, drawn: Draws) -> tuple[Tensor, Tensor]:
        """Estimate IIC's information between the V of an image and of its jittered mirror image instead."""
        mirrored = drawn["mirrored"]
        V = self._probabilities(batch.images)
        other = self._probabilities(mirror(JITTER.apply(batch.images, drawn["jitter"]), mirrored))
        information = displaced_information(
            V,
            mirror(other, mirrored),
            radius=self.parameters.iic_radius // STRIDE,
            lamb=self.parameters.iic_lamb,
            mask=None if batch.mask is None else _places(batch.mask),
        )
        return information, V

    def _probabilities(self, images: Tensor) -> Tensor:
        features = self._features(images)
        return class_probabilities(
            at_least_float32(class_scores(features.L, features.H)), self.parameters.effective_tau
        )

    def _weights(self, V: Tensor) -> Tensor:
        if self.parameters.assignment == "hard":
            return hard_assignment(V)
        return V if self.parameters.gradient_through_assignment else V.detach()

    def _views(self, images: Tensor, drawn: Draws) -> tuple[Tensor, ...]:
        if self.parameters.jitter == "none":
            return (images,)
        changed = JITTER.apply(images, drawn["jitter"])
        return (changed,) if self.parameters.jitter == "images" else (images, changed)

    def _features(self, *views: Tensor) -> Features:
        features: Features = self.network(
            *(view.contiguous(memory_format=torch.channels_last) for view in views)
        )
        return features


def _counted(mask: Bool[Tensor, "batch height width"], pairs: int) -> Bool[Tensor, "pair rows columns"]:
    """Return for every pair (x, x') the places in the mask of x, in the order of x."""
    return _places(mask).repeat_interleave(pairs // len(mask), dim=0)


def _places(mask: Bool[Tensor, "batch height width"]) -> Bool[Tensor, "batch rows columns"]:
    """Return the places most of whose pixels are in the mask."""
    return F.avg_pool2d(mask[:, None].float(), STRIDE)[:, 0] > 0.5
