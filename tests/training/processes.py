"""What several processes do together; started by torchrun with a folder and a store."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from infoseg_bench.baselines.iic import IIC, IICParameters
from infoseg_bench.contracts import RunContext, Task
from infoseg_bench.data.store import Store
from infoseg_bench.data.train_images import TrainBatch, TrainImages
from infoseg_bench.training.network_method import NetworkMethod, TrainingParameters
from infoseg_bench.utils.distributed import SINGLE, Ranks, join

STEPS, BATCH = 6, 4


class Averaging(NetworkMethod):
    """Its loss is a mean over images, without dropout, so that it does not matter who computes it."""

    name = "averaging"
    title = "Averaging"
    citation = "none"
    parameters_type = TrainingParameters

    def build(self) -> nn.Module:
        self.seen: list[Tensor] = []
        used = nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 2, 1))
        # A step may leave weights out, such as those of another head.
        return nn.ModuleDict({"used": used, "idle": nn.Conv2d(4, 2, 1)})

    def losses(self, batch: TrainBatch, generator: torch.Generator) -> dict[str, Tensor]:
        self.seen.append(batch.images)
        assert isinstance(self.network, nn.ModuleDict)
        return {"loss": self.network["used"](batch.images).square().mean(), "images": batch.images.mean()}

    def predict(self, images: Tensor) -> Tensor:
        raise NotImplementedError


def train_iic(store: Path, ranks: Ranks = SINGLE) -> dict[str, Any]:
    """Train IIC, whose joint distribution is one of all images, without anything drawn for its views."""
    plain = {"flip": False, "brightness": 0.0, "contrast": 0.0, "saturation": 0.0, "hue": 0.0}
    values = {"width": 2, "batch": BATCH, "radius": 1, "lr": 0.01, **plain}
    task = Task(dataset="mini", channels=3, crop=32, clusters=2)
    context = RunContext(seed=0, device=torch.device("cpu"), steps=3, ranks=ranks)
    method = IIC(IICParameters.parse(values, "iic"), task, context)
    losses = [float(step.scalars["loss"]) for step in method.fit(train_images(store, ranks))]
    return {"network": method.network.state_dict(), "losses": losses}


def train_images(store: Path, ranks: Ranks) -> TrainImages:
    """Return the photos of a store, of whose batches every process takes its part."""
    opened = Store(store)
    return TrainImages(
        opened.arrays(labels=False),
        opened.view("mini").train,
        crop=32,
        seed=0,
        device=torch.device("cpu"),
        ranks=ranks,
    )


def train(store: Path, ranks: Ranks = SINGLE, *, steps: int = STEPS, state: Any = None) -> dict[str, Any]:
    """Train for some steps, and give all that should be the same however many processes do it."""
    task = Task(dataset="mini", channels=3, crop=32, clusters=2)
    context = RunContext(seed=0, device=torch.device("cpu"), steps=steps, ranks=ranks)
    method = Averaging(TrainingParameters.parse({"batch": BATCH, "lr": 0.01}, "averaging"), task, context)
    if state is not None:
        method.load_state(state)
    images = train_images(store, ranks)
    scalars = [{name: float(value) for name, value in step.scalars.items()} for step in method.fit(images)]
    return {"state": method.state(), "scalars": scalars, "seen": method.seen, "taken": images.taken}


def main() -> None:
    """Train on a share of every batch, once from the start and once from a single process's state."""
    folder, store = Path(sys.argv[1]), Path(sys.argv[2])
    ranks, _ = join(torch.device("cpu"))
    found = train(store, ranks)
    taken_up = train(store, ranks, state=torch.load(folder / "single.pt", weights_only=True))
    votes = [ranks.any(ranks.rank == 1), ranks.any(False)]
    iic = train_iic(store, ranks)
    torch.save({**found, "taken up": taken_up, "votes": votes, "iic": iic}, folder / f"rank{ranks.rank}.pt")


if __name__ == "__main__":
    main()
