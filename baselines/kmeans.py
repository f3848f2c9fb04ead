"""K-Means on the raw colours of single pixels (protocol 3.1)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from infoseg_bench.contracts import Method, Parameters, Progress, RunContext, Task, parameter
from infoseg_bench.data.train_images import TrainBatch, TrainImages
from infoseg_bench.training.feature_kmeans import BATCH, ITERATIONS, STARTS, kmeans_centres
from infoseg_bench.training.views import counted

IIC_BASELINE = "IIC scripts/segmentation/baselines/kmeans_and_sift.py"
SKLEARN = "default of scikit-learn 0.20, which " + IIC_BASELINE + " relies on"


class KMeansParameters(Parameters):
    """How pixels are sampled, and the settings of scikit-learn's MiniBatchKMeans."""

    sample: int = parameter(
        200_000,
        "pixels drawn from the crops to fit on; padding and masked pixels are then dropped",
        source="chosen by this project: the published cap is unknown",
        gt=0,
    )
    images: int = parameter(
        5_000,
        "largest number of training crops to draw pixels from",
        source="chosen by this project: bounds the time",
        gt=0,
    )
    training_mask: bool = parameter(
        False,
        "fit only on pixels that are not void, as published; this uses label information",
        source="chosen by this project: label-free; published: " + IIC_BASELINE,
    )
    batch: int = parameter(BATCH, "pixels per mini-batch", source=SKLEARN, gt=0)
    iterations: int = parameter(ITERATIONS, "largest number of passes over the sample", source=SKLEARN, gt=0)
    starts: int = parameter(STARTS, "random initialisations, of which the best is used", source=SKLEARN, gt=0)


class KMeans(Method[KMeansParameters]):
    """Clusters pixels by their colour alone, without their surroundings.

    As in the released code, it uses raw values of red, green and blue (and infrared) of random crops that are
    neither jittered nor mirrored, without Sobel derivatives. How many pixels were sampled is unknown.
    """

    name: ClassVar[str] = "kmeans"
    title: ClassVar[str] = "K-Means"
    citation: ClassVar[str] = "Sculley, Web-Scale K-Means Clustering, WWW 2010, on raw pixels as in IIC"
    version: ClassVar[int] = 2

    def __init__(self, parameters: KMeansParameters, task: Task, run: RunContext) -> None:
        """Start without centres."""
        super().__init__(parameters, task, run)
        self.centres: Float[Tensor, "cluster channel"] | None = None

    def fit(self, train: TrainImages) -> Iterator[Progress]:
        """Fit on a uniform sample of the valid pixels of random crops."""
        count = min(self.parameters.images, len(train))
        colours = []
        for image in range(count):
            colours.append(self._draw(train.batch(image, 1), -(-self.parameters.sample // count), image))
            yield Progress(step=image + 1, scalars={})
        sample = np.concatenate(colours)[: self.parameters.sample].astype(np.float32)
        self.centres = kmeans_centres(
            sample,
            self.task.clusters,
            seed=self.run.seed,
            batch=self.parameters.batch,
            iterations=self.parameters.iterations,
            starts=self.parameters.starts,
        ).to(self.run.device)

    def scores(
        self, images: Float[Tensor, "batch channel height width"]
    ) -> Float[Tensor, "batch cluster height width"]:
        """Return minus the distance to every centre, in 8-bit values."""
        if self.centres is None:
            raise RuntimeError("K-Means: predict was called before fit")
        pixels = images.permute(0, 2, 3, 1)
        distances = torch.cdist(pixels.flatten(0, 2) * 255.0, self.centres)
        return -distances.view(*pixels.shape[:3], -1).permute(0, 3, 1, 2)

    def state(self) -> dict[str, Any]:
        """Return the centres."""
        return {"centres": self.centres}

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore the centres."""
        centres = state["centres"]
        self.centres = None if centres is None else centres.to(self.run.device)

    def _draw(self, batch: TrainBatch, count: int, image: int) -> UInt8[np.ndarray, "pixel channel"]:
        """Draw pixels of the whole crop and drop invalid ones, so that all valid ones are equally likely."""
        pixels, kept = batch.images[0].flatten(1).T, counted(batch)[0].flatten()
        drawn = torch.randint(len(kept), (count,), generator=self.run.generator("pixels", image))
        drawn = drawn.to(kept.device)
        return (pixels[drawn[kept[drawn]]] * 255.0).round().to(torch.uint8).cpu().numpy()
