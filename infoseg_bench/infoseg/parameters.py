"""InfoSeg's parameters: the paper's settings, and every choice that it leaves open."""

from __future__ import annotations

from typing import Literal

from infoseg_bench.contracts import parameter
from infoseg_bench.infoseg.blocks import Initialisation, Pooling
from infoseg_bench.infoseg.normalisation import Normalisation
from infoseg_bench.infoseg.objective import Pairing
from infoseg_bench.training.network_method import TrainingParameters


class InfoSegParameters(TrainingParameters):
    """The paper's settings, and a declared choice wherever the paper is silent."""

    batch: int = parameter(64, "images per step", source="PAPER 5.1", gt=1)
    lr: float = parameter(1e-4, "learning rate of Adam", source="PAPER 5.1", gt=0)
    P: int = parameter(1024, "length of local and global features", source="PAPER 5.1", gt=0)
    tau: float = parameter(0.8, "scale of the scores in the softmax of eq. 3", source="PAPER 5.1", gt=0)
    width: int = parameter(
        64, "channels of block A's first layer", source="chosen by this project, after Deep InfoMax", gt=0
    )
    context: int = parameter(1, "3x3 layers at the end of block A", source="chosen by this project", ge=0)
    pooling: Pooling = parameter(
        "average",
        "end of block B: the average over its last map, or a convolution over all of it",
        source="chosen by this project",
    )
    batch_norm: bool = parameter(
        False,
        "batch normalisation in all blocks",
        source="chosen by this project, measured (reports/studies): the paper names none, Deep InfoMax "
        "has it",
    )
    initialisation: Initialisation = parameter(
        "torch",
        "of the convolutions: torch (its default, under which activations shrink from layer to layer), or he "
        "(He et al. 2015: they keep their size)",
        source="chosen by this project: the paper says random",
    )
    normalisation: Normalisation = parameter(
        "scale",
        "of L and H before the dot product: none (eq. 3 to the letter), scale (by P^-1/4 each, so the "
        "product by P^-1/2), layer (layer norm, then scale), global-layer (that for H, scale for L), "
        "length (to 1)",
        source="chosen by this project, measured (reports/studies): the paper says nothing of it",
    )
    estimator: Literal["jensen-shannon", "donsker-varadhan", "iic"] = parameter(
        "jensen-shannon",
        "of the mutual information; iic: IIC's information between the V of two views in place of eq. 6, "
        "which needs batch_norm for a start at which classes score differently",
        source="PAPER 4.3; the others: Table 2",
    )
    assignment: Literal["soft", "hard"] = parameter(
        "soft",
        "of global to local features: soft (eq. 5), or hard, the most probable class's alone",
        source="PAPER eq. 5; hard: Table 2",
    )
    pairing: Pairing = parameter(
        "all",
        "the negatives: permuted (one random x' per x), all (every other image of the batch: the mean over "
        "all that permuted draws from), own (V of x with H of x')",
        source="chosen by this project, measured (reports/studies): PAPER eq. 8 pairs at random and does "
        "not say how often",
    )
    gradient_through_assignment: bool = parameter(
        True,
        "let the gradient flow through V",
        source="chosen by this project, as the notation S_theta of eq. 5 suggests",
    )
    iic_radius: int = parameter(
        10,
        "largest displacement of the iic estimator in image pixels, rounded down to whole places",
        source="IIC examples/commands.txt:73-80",
        ge=0,
    )
    iic_lamb: float = parameter(
        1.0,
        "weight of the marginals' entropies in the iic estimator",
        source="chosen by this project: the paper does not say; IIC has 1 on COCO-Stuff and 1.5 on "
        "COCO-Stuff-3",
        gt=0,
    )
    upsampling: Literal["labels", "scores"] = parameter(
        "labels",
        "to full resolution: labels (the label map, by nearest neighbour) or scores (of the classes, "
        "bilinearly, before the most probable one is taken)",
        source="PAPER 4.1 upsamples the label map",
    )
    jitter: Literal["none", "images", "view"] = parameter(
        "none",
        "IIC's colour jitter: none, of the images, or of a second view of them that H is taken from",
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
