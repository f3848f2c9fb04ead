"""Joint distributions of two maps for all small displacements, by cross-correlation in the Fourier domain.

The sum over pixels of p_i(u) q_j(u + t), for all (2T+1)^2 displacements t, is a correlation. Computed as a
convolution of the maps, it takes (2T+1)^2 products per pair of clusters and pixel; computed here, after a
Fourier transform of every map, a single one.
"""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Complex, Float
from torch import Tensor

from infoseg_bench.information.precision import full_precision

MAPS = 64
"""Number of maps transformed at once, which bounds the additional memory; chosen by this project."""
IMAGES = 4
"""Smallest number of images transformed at once, for any number of clusters, since every pass goes over all
products; chosen by this project."""

Grid = tuple[int, int]


def displaced_joints(
    first: Float[Tensor, "batch cluster height width"],
    second: Float[Tensor, "batch other height width"],
    radius: int,
) -> Float[Tensor, "displacement displacement cluster other"]:
    """Sum first_i(u) second_j(u + t) over images and pixels, for each displacement t.

    Displacements run from -radius to radius, rows first; pixels outside of a map are zero. Only the two maps
    are kept for the backward pass, which computes their spectra again.

    Args:
        first: maps in float32 or float64
        second: maps of the same type
        radius: IIC's T in pixels, less than both sides
    """
    joints: Tensor = _DisplacedJoints.apply(first, second, radius)  # type: ignore[no-untyped-call]
    return joints


class _DisplacedJoints(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, first: Tensor, second: Tensor, radius: int) -> Tensor:
        ctx.save_for_backward(first, second)
        ctx.radius = radius
        grid = _grid(first, radius)
        with full_precision(first.device):
            product = _cross_spectra(first, second, grid)
            return _cut(product, grid, radius).permute(2, 3, 0, 1).contiguous()

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        first, second = ctx.saved_tensors
        grid = _grid(first, ctx.radius)
        with full_precision(first.device):
            kernels = _kernel_spectra(gradient.permute(2, 3, 0, 1), grid)
            return (
                _filtered(second, kernels.mT, grid, reverse=True),
                _filtered(first, kernels, grid, reverse=False),
                None,
            )


def _cross_spectra(
    first: Float[Tensor, "batch cluster height width"],
    second: Float[Tensor, "batch other height width"],
    grid: Grid,
) -> Complex[Tensor, "frequency cluster other"]:
    total: Tensor | None = None
    images = _images_at_once(first)
    for one, other in zip(torch.split(first, images), torch.split(second, images), strict=True):
        left, right = _spectra(one, grid).mH, _spectra(other, grid)
        total = left @ right if total is None else total.baddbmm_(left, right)
    assert total is not None
    return total


def _cut(
    product: Complex[Tensor, "frequency cluster other"], grid: Grid, radius: int
) -> Float[Tensor, "cluster other displacement displacement"]:
    """Transform back, a few clusters at a time, and keep only small displacements."""
    rows, columns = _wrapped(radius, grid, product.device)
    some = max(1, MAPS // product.shape[2])
    return torch.cat(
        [_maps(part, grid)[:, :, rows[:, None], columns] for part in torch.split(product, some, dim=1)]
    )


def _kernel_spectra(
    kernels: Float[Tensor, "cluster other displacement displacement"], grid: Grid
) -> Complex[Tensor, "frequency cluster other"]:
    rows, columns = _wrapped(kernels.shape[-1] // 2, grid, kernels.device)
    frequencies = grid[0] * (grid[1] // 2 + 1)
    spectra = kernels.new_empty(frequencies, *kernels.shape[:2], dtype=kernels.dtype.to_complex())
    some = max(1, MAPS // kernels.shape[1])
    for start in range(0, len(kernels), some):
        part = kernels[start : start + some]
        padded = part.new_zeros(*part.shape[:2], *grid)
        padded[:, :, rows[:, None], columns] = part
        spectra[:, start : start + some] = _spectra(padded, grid)
    return spectra


def _filtered(
    maps: Float[Tensor, "batch source height width"],
    kernels: Complex[Tensor, "frequency source target"],
    grid: Grid,
    *,
    reverse: bool,
) -> Float[Tensor, "batch target height width"]:
    """Convolve (with `reversed`: correlate) every map with every kernel and sum over the sources."""
    height, width = maps.shape[-2:]
    result = maps.new_empty(len(maps), kernels.shape[2], height, width)
    images = _images_at_once(maps)
    for part, place in zip(torch.split(maps, images), torch.split(result, images), strict=True):
        spectra = _spectra(part, grid)
        # Conjugating the few maps instead of the many kernels avoids a copy of the kernels.
        product = (spectra.conj() @ kernels).conj() if reverse else spectra @ kernels
        place.copy_(_maps(product, grid)[..., :height, :width])
    return result


def _images_at_once(maps: Tensor) -> int:
    return max(IMAGES, MAPS // maps.shape[1])


def _grid(maps: Tensor, radius: int) -> Grid:
    """Return sizes padded by the radius, so that nothing wraps around, and up to a fast FFT size."""
    # Its import takes a tenth of PyTorch's, which every command would wait for.
    from scipy.fft import next_fast_len

    rows, columns = (next_fast_len(side + radius, real=True) for side in maps.shape[-2:])
    return rows, columns


def _spectra(maps: Float[Tensor, "a b height width"], grid: Grid) -> Complex[Tensor, "frequency a b"]:
    spectra: Tensor = torch.fft.rfft2(maps, s=grid)
    # With one contiguous matrix per frequency, many small products are several times faster.
    return spectra.flatten(2).permute(2, 0, 1).contiguous()


def _maps(spectra: Complex[Tensor, "frequency a b"], grid: Grid) -> Float[Tensor, "a b rows columns"]:
    first, second = spectra.shape[1:]
    maps: Tensor = torch.fft.irfft2(
        spectra.permute(1, 2, 0).contiguous().view(first, second, grid[0], -1), s=grid
    )
    return maps


def _wrapped(radius: int, grid: Grid, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return the indices of displacements from -radius to radius along both sides of the grid."""
    steps = torch.arange(-radius, radius + 1, device=device)
    return steps % grid[0], steps % grid[1]
