"""The inputs of the methods that share IIC's loader: channel order, colour jitter, mirroring, Sobel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from infoseg_bench.contracts import parameter
from infoseg_bench.data.train_images import TrainBatch
from infoseg_bench.images.color_jitter import color_jitter
from infoseg_bench.images.sobel import append_sobel
from infoseg_bench.training.net10a import Padding
from infoseg_bench.training.network_method import TrainingParameters

JITTER = "IIC segmentation_twohead.py:101-104; Potsdam: examples/commands.txt:83,89"
BANDS = 3
"""Of a photo that OpenCV would read."""
INFRARED_VIEWS: Mapping[str, Any] = {
    "sobel": False,
    "brightness": 0.1,
    "contrast": 0.1,
    "saturation": 0.1,
    "hue": 0.1,
}
"""Preset of aerial images with an infrared band (IIC examples/commands.txt:83,89)."""

Images = Float[Tensor, "batch channel height width"]


class ViewParameters(TrainingParameters):
    """IIC's trunk and its inputs."""

    width: int = parameter(64, "channels of the first layer", source="IIC archs/segmentation/net10a.py", gt=0)
    padding: Padding = parameter(
        "corrected",
        "published: the dilated convolutions shrink the map and the heads add a uniform border; "
        "corrected: neither",
        source="published: IIC archs/segmentation/net10a.py",
    )
    sobel: bool = parameter(
        True, "append Sobel derivatives; none on Potsdam", source="IIC examples/commands.txt:74,80"
    )
    channel_order: Literal["published", "corrected"] = parameter(
        "corrected",
        "published: jitter and grey take blue for red in photos of three bands, as OpenCV reads them; "
        "corrected: red is red",
        source="published: IIC datasets/segmentation/cocostuff.py:171-181",
    )
    training_mask: bool = parameter(
        False,
        "leave void pixels out of the loss, as published on COCO; this uses label information",
        source="chosen by this project: label-free; published: IIC utils/segmentation/IID_losses.py:42-45",
    )
    brightness: float = parameter(0.4, "span of the jittered brightness about 1", source=JITTER, ge=0)
    contrast: float = parameter(0.4, "span of the jittered contrast about 1", source=JITTER, ge=0)
    saturation: float = parameter(0.4, "span of the jittered saturation about 1", source=JITTER, ge=0)
    hue: float = parameter(
        0.125, "span of the jittered hue about 0; 1 is the circle", source=JITTER, ge=0, le=0.5
    )
    flip: bool = parameter(
        True, "mirror half of the jittered images", source="IIC datasets/segmentation/cocostuff.py:213-220"
    )


def ordered(images: Images, parameters: ViewParameters) -> Images:
    """Put the channels into the order that everything after takes for red, green, blue.

    Images with further bands are no photos that OpenCV would read: they stay as they are.
    """
    if parameters.channel_order == "corrected" or images.shape[1] > BANDS:
        return images
    return images.flip(1)


def jittered(images: Images, parameters: ViewParameters, generator: torch.Generator) -> Images:
    """Jitter the colours of ordered images, each with draws of its own."""
    return color_jitter(
        images,
        brightness=parameters.brightness,
        contrast=parameters.contrast,
        saturation=parameters.saturation,
        hue=parameters.hue,
        generator=generator,
    )


def network_input(images: Images, parameters: ViewParameters) -> Float[Tensor, "batch inputs height width"]:
    """Append Sobel channels to ordered images, where the data set has them."""
    inputs = append_sobel(images) if parameters.sobel else images
    return inputs.contiguous(memory_format=torch.channels_last)


def counted(batch: TrainBatch) -> Tensor:
    """Return the pixels that count: those not void where the method may know them, else those not padded."""
    return batch.inside if batch.mask is None else batch.mask


def input_channels(channels: int, parameters: ViewParameters) -> int:
    """Return the channels of `network_input`."""
    return channels + (2 if parameters.sobel else 0)
