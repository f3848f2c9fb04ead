"""The inputs of the methods that use IIC's data loader: channel order, colour jitter, mirroring, Sobel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from infoseg_bench.contracts import parameter
from infoseg_bench.data.train_images import TrainBatch
from infoseg_bench.images.color_jitter import ColorJitter
from infoseg_bench.images.sobel import append_sobel
from infoseg_bench.training.net10a import Padding
from infoseg_bench.training.network_method import TrainingParameters

JITTER = "IIC segmentation_twohead.py:101-104; Potsdam: examples/commands.txt:83,89"
BANDS = 3
"""Channels of a photo without infrared, which OpenCV would read as blue, green and red."""
INFRARED_VIEWS: Mapping[str, Any] = {
    "sobel": False,
    "brightness": 0.1,
    "contrast": 0.1,
    "saturation": 0.1,
    "hue": 0.1,
}
"""Preset for aerial photos with an infrared band (IIC examples/commands.txt:83,89)."""

Images = Float[Tensor, "batch channel height width"]


class ViewParameters(TrainingParameters):
    """Parameters of IIC's trunk and of its inputs."""

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
        "published: BGR, as OpenCV reads photos of three bands, so that jitter and grey swap red and blue; "
        "corrected: RGB",
        source="published: IIC datasets/segmentation/cocostuff.py:171-181",
    )
    training_mask: bool = parameter(
        False,
        "exclude void pixels from the loss, as published on COCO; this uses label information",
        source="chosen by this project: label-free; published: IIC utils/segmentation/IID_losses.py:42-45",
    )
    brightness: float = parameter(
        0.4, "brightness factors are drawn from 1 +- this value", source=JITTER, ge=0
    )
    contrast: float = parameter(0.4, "contrast factors are drawn from 1 +- this value", source=JITTER, ge=0)
    saturation: float = parameter(
        0.4, "saturation factors are drawn from 1 +- this value", source=JITTER, ge=0
    )
    hue: float = parameter(
        0.125, "hue shifts are drawn from 0 +- this value; 1 is a full circle", source=JITTER, ge=0, le=0.5
    )
    flip: bool = parameter(
        True, "mirror half of the jittered images", source="IIC datasets/segmentation/cocostuff.py:213-220"
    )


def ordered(images: Images, parameters: ViewParameters) -> Images:
    """Return the images in the channel order of the parameters: RGB if corrected, BGR if published.

    Images with further channels, such as infrared, are not changed.
    """
    if parameters.channel_order == "corrected" or images.shape[1] > BANDS:
        return images
    return images.flip(1)


def jitter(parameters: ViewParameters) -> ColorJitter:
    """Return the jitter of the colours of ordered images."""
    return ColorJitter(
        brightness=parameters.brightness,
        contrast=parameters.contrast,
        saturation=parameters.saturation,
        hue=parameters.hue,
    )


def network_input(images: Images, parameters: ViewParameters) -> Float[Tensor, "batch inputs height width"]:
    """Return the input of the network: ordered images, with Sobel channels if the parameters say so."""
    inputs = append_sobel(images) if parameters.sobel else images
    return inputs.contiguous(memory_format=torch.channels_last)


def counted(batch: TrainBatch) -> Tensor:
    """Return which pixels enter the loss: those not void if the batch has a mask, else those not padded."""
    return batch.inside if batch.mask is None else batch.mask


def input_channels(channels: int, parameters: ViewParameters) -> int:
    """Return the number of channels of `network_input` for images with `channels` channels."""
    return channels + (2 if parameters.sobel else 0)
