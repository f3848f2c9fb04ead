"""Your own method in one file: k-means on colour and place.

infoseg-bench check examples/own_method.py
infoseg-bench run --plugin examples/own_method.py --method colour-and-place --dataset synthetic-scenes
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import torch
from jaxtyping import Float, Int64
from sklearn.cluster import MiniBatchKMeans
from torch import Tensor

from infoseg_bench.contracts import Method, Parameters, Progress, parameter
from infoseg_bench.data.train_images import TrainImages


class ColourAndPlaceParameters(Parameters):
    """Parameters, each with a description and the source of its default."""

    images: int = parameter(50, "number of random training crops", source="an example", gt=0)
    pixels: int = parameter(200, "number of pixels to sample from each crop", source="an example", gt=0)
    place_weight: float = parameter(
        0.5, "weight of a pixel's place relative to its colour", source="an example", ge=0
    )


class ColourAndPlace(Method):
    """Clusters pixels by colour, row and column; the row helps to find the sky."""

    name: ClassVar[str] = "colour-and-place"
    title: ClassVar[str] = "Colour and place"
    citation: ClassVar[str] = "an example of infoseg-bench"
    parameters_type: ClassVar[type[Parameters]] = ColourAndPlaceParameters
    parameters: ColourAndPlaceParameters
    centres: Tensor | None = None

    def fit(self, train: TrainImages) -> Iterator[Progress]:
        """Fit k-means on a sample of pixels; `train` contains no labels."""
        samples = []
        for step in range(self.parameters.images):
            batch = train.batch(step, 1)  # one random crop, which depends on the seed and the step
            features = self._features(batch.images)[batch.inside].cpu()  # inside: without padding
            chosen = torch.randperm(len(features), generator=self.run.generator("pixels", step))
            samples.append(features[chosen[: self.parameters.pixels]])
            yield Progress(step=step + 1, scalars={})  # here the harness may stop
        kmeans = MiniBatchKMeans(self.task.clusters, n_init=3, random_state=self.run.seed)
        kmeans.fit(torch.cat(samples).numpy())
        self.centres = torch.from_numpy(kmeans.cluster_centers_).float().to(self.run.device)

    def predict(
        self, images: Float[Tensor, "batch channel height width"]
    ) -> Int64[Tensor, "batch height width"]:
        """Return the nearest centre of every pixel."""
        assert self.centres is not None
        features = self._features(images)
        distances = torch.cdist(features.flatten(1, 2), self.centres)
        return distances.argmin(dim=2).view(features.shape[:3])

    def state(self) -> dict[str, Any]:
        """Return everything that a checkpoint must contain."""
        return {"centres": self.centres}

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned."""
        self.centres = None if state["centres"] is None else state["centres"].to(self.run.device)

    def _features(self, images: Tensor) -> Tensor:
        batch, _, height, width = images.shape
        rows = torch.linspace(0, 1, height, device=images.device).view(1, height, 1, 1)
        columns = torch.linspace(0, 1, width, device=images.device).view(1, 1, width, 1)
        place = [
            axis.expand(batch, height, width, 1) * self.parameters.place_weight for axis in (rows, columns)
        ]
        return torch.cat([images.permute(0, 2, 3, 1), *place], dim=3)
