"""InfoSeg's objective without S against the same with S formed: time and memory, in one run.

    python benchmarks/objective.py --device cpu --batch 16 --clusters 15 --features 256 --side 32
    python benchmarks/objective.py --pairing all

With all pairs, one pass over their scores is compared with one step after the other instead.
"""

from __future__ import annotations

import json
from collections.abc import Callable

import torch
from comparison import compare as compare_forms
from comparison import measure, options_of
from torch import Tensor

from infoseg_bench.information.jensen_shannon import jensen_shannon
from infoseg_bench.infoseg.objective import (
    all_pairs_information,
    class_probabilities,
    class_scores,
    joint_scores,
    marginal_scores,
    random_partners,
)

TAU = 0.8
"""PAPER 5.1."""
REPEATS = 5
SIZES = {"batch": 16, "clusters": 15, "features": 256, "side": 32}


def without_s(L: Tensor, H: Tensor, other: Tensor) -> Tensor:
    """Compute the objective as the suite does."""
    scores = class_scores(L, H)
    V = class_probabilities(scores, TAU)
    return jensen_shannon(joint_scores(V, scores), marginal_scores(L, H, V, other=other, pairing="permuted"))


def with_s(L: Tensor, H: Tensor, other: Tensor) -> Tensor:
    """Compute the same with S of eq. 5 formed, `batch P rows columns`."""
    V = class_probabilities(class_scores(L, H), TAU)
    S = torch.einsum("bkuv,bkp->bpuv", V, H)
    return jensen_shannon((L * S).sum(dim=1), (L * S[other]).sum(dim=1))


def one_pass(L: Tensor, H: Tensor, other: Tensor) -> Tensor:
    """Compare all pairs as the suite does."""
    scores = class_scores(L, H)
    V = class_probabilities(scores, TAU)
    return all_pairs_information(L, H, V, joint_scores(V, scores))


def step_by_step(L: Tensor, H: Tensor, other: Tensor) -> Tensor:
    """Compute the same from the scores of the pairs, put in order."""
    scores = class_scores(L, H)
    V = class_probabilities(scores, TAU)
    return jensen_shannon(joint_scores(V, scores), marginal_scores(L, H, V, pairing="all"))


FORMS: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "without_s": without_s, "with_s": with_s, "one_pass": one_pass, "step_by_step": step_by_step,
}  # fmt: skip
COMPARED = {"permuted": ("with_s", "without_s"), "all": ("step_by_step", "one_pass")}


def run(form: str, *, device: str, batch: int, clusters: int, features: int, side: int) -> dict[str, float]:
    """Measure one form on random features."""
    where = torch.device(device)
    generator = torch.Generator().manual_seed(0)
    L = torch.randn(batch, features, side, side, generator=generator).mul(features**-0.25).to(where)
    H = torch.randn(batch, clusters, features, generator=generator).mul(features**-0.25).to(where)
    other = random_partners(batch, generator).to(where)
    L.requires_grad_()
    H.requires_grad_()
    return measure(lambda: FORMS[form](L, H, other), [L, H], device=where, repeats=REPEATS)


def compare(pairing: str = "permuted", **sizes: str | int) -> dict[str, float]:
    """Measure both forms, each in a process of its own, and give their ratios."""
    slow, fast = COMPARED[pairing]
    return compare_forms(__file__, slow, fast, sizes)


def main() -> None:
    """Print one form's figures, or the ratios of both."""
    parser = options_of(__doc__ or "", list(FORMS), SIZES)
    parser.add_argument("--pairing", choices=sorted(COMPARED), default="permuted")
    options = vars(parser.parse_args())
    form, pairing = options.pop("form"), options.pop("pairing")
    found = run(form, **options) if form else compare(pairing, **options)
    print(json.dumps(found, indent=None if form else 2))


if __name__ == "__main__":
    main()
