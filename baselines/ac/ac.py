"""AC, autoregressive clustering (Ouali et al., ECCV 2020; protocol 3.4).

No official code is public. "AC-MM" is the unofficial github.com/Max-Manning/autoregunsupseg at
e849f31. This module follows its structure, but uses IIC's mutual information, because AC-MM's is not
normalised. AC-MM trains for 20 epochs on every data set (run_experiments.sh): at its batch sizes 34 540 steps
on COCO-Stuff, 24 440 on COCO-Stuff-3, 8 560 on Potsdam.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

from infoseg_bench.baselines.ac.autoregressive import AutoregressiveNetwork, Block
from infoseg_bench.baselines.ac.info_nce import info_nce
from infoseg_bench.baselines.ac.raster_scan import ORDERINGS, Masking, Ordering
from infoseg_bench.contracts import RunContext, Task, parameter
from infoseg_bench.data.train_images import TrainBatch
from infoseg_bench.errors import UsageError
from infoseg_bench.information.displaced import displaced_information
from infoseg_bench.information.precision import at_least_float32
from infoseg_bench.training.graphable_method import Draws, GraphableMethod
from infoseg_bench.training.network_method import TrainingParameters

Policy = Literal["distinct", "independent", "opposite"]
SETTINGS = "AC-MM run_experiments.sh"
TEMPLATE = "AC-MM model/model.py ARSegmentationNet4"


class ACParameters(TrainingParameters):
    """AC-MM's settings where it has any; otherwise choices of this project."""

    batch: int = parameter(30, "images per step", source=SETTINGS + ", COCO", gt=1)
    lr: float = parameter(4e-5, "learning rate of Adam", source=SETTINGS + ", COCO-Stuff-3", gt=0)
    orderings: Policy = parameter(
        "distinct",
        "the two orderings of a step: distinct, independent (may coincide; AC-MM train.py:139-161), or "
        "opposite",
        source="chosen by this project: the paper's policy is unknown",
    )
    stride: Literal[2, 4] = parameter(4, "pixels per grid cell of the network's output", source=SETTINGS)
    width: int = parameter(64, "channels of the stem", source=TEMPLATE, gt=0)
    blocks: int = parameter(4, "number of blocks, each doubling the channels", source=TEMPLATE, gt=0)
    block: Block = parameter(
        "reference",
        "reference: ReLU after each convolution of a residual pair and none after the sum, and attention "
        "mixed in by a 1x1 convolution; after-sum: ReLU after the sum, and attention added",
        source="AC-MM model/components.py:18-55, model/attention_layer.py; the paper's form is unknown",
    )
    masking: Masking = parameter(
        "shift",
        "what hides later places from 3x3 convolutions: shift (of half of the channels each to a quadrant "
        "and to earlier lines) or kernel (one weight is zero, as AC-MM model/maskedconv.py:18-69)",
        source="the paper's footnote 2: shifts; which channels go where was chosen by this project",
    )
    batch_norm: bool = parameter(
        True, "batch normalisation in the stem", source="AC-MM model/components.py:5-16"
    )
    attention: int = parameter(
        0,
        "channels of queries, keys and values of an attention layer after block 2; 0: none; AC-MM has 128",
        source="chosen by this project: optional in the paper",
        ge=0,
    )
    radius: int = parameter(10, "largest displacement T in pixels", source="AC-MM model/loss.py:7-44", ge=0)
    compare: Literal["image", "grid"] = parameter(
        "image",
        "resolution at which information is computed: image (interpolated, as AC-MM), or grid (the "
        "network's own)",
        source="AC-MM model/components.py:57-69",
    )
    collapsed: bool = parameter(
        False,
        "sum the joint distributions of all displacements before computing information, as AC-MM",
        source="IIC examples/commands.txt",
    )
    lamb: float = parameter(
        1.0,
        "weight of the entropies of the marginal distributions in the information",
        source="AC-MM train.py has none",
        gt=0,
    )
    arl_weight: float = parameter(
        0.0,
        "weight of the loss ARL (autoregressive representation learning), added to AC's; 0: off",
        source="PAPER 3.2: no gain",
        ge=0,
    )
    arl_features: int = parameter(128, "length of ARL's vectors", source="chosen by this project", gt=0)
    arl_radius: int = parameter(
        1,
        "displacement over which ARL's vectors should agree, in grid cells",
        source="chosen by this project",
        ge=0,
    )
    arl_samples: int = parameter(
        16, "grid cells per image that ARL compares", source="chosen by this project", gt=0
    )
    arl_temperature: float = parameter(
        0.1, "temperature that divides ARL's scores", source="chosen by this project", gt=0
    )
    training_mask: bool = parameter(
        False,
        "exclude void pixels from the loss, which uses label information",
        source="AC-MM train.py: none",
    )


