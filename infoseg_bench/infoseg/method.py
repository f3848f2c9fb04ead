"""InfoSeg: segmentation by maximising information between local features and their class's global one."""

from __future__ import annotations

from typing import ClassVar

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from torch import Tensor, nn

from infoseg_bench.contracts import Parameters, RunContext, Task
from infoseg_bench.data.train_images import TrainBatch
from infoseg_bench.errors import UsageError
from infoseg_bench.imageops.mirror import draw_mirrored, mirror
from infoseg_bench.information.donsker_varadhan import donsker_varadhan
from infoseg_bench.information.jensen_shannon import jensen_shannon
from infoseg_bench.infoseg.network import STRIDE, FeatureNetwork, Features
from infoseg_bench.infoseg.objective import (
    class_probabilities,
    class_scores,
    hard_assignment,
    joint_scores,
    marginal_scores,
    random_partners,
)
from infoseg_bench.infoseg.parameters import InfoSegParameters
from infoseg_bench.training.network_method import NetworkMethod

ESTIMATORS = {"jensen-shannon": jensen_shannon, "donsker-varadhan": donsker_varadhan}


class InfoSeg(NetworkMethod):
    """Both steps at every iteration: segment with L and H, then raise their information."""

    name: ClassVar[str] = "infoseg"
    title: ClassVar[str] = "InfoSeg"
    citation: ClassVar[str] = "Harb and Knoebelreiter, InfoSeg, GCPR 2021"
    parameters_type: ClassVar[type[Parameters]] = InfoSegParameters
    parameters: InfoSegParameters
    network: FeatureNetwork

    def __init__(self, parameters: InfoSegParameters, task: Task, run: RunContext) -> None:
        """Check that the images fit the network's stride."""
        crop = parameters.train_crop or task.crop
        if crop % STRIDE or task.crop % STRIDE:
            raise UsageError(f"infoseg: crops of {crop} and {task.crop} pixels must be multiples of {STRIDE}")
        super().__init__(parameters, task, run)

    @classmethod
    def label_use(cls, parameters: Parameters) -> str | None:
        """Declare the mask where it is on."""
        return "mask" if isinstance(parameters, InfoSegParameters) and parameters.training_mask else None

    def build(self) -> nn.Module:
        """Make blocks A to D."""
        return FeatureNetwork(
            channels=self.task.channels,
            clusters=self.task.clusters,
            P=self.parameters.P,
            width=self.parameters.width,
            context=self.parameters.context,
            crop=self.parameters.train_crop or self.task.crop,
            batch_norm=self.parameters.batch_norm,
        )

    def losses(self, batch: TrainBatch, generator: torch.Generator) -> dict[str, Tensor]:
        """Minus the estimate of eq. 8, averaged over places and images (eq. 6)."""
        images, mask = self._augment(batch, generator)
        features = self._features(images)
        scores = class_scores(features.L, features.H)
        V = class_probabilities(scores, self.parameters.tau)
        weights = self._weights(V)
        other = random_partners(len(scores), generator).to(scores.device)
        joint = joint_scores(weights, scores)
        marginal = marginal_scores(
            features.L, features.H, weights, other=other, pairing=self.parameters.pairing
        )
        information = ESTIMATORS[self.parameters.estimator](_within(mask, joint), _within(mask, marginal))
        with torch.no_grad():
            watched = {"assignment_entropy": _entropy(V), "cluster_usage": _usage(V)}
        return {"loss": -information, **watched}

    @torch.no_grad()
    def predict(
        self, images: Float[Tensor, "batch channel height width"]
    ) -> Int64[Tensor, "batch height width"]:
        """Take the most probable class (eq. 4) at full resolution."""
        self.network.eval()
        features = self._features(images)
        scores = class_scores(features.L, features.H)
        if self.parameters.upsampling == "scores":
            scores = F.interpolate(scores, size=images.shape[2:], mode="bilinear", align_corners=False)
            return scores.argmax(dim=1)
        clusters = scores.argmax(dim=1)
        return clusters.repeat_interleave(STRIDE, dim=1).repeat_interleave(STRIDE, dim=2)

    def _weights(self, V: Tensor) -> Tensor:
        if self.parameters.assignment == "hard":
            return hard_assignment(V)
        return V if self.parameters.gradient_through_assignment else V.detach()

    def _features(self, images: Tensor) -> Features:
        raw = self.network(images.contiguous(memory_format=torch.channels_last))
        return Features(L=self._normalise(raw.L, dim=1), H=self._normalise(raw.H, dim=2))

    def _normalise(self, features: Tensor, dim: int) -> Tensor:
        kind = self.parameters.normalisation
        if kind == "length":
            return F.normalize(features, dim=dim)
        if kind == "layer":
            mean = features.mean(dim=dim, keepdim=True)
            deviation = features.var(dim=dim, keepdim=True, unbiased=False).add(1e-5).sqrt()
            features = (features - mean) / deviation
        return features if kind == "none" else features * self.parameters.P**-0.25

    def _augment(self, batch: TrainBatch, generator: torch.Generator) -> tuple[Tensor, Tensor | None]:
        images, mask = batch.images, batch.mask
        if self.parameters.flip:
            mirrored = draw_mirrored(len(images), generator)
            images, mask = mirror(images, mirrored), None if mask is None else mirror(mask, mirrored)
        return images, mask


def _within(mask: Tensor | None, scores: Float[Tensor, "pair rows columns"]) -> Tensor:
    """Keep the scores of places of which most pixels are in the mask of x; pairs are in x's order."""
    if mask is None:
        return scores
    places = F.avg_pool2d(mask[:, None].float(), STRIDE)[:, 0] > 0.5
    return scores[places.repeat_interleave(len(scores) // len(mask), dim=0)]


def _entropy(V: Float[Tensor, "batch K rows columns"]) -> Float[Tensor, ""]:
    """Mean entropy of the soft assignment in nats: 0 is hard, log K undecided."""
    return -torch.xlogy(V, V).sum(dim=1).mean()


def _usage(V: Float[Tensor, "batch K rows columns"]) -> Float[Tensor, ""]:
    """Give the number of clusters in use, as the exponential of their shares' entropy: 1 to K."""
    shares = V.mean(dim=(0, 2, 3))
    return (-torch.xlogy(shares, shares).sum()).exp()
