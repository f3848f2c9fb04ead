"""Methods that learn features by judging pairs of windows, and then cluster the features.

IIC scripts/segmentation/baselines, utils/segmentation/baselines.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn
from typing_extensions import TypeVar

from infoseg_bench.baselines.pairs.pair_network import PairNetwork, Place
from infoseg_bench.contracts import RunContext, Task, parameter
from infoseg_bench.data.train_images import TrainBatch, TrainImages
from infoseg_bench.errors import UsageError
from infoseg_bench.images.mirror import draw_mirrored, mirror
from infoseg_bench.information.precision import at_least_float32
from infoseg_bench.training.feature_kmeans import kmeans_centres
from infoseg_bench.training.feature_maps import Sampling, nearness, sample_features
from infoseg_bench.training.graphable_method import Draws, GraphableMethod
from infoseg_bench.training.views import (
    INFRARED_VIEWS,
    ViewParameters,
    counted,
    input_channels,
    jitter,
    network_input,
    ordered,
)

NETWORK = "IIC archs/segmentation/baselines"
SMALLEST_CROP = 4
"""Minimum side of a crop, in window sides, so that any pair fits into it."""
MARGIN = 1.5
"""Smallest distance of the first centre from the borders, in window sides (as doersch_utils.py)."""


class PairParameters(ViewParameters):
    """Parameters of the network, and of the clustering of its features."""

    lr: float = parameter(
        1e-4,
        "learning rate of Adam",
        source="chosen by this project: the same as IIC's; the published one is unknown",
        gt=0,
    )
    patch: int = parameter(
        11, "side of the windows in pixels", source="IIC scripts/segmentation/baselines", gt=1
    )
    branch: int = parameter(
        1024, "channels of the branch that each window goes through", source=NETWORK, gt=0
    )
    hidden: int = parameter(
        1024, "units of the hidden layer that combines both windows", source=NETWORK, gt=0
    )
    cluster_images: int = parameter(
        2_000,
        "largest number of training crops whose features are clustered; not used by the published sampling",
        source="chosen by this project: bounds the time",
        gt=0,
    )
    cluster_pixels: int = parameter(
        50_000,
        "pixels of these crops in the sample, but at least one of each crop",
        source="chosen by this project: the published cap is unknown",
        gt=0,
    )
    cluster_sampling: Sampling = parameter(
        "corrected",
        "published: one pixel of every batch of scored images, repeated; corrected: different pixels of "
        "the training crops, drawn uniformly",
        source="published: IIC kmeans_segmentation_eval.py:78-89",
    )


Q = TypeVar("Q", bound=PairParameters, default=Any)
"""Parameters of a method that judges pairs."""


@dataclass(frozen=True)
class Pair:
    """The centres of two windows, and the answer that the network should predict for them."""

    first: Place
    second: Place
    target: int


class PairMethod(GraphableMethod[Q]):
    """Base class that trains the trunk on pairs, and clusters its features before every evaluation.

    A subclass defines `outputs`, `place` and `judge`, and may change the training images in `altered`.
    """

    # Batch sizes of IIC on the same data; chosen by this project.
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "coco-stuff": {"batch": 60},
        "coco-stuff-3": {"batch": 120},
        "coco-persons": {"batch": 120},
        "potsdam": {**INFRARED_VIEWS, "batch": 60},
        "potsdam-3": {**INFRARED_VIEWS, "batch": 75},
    }
    network: PairNetwork

    def __init__(self, parameters: Q, task: Task, run: RunContext) -> None:
        """Check that the crops have room for pairs of windows."""
        crop = parameters.train_crop or task.crop
        if crop < SMALLEST_CROP * parameters.patch:
            raise UsageError(
                f"{self.name}.patch={parameters.patch}: two windows need crops of at least "
                f"{SMALLEST_CROP * parameters.patch} pixels, but the crop is {crop}: choose a smaller patch"
            )
        super().__init__(parameters, task, run)
        self.centres: Float[Tensor, "cluster feature"] | None = None

    @abstractmethod
    def outputs(self) -> int:
        """Number of outputs that the network predicts for a pair."""

    @abstractmethod
    def place(self, size: int, generator: torch.Generator) -> Pair:
        """Draw a pair that lies within images of `size` pixels."""

    @abstractmethod
    def judge(
        self, outputs: Float[Tensor, "batch output"], target: Int64[Tensor, ""]
    ) -> Float[Tensor, " batch"]:
        """Return the loss of every image."""

    def draw_changes(self, shape: torch.Size, generator: torch.Generator) -> Draws:
        """Draw the random numbers that `altered` needs; none by default."""
        return {}

    def altered(self, inputs: Tensor, drawn: Draws) -> Tensor:
        """Return the network's inputs, changed for training; by default unchanged."""
        return inputs

    def build(self) -> nn.Module:
        """Return the trunk, the branch and the classifier."""
        chosen = self.parameters
        return PairNetwork(
            input_channels(self.task.channels, chosen),
            self.outputs(),
            width=chosen.width,
            padding=chosen.padding,
            patch=chosen.patch,
            branch=chosen.branch,
            hidden=chosen.hidden,
        )

    def draw(self, shape: torch.Size, generator: torch.Generator) -> Draws:
        """Draw which images are mirrored, the jitter, changes of the inputs, and the pair."""
        drawn: dict[str, Any] = {"mirrored": draw_mirrored(shape[0], generator) & self.parameters.flip}
        drawn["jitter"] = jitter(self.parameters).draw(shape[0], generator)
        drawn |= self.draw_changes(shape, generator)
        pair = self.place(shape[-1], generator)
        return {**drawn, "pair": torch.tensor([*pair.first, *pair.second, pair.target])}

    def objective(self, batch: TrainBatch, drawn: Draws) -> dict[str, Tensor]:
        """Return the mean loss over the images in which the centre of either window is valid."""
        images = jitter(self.parameters).apply(ordered(batch.images, self.parameters), drawn["jitter"])
        mirrored = drawn["mirrored"]
        inputs = self.altered(network_input(mirror(images, mirrored), self.parameters), drawn)
        *centres, target = drawn["pair"].unbind()
        first, second = (centres[0], centres[1]), (centres[2], centres[3])
        outputs = self.network(inputs, first, second)
        mask = mirror(counted(batch), mirrored)
        kept = (_at(mask, *first) | _at(mask, *second)).float()
        judged = self.judge(outputs.float(), target)
        return {"loss": (judged * kept).sum() / kept.sum().clamp(min=1)}

    def before_evaluation(self, train: TrainImages) -> None:
        """Cluster the network's current features."""
        chosen, generator = self.parameters, self.run.generator("clusters", self.step)
        if chosen.cluster_sampling == "published":
            images, batches = train.scored, train.centre_batches(chosen.batch)
        else:
            images = min(chosen.cluster_images, len(train))
            batches = (
                train.batch(step, chosen.batch, chosen.train_crop)
                for step in range(-(-images // chosen.batch))
            )
        sample = sample_features(
            ((self._features(batch.images), counted(batch)) for batch in batches),
            -(-chosen.cluster_pixels // images),
            chosen.cluster_sampling,
            generator,
        )
        centres = kmeans_centres(sample, self.task.clusters, seed=self.run.seed)
        self.centres = centres.to(self.run.device)

    def scores(
        self, images: Float[Tensor, "batch channel height width"]
    ) -> Float[Tensor, "batch cluster height width"]:
        """Return the proximity of every cluster centre in feature space."""
        if self.centres is None:
            raise RuntimeError(f"{self.name}: predict was called before the features were clustered")
        return nearness(self._features(images), self.centres, images.shape[-1])

    def state(self) -> dict[str, Any]:
        """Return the state of every network method, and the cluster centres."""
        return {**super().state(), "centres": self.centres}

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned."""
        super().load_state(state)
        centres = state["centres"]
        self.centres = None if centres is None else centres.to(self.run.device)

    def _features(self, images: Tensor) -> Tensor:
        inputs = network_input(ordered(images, self.parameters), self.parameters)
        with self.inference():
            return at_least_float32(self.network.trunk(inputs))


def _at(
    masks: Bool[Tensor, "batch height width"], row: Int64[Tensor, ""], column: Int64[Tensor, ""]
) -> Bool[Tensor, " batch"]:
    """Return the masks' values at a place; indexing with it would make the host wait for the device."""
    return masks.flatten(1).index_select(1, (row * masks.shape[2] + column)[None])[:, 0]


def inner_place(size: int, patch: int, generator: torch.Generator) -> Place:
    """Draw a centre at least 1.5 windows from the borders: rows 16 to 111 of 128 for windows of 11 pixels."""
    margin = MARGIN * patch
    row, column = torch.rand(2, generator=generator, dtype=torch.float64).tolist()
    span = size - 2 * margin
    return math.floor(margin + span * row), math.floor(margin + span * column)


def moved(place: Place, distance: float, angle: float) -> Place:
    """Move a place by pixels in a direction in radians; truncates to pixels as the released code does."""
    return int(place[0] + distance * math.sin(angle)), int(place[1] + distance * math.cos(angle))


def within(place: Place, *, margin: int, size: int) -> bool:
    """Return whether a place is at least `margin` pixels from all borders of an image of side `size`."""
    return all(margin <= position <= size - 1 - margin for position in place)
