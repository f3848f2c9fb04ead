"""Features K-Means: clusters the features of a frozen network, mostly a pre-trained one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from pydantic import field_validator
from torch import Tensor

from infoseg_bench.baselines.features.backbone import Backbone
from infoseg_bench.baselines.features.timm_network import TimmNetwork, check_name
from infoseg_bench.baselines.features.vision_transformer import VIT_S_16, VisionTransformer
from infoseg_bench.baselines.features.weight_files import PREFIX, network_of, read, remember
from infoseg_bench.contracts import Method, Parameters, Progress, RunContext, Task, parameter
from infoseg_bench.contracts.method import PRETRAINED
from infoseg_bench.data.train_images import TrainImages
from infoseg_bench.errors import UsageError
from infoseg_bench.information.precision import full_precision
from infoseg_bench.training.feature_kmeans import ITERATIONS, STARTS, kmeans_centres, spherical_centres
from infoseg_bench.training.feature_maps import nearness, sample_features
from infoseg_bench.training.views import counted

RANDOM = "random"
HOW_TO_GET = (
    "features-kmeans.weights: no file of weights is given, and none is ever downloaded for you: get a "
    "backbone of github.com/facebookresearch/dino or dinov2, a ResNet of torchvision, or a network of timm "
    "(docs/methods/features-kmeans.md shows how), and add --set features-kmeans.weights=FILE; "
    "weights=random clusters an untrained network"
)
CHOSEN = "chosen by this project"


class FeaturesKMeansParameters(Parameters):
    """The network, the features to cluster, and how they are sampled."""

    weights: str | None = parameter(
        None,
        "file of weights, recorded as sha256: and 16 digits of the hash of its content; random: an untrained "
        "ViT-S/16, or the untrained `network`",
        source="none: there is no default",
    )
    pretrained: str | None = parameter(
        None,
        "NAME, trained on WHAT: the weights and their training data, for every leaderboard; not if random",
        source="none: there is no default",
        pattern=f"^{PRETRAINED}$",
    )
    network: str | None = parameter(
        None,
        "timm's name of the network that the weights belong to, such as convnext_tiny; needs the extra "
        "features",
        source="none: ViT and ResNet are recognised by their weights, without timm",
    )
    layer: int = parameter(
        1,
        "block (ViT) or stage (ResNet) whose features are clustered, counted from the end",
        source="STEGO src/modules.py:90-97: the last block",
        ge=1,
    )
    metric: Literal["cosine", "euclidean"] = parameter(
        "cosine",
        "cosine: spherical k-means; euclidean: MiniBatchKMeans",
        source="STEGO src/modules.py:147-149 and PiCIE train_picie.py:46-47 compare cosines",
    )
    enlarge: float = parameter(
        1.0,
        "factor by which images are enlarged for the network, rounded to a multiple of its stride",
        source=CHOSEN,
        gt=0,
    )
    images: int = parameter(1_000, "largest number of training crops to sample from", source=CHOSEN, gt=0)
    pixels: int = parameter(
        50_000, "pixels of these crops in the sample, but at least one of each", source=CHOSEN, gt=0
    )
    batch: int = parameter(16, "crops that the network gets at a time", source=CHOSEN, gt=0)
    iterations: int = parameter(
        ITERATIONS, "largest number of passes over the sample", source="the same as of kmeans", gt=0
    )
    starts: int = parameter(
        STARTS, "random initialisations, of which the best is used", source="the same as of kmeans", gt=0
    )

    @field_validator("weights")
    @classmethod
    def _content(cls, given: str | None) -> str | None:
        """Replace the path of a file by the name of its content."""
        named = given is None or given == RANDOM or given.startswith(PREFIX)
        return given if named else remember(Path(str(given)).expanduser())


class FeaturesKMeans(Method[FeaturesKMeansParameters]):
    """Clusters the features of a frozen network: what pre-training alone is worth.

    A network that needs three channels gets the first three: without infrared; or the last one repeated.
    """

    name: ClassVar[str] = "features-kmeans"
    title: ClassVar[str] = "Features K-Means"
    citation: ClassVar[str] = (
        "k-means on frozen features, as the baselines of PiCIE (CVPR 2021) and STEGO (ICLR 2022)"
    )

    def __init__(self, parameters: FeaturesKMeansParameters, task: Task, run: RunContext) -> None:
        """Start without network and centres: `fit` reads them, or `load_state`."""
        super().__init__(parameters, task, run)
        self.network: Backbone | None = None
        self.centres: Float[Tensor, "cluster feature"] | None = None

    @classmethod
    def check_given(cls, parameters: FeaturesKMeansParameters) -> None:
        """Check that weights are given, with their name and training data unless they are random.

        Raises:
            UsageError: they are not, or timm has no network of the given name
            UserError: a network of timm is asked for, but timm cannot be imported
        """
        if parameters.network is not None:
            check_name(parameters.network)
        if parameters.weights is None:
            raise UsageError(HOW_TO_GET)
        if (parameters.weights == RANDOM) != (parameters.pretrained is None):
            raise UsageError(
                f"features-kmeans.pretrained={parameters.pretrained!r}, weights={parameters.weights}: name "
                "weights of a file as in 'DINO ViT-S/16, trained on ImageNet', and none that are random"
            )

    @classmethod
    def pretrained(cls, parameters: FeaturesKMeansParameters) -> str | None:
        """Return name and training data of the weights; None if they are random."""
        return parameters.pretrained

    @property
    def shown_title(self) -> str:
        """Return the title, which says so if the weights are random."""
        return f"Random {self.title}" if self.parameters.weights == RANDOM else self.title

    def fit(self, train: TrainImages) -> Iterator[Progress]:
        """Cluster the features of pixels of random crops."""
        chosen, self.network = self.parameters, self._network().to(self.run.device)
        images, batch = min(chosen.images, len(train)), min(chosen.batch, len(train))
        drawn = []
        for step in range(-(-images // batch)):
            crops = train.batch(step, batch)
            stream = [(self._clustered(crops.images), counted(crops))]
            generator = self.run.generator("pixels", step)
            drawn.append(sample_features(stream, -(-chosen.pixels // images), "corrected", generator))
            yield Progress(step=step + 1, scalars={})
        cluster = spherical_centres if chosen.metric == "cosine" else kmeans_centres
        self.centres = cluster(
            np.concatenate(drawn), self.task.clusters, seed=self.run.seed,
            iterations=chosen.iterations, starts=chosen.starts,
        ).to(self.run.device)  # fmt: skip

    def scores(
        self, images: Float[Tensor, "batch channel height width"]
    ) -> Float[Tensor, "batch cluster height width"]:
        """Return the proximity of every centre, which grows with the cosine or falls with the distance."""
        if self.centres is None:
            raise RuntimeError("Features K-Means: predict was called before fit")
        return nearness(self._clustered(images), self.centres, images.shape[-1])

    @torch.no_grad()
    def features(
        self, images: Float[Tensor, "batch channel height width"]
    ) -> Float[Tensor, "batch feature rows columns"]:
        """Return the network's features, before they are enlarged to the images' size.

        Args:
            images: values in [0, 1]
        """
        network = self.network
        if network is None:
            raise RuntimeError("Features K-Means: features were asked for before fit")
        bands = torch.cat([images[:, :3], *[images[:, -1:]] * (3 - images.shape[1])], dim=1)
        mean, deviation = (
            torch.tensor(each)[:, None, None].to(images.device) for each in (network.mean, network.deviation)
        )
        inputs = (bands - mean) / deviation
        stride = network.stride
        size = [stride * max(1, round(self.parameters.enlarge * side / stride)) for side in images.shape[2:]]
        if size != [*images.shape[2:]]:
            inputs = F.interpolate(inputs, size=size, mode="bilinear", align_corners=False)
        with full_precision(images.device):
            maps: Tensor = network(inputs, self.parameters.layer)
        return maps

    def state(self) -> dict[str, Any]:
        """Return network and centres, so that predictions need no file of weights."""
        network = {} if self.network is None else self.network.weights()
        return {"network": network, "centres": self.centres}

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned."""
        centres = state["centres"]
        if state["network"]:
            self.network = self._with(state["network"]).to(self.run.device)
        self.centres = None if centres is None else centres.to(self.run.device)

    def _clustered(self, images: Tensor) -> Tensor:
        maps = self.features(images)
        return F.normalize(maps, dim=1) if self.parameters.metric == "cosine" else maps

    def _network(self) -> Backbone:
        """Return the network of the parameters."""
        name, weights, layer = self.parameters.network, self.parameters.weights, self.parameters.layer
        if weights == RANDOM:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(self.run.generator("weights").initial_seed())
                network: Backbone = TimmNetwork(name) if name else VisionTransformer(VIT_S_16)
            network.eval().requires_grad_(False)
        else:
            network = self._with(read(str(weights)))
        if layer > network.depth:
            raise UsageError(
                f"features-kmeans.layer={layer}: this network has {network.depth}: choose one of them"
            )
        return network

    def _with(self, weights: dict[str, Tensor]) -> Backbone:
        """Return the network with these weights, ready for features."""
        name = self.parameters.network
        if name is None:
            return network_of(weights)
        network = TimmNetwork(name)
        network.load_weights(weights)
        return network.eval().requires_grad_(False)
