"""IIC's loss by correlation in the Fourier domain against maps convolved with each other, in one run.

python benchmarks/iic_loss.py                                  # 16 images, K = 15, 128x128, T = 10
python benchmarks/iic_loss.py --collapsed 1
python benchmarks/iic_loss.py --device cuda --batch 60 --clusters 45
"""

from __future__ import annotations

import json

import torch
import torch.nn.functional as F
from comparison import compare, measure, options_of
from torch import Tensor

from infoseg_bench.information.displaced import displaced_information
from infoseg_bench.information.joint import joint_information, symmetrised

SIZES = {"batch": 16, "clusters": 15, "side": 128, "radius": 10, "collapsed": 0, "repeats": 3}
"""Of the goals that the benchmark is for."""
CORRELATION, CONVOLUTION = "correlation", "convolution"


def by_correlation(first: Tensor, second: Tensor, *, radius: int, collapsed: bool) -> Tensor:
    """Compute the loss as the suite does."""
    return -displaced_information(first, second, radius=radius, collapsed=collapsed)


def by_convolution(first: Tensor, second: Tensor, *, radius: int, collapsed: bool) -> Tensor:
    """Compute the same with the second's maps as filters that slide over the first's."""
    joints = F.conv2d(first.transpose(0, 1), second.transpose(0, 1).contiguous(), padding=radius)
    joints = joints.permute(2, 3, 0, 1)
    return -joint_information(symmetrised(joints.sum(dim=(0, 1)) if collapsed else joints)).mean()


FORMS = {CORRELATION: by_correlation, CONVOLUTION: by_convolution}


def run(
    form: str, *, device: str, batch: int, clusters: int, side: int, radius: int, collapsed: int, repeats: int
) -> dict[str, float]:
    """Measure one form on random probabilities."""
    where = torch.device(device)
    generator = torch.Generator().manual_seed(0)
    maps = [
        torch.randn(batch, clusters, side, side, generator=generator).mul(2).softmax(dim=1).to(where)
        for _ in range(2)
    ]
    first, second = (leaf.requires_grad_() for leaf in maps)
    return measure(
        lambda: FORMS[form](first, second, radius=radius, collapsed=bool(collapsed)),
        [first, second],
        device=where,
        repeats=repeats,
    )


def ratios(**sizes: str | int) -> dict[str, float]:
    """Compare both forms at the given sizes."""
    return compare(__file__, CONVOLUTION, CORRELATION, sizes)


def main() -> None:
    """Print one form's figures, or the ratios of both."""
    options = vars(options_of(__doc__ or "", list(FORMS), SIZES).parse_args())
    form = options.pop("form")
    print(json.dumps(run(form, **options) if form else ratios(**options), indent=None if form else 2))


if __name__ == "__main__":
    main()
