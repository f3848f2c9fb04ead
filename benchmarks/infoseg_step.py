"""InfoSeg's training step against the same network with S formed and contiguous memory, in one run.

    python benchmarks/infoseg_step.py --batch 32 --P 256 --width 32 --crop 64 --clusters 15

The two take turns, so that whatever else the machine does disturbs both; the fastest step of each
counts. Both are float32 on the same threads, and start from the same weights. With one thread the
process's own time is taken, which waits for nobody.
"""

from __future__ import annotations

import argparse
import json
import time

import torch
from torch import Tensor, nn

from infoseg_bench.contracts import RunContext, Task
from infoseg_bench.data.train_images import TrainBatch
from infoseg_bench.information.jensen_shannon import jensen_shannon
from infoseg_bench.infoseg.infoseg import InfoSeg
from infoseg_bench.infoseg.infoseg_parameters import InfoSegParameters
from infoseg_bench.infoseg.network import FeatureNetwork, Features
from infoseg_bench.infoseg.objective import class_probabilities, class_scores
from infoseg_bench.training.graphable_method import Draws


class Literal(InfoSeg):
    """The paper's equations as they stand: S of eq. 5 in memory, tensors in torch's default layout."""

    def build(self) -> nn.Module:
        """Make the same network, L formed."""
        network = super().build()
        assert isinstance(network, FeatureNetwork)
        network.fold = False
        return network

    def _information(self, batch: TrainBatch, drawn: Draws) -> tuple[Tensor, Tensor]:
        features = self._features(batch.images)
        V = class_probabilities(class_scores(features.L, features.H), self.parameters.tau)
        S = torch.einsum("bkuv,bkp->bpuv", V, features.H)
        joint = (features.L * S).sum(dim=1)
        if self.parameters.pairing == "permuted":
            marginal = (features.L * S[drawn["other"]]).sum(dim=1)
        else:
            pairs = torch.einsum("bpuv,cpuv->bcuv", features.L, S)
            marginal = pairs[~torch.eye(len(V), dtype=torch.bool, device=V.device)]
        return jensen_shannon(joint, marginal), V

    def _features(self, *views: Tensor) -> Features:
        features: Features = self.network(*(view.contiguous() for view in views))
        return features


def compare(options: argparse.Namespace) -> dict[str, float]:
    """Time both in turns.

    Returns:
        images per second of each, their ratio, and the difference of their first losses
    """
    device = torch.device(options.device)
    task = Task(dataset="step", channels=3, crop=options.crop, clusters=options.clusters)
    chosen = {name: getattr(options, name) for name in ("batch", "P", "width", "pairing")}
    parameters = InfoSegParameters.parse(chosen, "infoseg")
    context = RunContext(seed=0, device=device, steps=10**6)
    ours, literal = InfoSeg(parameters, task, context), Literal(parameters, task, context)
    literal.network.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    images = torch.rand(options.batch, 3, options.crop, options.crop, device=device)
    batch = TrainBatch(images=images, inside=torch.ones_like(images[:, 0], dtype=torch.bool), mask=None)
    losses = [float(method._train_step(batch)["loss"]) for method in (ours, literal)]
    seconds = [[_seconds(method, batch) for method in (ours, literal)] for _ in range(options.repeats)]
    fastest = [options.batch / min(column) for column in zip(*seconds, strict=True)]
    return {
        "images_per_second": fastest[0],
        "images_per_second_with_s_and_contiguous": fastest[1],
        "ratio": fastest[0] / fastest[1],
        "loss_difference": abs(losses[0] - losses[1]),
    }


def _seconds(method: InfoSeg, batch: TrainBatch) -> float:
    alone = batch.images.is_cpu and torch.get_num_threads() == 1
    clock = time.process_time if alone else time.perf_counter
    began = clock()
    method._train_step(batch)
    if batch.images.is_cuda:
        torch.cuda.synchronize()
    return clock() - began


def main() -> None:
    """Print the comparison."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--pairing", default="all", choices=["permuted", "all"])
    for name, default in (("batch", 32), ("P", 256), ("width", 32), ("crop", 64), ("clusters", 15)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--repeats", type=int, default=5)
    print(json.dumps(compare(parser.parse_args()), indent=2))


if __name__ == "__main__":
    main()
