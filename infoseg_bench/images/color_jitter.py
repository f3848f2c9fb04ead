"""Random brightness, contrast, saturation and hue for whole batches, as in torchvision's ColorJitter.

Factors and the order of the four adjustments are drawn separately for every image.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from infoseg_bench.utils.device import constant, send

Adjustment = Callable[[Tensor, Tensor], Tensor]

GREY_WEIGHTS = (0.2989, 0.587, 0.114)
"""Red, green and blue in torchvision's conversion to grey (transforms/_functional_tensor.py)."""


def color_jitter(
    images: Float[Tensor, "batch channel height width"],
    *,
    brightness: float,
    contrast: float,
    saturation: float,
    hue: float,
    generator: torch.Generator,
) -> Float[Tensor, "batch channel height width"]:
    """Draw and apply a `ColorJitter`; random numbers come from a CPU generator, for any device."""
    jitter = ColorJitter(brightness=brightness, contrast=contrast, saturation=saturation, hue=hue)
    return jitter.apply(images, send(jitter.draw(len(images), generator), images.device))


@dataclass(frozen=True, kw_only=True)
class ColorJitter:
    """Jitter of red, green and blue; further channels, such as infrared, are not changed.

    Attributes:
        brightness: the factor is uniform in [1 - brightness, 1 + brightness], clipped at 0
        contrast: the same for the blend with the image's mean grey
        saturation: the same for the blend with the grey of each pixel
        hue: the shift is uniform in [-hue, hue], where 1 is the full colour circle; at most 0.5
    """

    brightness: float
    contrast: float
    saturation: float
    hue: float

    @property
    def spans(self) -> tuple[float, float, float, float]:
        """The spans in the order of `ADJUSTMENTS`."""
        return self.brightness, self.contrast, self.saturation, self.hue

    def draw(self, count: int, generator: torch.Generator) -> Float[Tensor, "count 2 4"]:
        """Draw what `apply` needs for every image, on the CPU: strengths, and the order of adjustments."""
        draws = (2 * torch.rand(count, 4, generator=generator) - 1) * torch.tensor(self.spans)
        factors = torch.cat([(1 + draws[:, :3]).clamp(min=0), draws[:, 3:]], dim=1)
        order = torch.rand(count, 4, generator=generator).argsort(dim=1)
        return torch.stack([factors, order.float()], dim=1)

    def apply(
        self, images: Float[Tensor, "batch channel height width"], drawn: Float[Tensor, "batch 2 4"]
    ) -> Float[Tensor, "batch channel height width"]:
        """Return jittered images, values in [0, 1]; red, green and blue come first.

        Args:
            images: values in [0, 1]; not modified
            drawn: what `draw` gave, on the device of the images
        """
        factors, order = drawn.unbind(dim=1)
        colours = images[:, :3].clone()
        for place in range(4):
            for kind, adjust in enumerate(ADJUSTMENTS):
                if self.spans[kind] > 0:
                    chosen = order[:, place] == kind
                    colours = _adjusted(colours, chosen, factors[:, kind].to(images.dtype), adjust)
        return torch.cat([colours, images[:, 3:]], dim=1)


def _adjusted(colours: Tensor, chosen: Tensor, factor: Tensor, adjust: Adjustment) -> Tensor:
    """Adjust the chosen images."""
    if not host_knows(chosen):
        # To learn how many they are, the host would have to wait.
        return torch.where(_per_image(chosen), adjust(colours, _per_image(factor)), colours)
    places = chosen.nonzero()[:, 0]
    if len(places):
        colours[places] = adjust(colours[places], _per_image(factor[places]))
    return colours


def host_knows(values: Tensor) -> bool:
    """Return whether the host can read values without waiting for a device."""
    return values.device.type == "cpu"


def _per_image(values: Float[Tensor, " batch"] | Bool[Tensor, " batch"]) -> Tensor:
    return values[:, None, None, None]


def _brightness(colours: Tensor, factor: Tensor) -> Tensor:
    return (colours * factor).clamp(0, 1)


def _contrast(colours: Tensor, factor: Tensor) -> Tensor:
    return _blend(colours, _grey(colours).mean(dim=(2, 3), keepdim=True), factor)


def _saturation(colours: Tensor, factor: Tensor) -> Tensor:
    return _blend(colours, _grey(colours), factor)


def _hue(colours: Tensor, turn: Tensor) -> Tensor:
    hue, saturation, value = _hsv(colours)
    sixths = (hue + turn) % 1.0 * 6
    # A channel is `value` less the chroma times a trapezoid in the hue (Smith 1978).
    phase = constant((5.0, 3.0, 1.0), (colours.device, colours.dtype))[:, None, None]
    k = (sixths + phase) % 6
    return value * (1 - saturation * torch.minimum(k, 4 - k).clamp(0, 1))


def _hsv(colours: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    red, green, blue = colours.split_with_sizes([1, 1, 1], dim=1)
    value = colours.amax(dim=1, keepdim=True)
    chroma = value - colours.amin(dim=1, keepdim=True)
    span = chroma.where(chroma > 0, 1.0)
    sixths = torch.where(
        value == red,
        (green - blue) / span,
        torch.where(value == green, 2 + (blue - red) / span, 4 + (red - green) / span),
    )
    return sixths / 6, chroma / value.where(value > 0, 1.0), value


def _grey(colours: Tensor) -> Tensor:
    # Not a matrix product, which autocast would compute in bfloat16.
    weights = constant(GREY_WEIGHTS, (colours.device, colours.dtype))[:, None, None]
    return (colours * weights).sum(dim=1, keepdim=True)


def _blend(colours: Tensor, other: Tensor, factor: Tensor) -> Tensor:
    return (factor * colours + (1 - factor) * other).clamp(0, 1)


ADJUSTMENTS: tuple[Adjustment, ...] = (_brightness, _contrast, _saturation, _hue)
"""In the order of torchvision's parameters; they are applied to each image in random order."""
