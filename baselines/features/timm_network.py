"""Networks of timm (github.com/huggingface/pytorch-image-models), which need the extra `features`."""

from __future__ import annotations

import difflib
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from infoseg_bench.baselines.features.backbone import Backbone
from infoseg_bench.errors import UsageError, UserError, reason

INSTALL = "pip install 'infoseg-bench[features]'"


class TimmNetwork(Backbone):
    """A network of timm without its classifier, with random weights until a state is loaded.

    Vision transformers take images of any size: their position embeddings are resized by timm.
    """

    def __init__(self, name: str) -> None:
        """Build the network.

        Args:
            name: timm's name of the network, such as "convnext_tiny"

        Raises:
            UsageError: timm has no such network
            UserError: timm cannot be imported
        """
        super().__init__()
        check_name(name)
        create, options = _timm().create_model, {"pretrained": False, "num_classes": 0}
        try:
            self.network: Any = create(name, dynamic_img_size=True, **options)
        except TypeError:
            self.network = create(name, **options)
        self.name = name
        layers = [*self.network.feature_info]
        self.depth, self.stride = len(layers), max(layer["reduction"] for layer in layers)
        self.mean, self.deviation = self.network.pretrained_cfg["mean"], self.network.pretrained_cfg["std"]

    def weights(self) -> dict[str, Tensor]:
        """Return the weights with timm's names."""
        state: dict[str, Tensor] = self.network.state_dict()
        return state

    def load_weights(self, weights: dict[str, Tensor]) -> None:
        """Load weights with timm's names; those of a classifier are not needed.

        Raises:
            UserError: they are not those of this network
        """
        classifier = self.network.pretrained_cfg["classifier"]
        heads = {classifier} if isinstance(classifier, str) else {*(classifier or ())}
        kept = {key: value for key, value in weights.items() if key.rpartition(".")[0] not in heads}
        try:
            self.network.load_state_dict(kept)
        except RuntimeError as error:
            raise UserError(
                f"weights: not those of {self.name} with timm's names ({reason(error)})"
            ) from None

    def forward(
        self, images: Float[Tensor, "batch 3 height width"], layer: int
    ) -> Float[Tensor, "batch feature rows columns"]:
        """Return the features after a layer; those of a transformer are normalised by its last layer.

        Raises:
            UsageError: the network takes images of one size only
        """
        try:
            maps: list[Tensor] = self.network.forward_intermediates(
                images,
                indices=[-layer],
                norm=True,
                stop_early=True,
                output_fmt="NCHW",
                intermediates_only=True,
            )
        except (AssertionError, RuntimeError) as error:
            # timm checks the size of images, or fails where position embeddings are added.
            if not isinstance(error, AssertionError) and "size of tensor" not in str(error):
                raise
            raise UsageError(
                f"features-kmeans.network={self.name}: {reason(error)}: choose features-kmeans.enlarge such "
                "that images have this size, or another network"
            ) from None
        return maps[0]


def check_name(name: str) -> None:
    """Check that timm has a network.

    Raises:
        UsageError: it has not
        UserError: timm cannot be imported
    """
    timm = _timm()
    if not timm.is_model(name):
        near = difflib.get_close_matches(name, timm.list_models(), n=3)
        hint = f"did you mean {', '.join(near)}?" if near else "timm.list_models() lists all"
        raise UsageError(
            f"features-kmeans.network={name}: timm {timm.__version__} has no such network: {hint}"
        )


def _timm() -> Any:
    try:
        import timm
    except ImportError:
        raise UserError(f"features-kmeans.network: timm is not installed: {INSTALL}") from None
    except RuntimeError as error:
        raise UserError(
            f"features-kmeans.network: timm cannot be imported ({reason(error)}): install the build of "
            f"torchvision that belongs to PyTorch {torch.__version__}"
        ) from None
    return timm
