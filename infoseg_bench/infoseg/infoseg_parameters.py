"""InfoSeg's parameters: the paper's settings, and a choice wherever it leaves one open."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from infoseg_bench.contracts import parameter
from infoseg_bench.errors import UsageError
from infoseg_bench.information.donsker_varadhan import Average
from infoseg_bench.infoseg.blocks import Initialisation, Pooling, Shortcut
from infoseg_bench.infoseg.normalisation import Normalisation
from infoseg_bench.infoseg.objective import Negatives, Pairing
from infoseg_bench.training.network_method import TrainingParameters

PAPER_P = 1024
"""PAPER 5.1."""


class InfoSegParameters(TrainingParameters):
    """The paper's settings; where the paper is silent, the source of a default says how it was chosen."""

    batch: int = parameter(64, "images per step", source="PAPER 5.1", gt=1)
    lr: float = parameter(1e-4, "learning rate of Adam", source="PAPER 5.1", gt=0)
    P: int = parameter(PAPER_P, "length of local and global features", source="PAPER 5.1", gt=0)
    tau: float = parameter(0.8, "scale of the scores in the softmax of eq. 3", source="PAPER 5.1", gt=0)
    width: int = parameter(
        64, "channels of block A's first layer", source="chosen by this project, after Deep InfoMax", gt=0
    )
    tau_tied: bool = parameter(
        False,
        "multiply tau by the square root of 1024/P, so that under layer normalisation tau times a score "
        "spans the same range for every P as for the paper's",
        source="chosen by this project: the paper has one P",
    )
    a_channels: int | None = parameter(
        None,
        "channels of block A's output; none: twice `width`",
        source="chosen by this project; PAPER 4.2 also tried A's output as L, so its A may end with P "
        "channels",
        gt=0,
    )
    a_depth: int = parameter(
        0,
        "number of 3x3 layers at half resolution within block A, each of which widens the patch that a "
        "local feature "
        "sees by 4 pixels",
        source="chosen by this project",
        ge=0,
    )
    context: int = parameter(
        1,
        "number of 3x3 layers at the end of block A, each of which widens the patch, 10 pixels without "
        "them, by 8",
        source="chosen by this project; Deep InfoMax's local features see 21 or 22 pixels",
        ge=0,
    )
    bottleneck: int | None = parameter(
        None,
        "length of the vector that describes an image before block D; none: P",
        source="chosen by this project, as in PAPER Fig. 3; Deep InfoMax's global vector has 64 before its "
        "projection",
        gt=0,
    )
    pooling: Pooling = parameter(
        "average",
        "end of block B: the average over its last map, or a convolution over the whole map",
        source="chosen by this project",
    )
    batch_norm: bool = parameter(
        False,
        "batch normalisation in all blocks",
        source="chosen by this project by label-free figures (see the class InfoSeg): the paper names "
        "none, Deep InfoMax has it",
    )
    initialisation: Initialisation = parameter(
        "torch",
        "initial weights of the convolutions: torch (its default, with which activations shrink from layer "
        "to "
        "layer), or he (He et al. 2015, with which they keep their variance)",
        source="chosen by this project: the paper says random",
    )
    shortcut: Shortcut = parameter(
        "identity",
        "initial weights of block C's shortcut: identity (nearly, as in Deep InfoMax) or torch (random)",
        source="Deep InfoMax, mi_networks.py:98-104; the paper says random",
    )
    normalisation: Normalisation = parameter(
        "layer",
        "normalisation of L and H before the dot product: none (eq. 3 to the letter), scale (by P^-1/4 "
        "each, so the "
        "product by P^-1/2), layer (layer normalisation, then scale), layer-unscaled (layer normalisation "
        "alone), global-layer (layer for H, scale for L), length (to 1)",
        source="Deep InfoMax, mi_networks.py:68-118, with the scale of AMDIM, costs.py:55-59; the paper "
        "mentions none",
    )
    layer_weights: bool = parameter(
        True,
        "learn a weight and a bias per channel in layer normalisation",
        source="Deep InfoMax, mi_networks.py:89-93",
    )
    estimator: Literal["jensen-shannon", "donsker-varadhan", "iic"] = parameter(
        "jensen-shannon",
        "estimator of the mutual information; iic: IIC's information between the V of two views instead of "
        "eq. 6",
        source="PAPER 4.3; the others: Table 2",
    )
    assignment: Literal["soft", "hard"] = parameter(
        "soft",
        "assignment of global features to places: soft (eq. 5), or hard, only that of the most probable "
        "class",
        source="PAPER eq. 5; hard: Table 2",
    )
    pairing: Pairing = parameter(
        "all",
        "negative pairs: permuted (one random x' per x), all (every other image of the batch: the mean over "
        "all that permuted draws from), own (V of x with H of x')",
        source="Deep InfoMax, dim_losses.py:43-59; PAPER eq. 8 pairs at random and does not say how often",
    )
    negatives: Negatives = parameter(
        "same-place",
        "which S of x' a local feature of x is compared with: same-place (eq. 8 to the letter), shifted (of "
        "a random other place, the same for the whole batch), all-places (of every place, as in Deep "
        "InfoMax; needs pairing permuted or own)",
        source="PAPER eq. 8; all-places: Deep InfoMax, dim_losses.py:43-59; shifted: chosen by this project",
    )
    dv_average: Average = parameter(
        "pooled",
        "the donsker-varadhan estimator of all places together (pooled), or of every place, averaged over "
        "places (per-place, as eq. 6 is written)",
        source="pooled: Deep InfoMax, gan_losses.py:75-78; per-place: PAPER eq. 6",
    )
    gradient_through_assignment: bool = parameter(
        True,
        "let gradients flow through V",
        source="chosen by this project, as the notation S_theta of eq. 5 suggests",
    )
    select: Literal["last", "information", "stability"] = parameter(
        "last",
        "which evaluated step's scores are reported beside those of the last step: information (the step at "
        "which most information remains with the mean H of all images; the total information keeps rising), "
        "or stability (the step whose segmentation changes least when images are mirrored and their "
        "colours jittered); neither uses labels",
        source="chosen by this project: PAPER 5.2 names no selection",
    )
    iic_radius: int = parameter(
        10,
        "largest displacement of the iic estimator in image pixels, rounded down to whole places",
        source="IIC examples/commands.txt:73-80",
        ge=0,
    )
    iic_lamb: float = parameter(
        1.0,
        "weight of the entropies of the marginal distributions in the iic estimator",
        source="chosen by this project: the paper does not say; IIC has 1 on COCO-Stuff and 1.5 on "
        "COCO-Stuff-3",
        gt=0,
    )
    upsampling: Literal["labels", "scores"] = parameter(
        "labels",
        "upsampling to full resolution: labels (the label map, by nearest neighbour) or scores (of the "
        "classes, "
        "bilinearly, before the most probable one is taken)",
        source="PAPER 4.1 upsamples the label map",
    )
    jitter: Literal["none", "images", "view"] = parameter(
        "none",
        "IIC's colour jitter: none, of the images, or only of a second view from which H is computed",
        source="chosen by this project: none is mentioned",
    )
    flip: bool = parameter(
        False, "mirror half of the training images", source="chosen by this project: none is mentioned"
    )
    training_mask: bool = parameter(
        False,
        "leave void pixels out of the loss, which uses label information",
        source="chosen by this project: label-free",
    )

    @property
    def effective_tau(self) -> float:
        """Tau as it is used in eq. 3."""
        return self.tau * float((PAPER_P / self.P) ** 0.5) if self.tau_tied else self.tau

    @model_validator(mode="after")
    def _consistent(self) -> InfoSegParameters:
        if self.negatives == "all-places" and self.pairing == "all":
            raise UsageError(
                "infoseg.negatives=all-places compares every place with every other, which is too "
                "expensive for "
                "every pair of images: choose pairing=permuted or pairing=own as well"
            )
        return self
