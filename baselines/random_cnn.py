"""Random CNN: the untrained IIC network, the argmax of its head B (protocol 3.1)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from infoseg_bench.contracts import Method, Parameters, Progress, RunContext, Task, parameter
from infoseg_bench.data.train_images import TrainImages
from infoseg_bench.images.sobel import append_sobel
from infoseg_bench.training.net10a import Padding, TwoHeadNet10a

NO_SOBEL: Mapping[str, Any] = {"sobel": False}
"""Potsdam has no Sobel channels (IIC examples/commands.txt:83,89)."""


class RandomCNNParameters(Parameters):
    """The network's size and input."""

    width: int = parameter(64, "channels of the first layer", source="IIC archs/segmentation/net10a.py", gt=0)
    padding: Padding = parameter(
        "corrected",
        "published: the dilated convolutions shrink the map and the heads add a uniform border; "
        "corrected: neither happens, as in the trained methods",
        source="published: IIC archs/segmentation/net10a.py",
    )
    sobel: bool = parameter(True, "append Sobel derivatives", source="IIC examples/commands.txt:74,80")


class RandomCNN(Method[RandomCNNParameters]):
    """IIC's network with its initial weights, without any training: a lower bound for every trained method.

    No released script makes this row of the table. IIC's logs print the score of the untrained network on
    COCO-Stuff, 19.4, which equals the published entry; the other published entries lie within the spread of
    the logs' seeds. This is why the row is taken to be the untrained network.
    """

    name: ClassVar[str] = "random-cnn"
    title: ClassVar[str] = "Random CNN"
    citation: ClassVar[str] = "Ji et al., Invariant Information Clustering, ICCV 2019 (its untrained network)"
    version: ClassVar[int] = 2
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"potsdam": NO_SOBEL, "potsdam-3": NO_SOBEL}

    def __init__(self, parameters: RandomCNNParameters, task: Task, run: RunContext) -> None:
        """Draw the weights with the run's seed."""
        super().__init__(parameters, task, run)
        channels = task.channels + (2 if parameters.sobel else 0)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(run.generator("weights").initial_seed())
            # Head A is never used, but its weights are drawn first, as in the released network.
            network = TwoHeadNet10a(
                channels, task.clusters, task.clusters, parameters.width, parameters.padding
            )
        self.network = network.to(run.device).eval()

    def fit(self, train: TrainImages) -> Iterator[Progress]:
        """Do nothing: the network is not trained."""
        yield from ()

    @torch.no_grad()
    def scores(
        self, images: Float[Tensor, "batch channel height width"]
    ) -> Float[Tensor, "batch cluster height width"]:
        """Return the probabilities of head B, with batch normalisation at its initial identity."""
        probabilities: Tensor = self.network(append_sobel(images) if self.parameters.sobel else images)
        return probabilities

    def state(self) -> dict[str, Any]:
        """Return the weights."""
        return {"network": self.network.state_dict()}

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore the weights."""
        self.network.load_state_dict(state["network"])