class AC(GraphableMethod[ACParameters]):
    """Finds clusters on which two autoregressive passes over an image agree."""

    name: ClassVar[str] = "ac"
    title: ClassVar[str] = "AC"
    citation: ClassVar[str] = (
        "Ouali, Hudelot and Tami, Autoregressive Unsupervised Image Segmentation, ECCV 2020"
    )
    version: ClassVar[int] = 2
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "coco-stuff": {"lr": 6e-6},
        "coco-stuff-3": {"lr": 4e-5},
        "potsdam": {"lr": 1e-6, "batch": 20},
        "potsdam-3": {"lr": 1e-6, "batch": 20},
    }
    # Twenty passes over the photos, evaluated after each, as in AC-MM (run_experiments.sh at e849f31).
    # How long the published models were trained is not known.
    budgets: ClassVar[Mapping[str, Mapping[str, int]]] = {
        "coco-stuff": {"steps": 20 * 1727, "evaluate_every": 1727},
        "coco-stuff-3": {"steps": 20 * 1222, "evaluate_every": 1222},
        "potsdam": {"steps": 20 * 428, "evaluate_every": 428},
        "potsdam-3": {"steps": 20 * 428, "evaluate_every": 428},
    }

    def __init__(self, parameters: ACParameters, task: Task, run: RunContext) -> None:
        """Check that image sizes are multiples of the stride, and the radius is smaller than the crop."""
        crop = parameters.train_crop or task.crop
        if crop % parameters.stride or task.crop % parameters.stride:
            raise UsageError(
                f"ac: crops of {crop} and {task.crop} pixels must be multiples of stride={parameters.stride}"
            )
        if parameters.attention and parameters.blocks < 2:
            raise UsageError(f"ac: attention needs at least 2 blocks, but blocks={parameters.blocks}")
        if parameters.radius >= crop:
            raise UsageError(f"ac: radius={parameters.radius} must be below the crop of {crop} pixels")
        super().__init__(parameters, task, run)

    def build(self) -> nn.Module:
        """Return the autoregressive trunk, the decoder to K clusters and, for ARL, a decoder to vectors."""
        chosen = self.parameters
        trunk = AutoregressiveNetwork(
            channels=self.task.channels,
            width=chosen.width,
            stride=chosen.stride,
            blocks=chosen.blocks,
            attention=chosen.attention,
            batch_norm=chosen.batch_norm,
            block=chosen.block,
            masking=chosen.masking,
        )
        heads = {"trunk": trunk, "clusters": nn.Conv2d(trunk.out_channels, self.task.clusters, 1)}
        if chosen.arl_weight:
            heads["vectors"] = nn.Conv2d(trunk.out_channels, chosen.arl_features, 1)
        return nn.ModuleDict(heads)

    def draw(self, shape: torch.Size, generator: torch.Generator) -> Draws:
        """Draw the two orderings, which determine the operations, and the grid cells that ARL compares."""
        drawn: dict[str, Any] = {"orderings": draw_orderings(self.parameters.orderings, generator)}
        if self.parameters.arl_weight:
            cells = shape[2] * shape[3] // self.parameters.stride**2
            drawn["cells"] = torch.randperm(cells, generator=generator)[: self.parameters.arl_samples]
        return drawn

    def objective(self, batch: TrainBatch, drawn: Draws) -> dict[str, Tensor]:
        """Return minus the information between passes along two orderings; padding is left out."""
        grids = [self._grid(batch.images, ordering) for ordering in drawn["orderings"]]
        information = self._information(grids, batch.inside if batch.mask is None else batch.mask)
        scalars = {"loss": -information, "information": information}
        if self.parameters.arl_weight:
            agreement = self._agreement(grids, drawn["cells"])
            scalars |= {"loss": -information - self.parameters.arl_weight * agreement, "arl": agreement}
        return scalars

    def scores(
        self, images: Float[Tensor, "batch channel height width"]
    ) -> Float[Tensor, "batch cluster height width"]:
        """Return the logits of the network without an ordering."""
        with self.inference():
            logits = self._logits(self._grid(images, None))
        return _enlarge(logits, images.shape[-2:])

    def _grid(self, images: Tensor, ordering: Ordering | None) -> Tensor:
        grid: Tensor = self.network.trunk(images.contiguous(memory_format=torch.channels_last), ordering)
        return grid

    def _logits(self, grid: Tensor) -> Float[Tensor, "batch cluster rows columns"]:
        return at_least_float32(self.network.clusters(grid))

    def _information(self, grids: list[Tensor], counted: Bool[Tensor, "batch crop crop"]) -> Tensor:
        chosen = self.parameters
        scores, radius = [self._logits(grid) for grid in grids], chosen.radius
        if chosen.compare == "image":
            scores = [_enlarge(score, counted.shape[-2:]) for score in scores]
        else:
            radius //= chosen.stride
            counted = F.avg_pool2d(counted[:, None].float(), chosen.stride)[:, 0] > 0.5
        first, second = (score.softmax(dim=1) for score in scores)
        return displaced_information(
            first,
            second,
            radius=radius,
            lamb=chosen.lamb,
            collapsed=chosen.collapsed,
            mask=counted,
            together=self.summed,
        )

    def _agreement(self, grids: list[Tensor], cells: Int64[Tensor, " cell"]) -> Tensor:
        """Return how well the same neighbourhood in the other view is distinguished from others (ARL)."""
        first, second = (F.normalize(self.network.vectors(grid).float(), dim=1) for grid in grids)
        reach = self.parameters.arl_radius
        # The mean score over a neighbourhood is the score with the neighbourhood's mean.
        second = F.avg_pool2d(second, 2 * reach + 1, 1, reach, count_include_pad=False)
        first, second = (view.flatten(2)[..., cells].mT.flatten(0, 1) for view in (first, second))
        with torch.autocast(first.device.type, enabled=False):
            return info_nce(first, second, temperature=self.parameters.arl_temperature)


def draw_orderings(policy: Policy, generator: torch.Generator) -> tuple[Ordering, Ordering]:
    """Draw the orderings of a step's two passes, the same for all its images (AC-MM train.py:139-161)."""
    if policy == "independent":
        first, second = (ORDERINGS[int(i)] for i in torch.randint(len(ORDERINGS), (2,), generator=generator))
        return first, second
    first, second = (ORDERINGS[int(i)] for i in torch.randperm(len(ORDERINGS), generator=generator)[:2])
    return first, (first.opposite if policy == "opposite" else second)


def _enlarge(scores: Tensor, size: Sequence[int]) -> Float[Tensor, "batch cluster height width"]:
    return F.interpolate(scores, size=tuple(size), mode="bilinear", align_corners=False)
