"""What every method must do, shipped or not; run on each one that is registered."""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import FunctionType
from typing import Any

import numpy as np
import pytest
import torch

from infoseg_bench.contracts import Method, RunContext, Task
from infoseg_bench.data.store import Store, StoreArrays
from infoseg_bench.data.train_images import TrainBatch, TrainImages
from infoseg_bench.errors import UsageError
from infoseg_bench.preparing.photo_maps import load_photo_map
from infoseg_bench.progress import no_progress
from infoseg_bench.registry import load_methods
from infoseg_bench.training.network_method import NetworkMethod, TrainingParameters
from tests.data.miniature import make_view, random_photos, write_photos, write_store

METHODS = load_methods().methods
CPU = torch.device("cpu")
STEPS = 3
PAIRS: dict[str, Any] = {"width": 2, "batch": 4, "patch": 5, "branch": 4, "hidden": 8, "cluster_pixels": 200}
SMALL: dict[str, dict[str, Any]] = {
    "random-cnn": {"width": 2},
    "kmeans": {"sample": 500},
    "infoseg": {"width": 4, "P": 8, "batch": 4},
    "ac": {"width": 2, "blocks": 2, "batch": 4, "radius": 2},
    "inmars": {"width": 2, "batch": 4, "adversary_start": 0},
    "iic": {"width": 2, "batch": 4, "radius": 2},
    "doersch": PAIRS,
    "isola": PAIRS,
}
"""Parameters that make a method quick; one that is missing here runs at its defaults."""

every_method = pytest.mark.parametrize("name", sorted(METHODS))


def make(
    name: str,
    *,
    seed: int = 0,
    channels: int = 3,
    clusters: int = 3,
    device: torch.device = CPU,
    **parameters: Any,
) -> Method:
    cls = METHODS[name]
    task = Task(dataset="mini", channels=channels, crop=32, clusters=clusters)
    return cls(
        cls.resolve("mini", {**SMALL.get(name, {}), **parameters}),
        task,
        RunContext(seed=seed, device=device, steps=STEPS),
    )


def train_images(method: Method, path: Path, arrays: StoreArrays | None = None) -> TrainImages:
    """Give what the harness would, the photo maps that the method asks for included."""
    store = Store(path)
    arrays = arrays or store.arrays(labels=False)
    maps = {
        wanted.name: load_photo_map(wanted, store, arrays, progress=no_progress, pause=lambda: None)
        for wanted in method.photo_maps(method.parameters)
    }
    return TrainImages(arrays, store.view("mini").train, crop=32, seed=0, device=CPU, maps=maps)


def fitted(name: str, path: Path, **task: Any) -> Method:
    method = make(name, **task)
    for _ in method.fit(train_images(method, path)):
        pass
    method.settle(train_images(method, path))
    return method


def images(channels: int = 3) -> torch.Tensor:
    return torch.rand(3, channels, 32, 32, generator=torch.Generator().manual_seed(7))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_store(tmp_path_factory.mktemp("store") / "mini.h5")


@every_method
def test_clusters_have_the_images_size_and_stay_below_k(name: str, store: Path) -> None:
    clusters = fitted(name, store).predict(images())
    assert clusters.shape == (3, 32, 32)
    assert clusters.dtype == torch.int64
    assert 0 <= int(clusters.min()) <= int(clusters.max()) < 3


@every_method
def test_four_bands_are_taken_as_well_as_three(name: str, tmp_path: Path) -> None:
    path = write_store(tmp_path / "rgbir.h5", channels=4)
    assert fitted(name, path, channels=4).predict(images(4)).shape == (3, 32, 32)


@every_method
def test_labels_have_no_part_in_a_fit(name: str, tmp_path: Path) -> None:
    """The same photos with other labels, and without any, give the same clusters to the bit."""
    photos = random_photos(labels="all")
    clusters = []
    for kind in ("own", "others", "none"):
        labels = {"own": photos, "others": photos[::-1], "none": [replace(p, labels=None) for p in photos]}[
            kind
        ]
        changed = [
            replace(p, labels=None if other.labels is None else np.resize(other.labels, p.size))
            for p, other in zip(photos, labels, strict=True)
        ]
        write_photos(tmp_path / f"{kind}.h5", changed, [make_view(changed)])
        clusters.append(fitted(name, tmp_path / f"{kind}.h5").predict(images()))
    assert torch.equal(clusters[0], clusters[1])
    assert torch.equal(clusters[0], clusters[2])


@every_method
def test_nothing_reachable_from_a_fit_leads_to_a_label(name: str, store: Path) -> None:
    method, arrays = make(name), Store(store).arrays(labels=True)
    train = train_images(method, store, arrays)
    for leak in leaks(method, train, arrays=arrays, path=store):
        pytest.fail(f"{name}: a label can be read through {leak}")


@every_method
def test_the_same_seed_gives_the_same_clusters_whatever_happened_before(name: str, store: Path) -> None:
    first = fitted(name, store).predict(images())
    torch.manual_seed(999)
    np.random.default_rng(5).random()
    assert torch.equal(first, fitted(name, store).predict(images()))


@every_method
def test_a_state_read_back_from_disk_predicts_the_same(name: str, store: Path, tmp_path: Path) -> None:
    method = fitted(name, store)
    torch.save(method.state(), tmp_path / "state.pt")
    other = make(name, seed=1)
    other.load_state(torch.load(tmp_path / "state.pt", weights_only=True))
    assert torch.equal(method.predict(images()), other.predict(images()))


@every_method
def test_a_fit_taken_up_from_its_state_ends_as_an_undisturbed_one(name: str, store: Path) -> None:
    if not METHODS[name].trains:
        pytest.skip("fits in one pass, which is repeated instead")
    whole = fitted(name, store)
    begun = make(name)
    next(begun.fit(train_images(begun, store)))
    # Predicting in between must not change what follows, nor must other uses of the generator.
    begun.settle(train_images(begun, store))
    begun.predict(images())
    torch.manual_seed(12345)
    resumed = make(name)
    resumed.load_state(begun.state())
    for _ in resumed.fit(train_images(resumed, store)):
        pass
    resumed.settle(train_images(resumed, store))
    assert digest(resumed.state()) == digest(whole.state())


@every_method
def test_predictions_of_an_image_do_not_depend_on_its_batch(name: str, store: Path) -> None:
    method = fitted(name, store)
    alone = torch.cat([method.predict(image[None]) for image in images()])
    together = method.predict(images())
    assert float((alone == together).double().mean()) > 0.999


@every_method
def test_progress_names_steps_in_order_and_ends_at_the_budget(name: str, store: Path) -> None:
    method = make(name)
    steps = [progress.step for progress in method.fit(train_images(method, store))]
    assert steps == sorted(set(steps))
    if METHODS[name].trains:
        assert steps == list(range(1, STEPS + 1))


@every_method
def test_mixed_precision_gives_nearly_the_same_loss_in_float32(name: str, store: Path) -> None:
    if not issubclass(METHODS[name].parameters_type, TrainingParameters):
        pytest.skip("is no network that trains")
    losses = []
    for precision in ("float32", "bfloat16"):
        method = make(name, precision=precision)
        scalars = next(method.fit(train_images(method, store))).scalars
        assert all(isinstance(value, torch.Tensor) for value in scalars.values())
        assert {value.dtype for value in scalars.values() if isinstance(value, torch.Tensor)} == {
            torch.float32
        }
        losses.append(float(scalars["loss"]))
        method.settle(train_images(method, store))
        assert method.predict(images()).shape == (3, 32, 32)
    assert losses[0] != losses[1]
    assert losses[1] == pytest.approx(losses[0], rel=0.02, abs=0.02)


@every_method
def test_a_training_step_never_waits_for_the_device(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the meta device, which has shapes and no values, whatever needs a value on the host fails."""
    if not issubclass(METHODS[name], NetworkMethod):
        pytest.skip("is no network that trains")
    monkeypatch.setattr(torch, "autocast", lambda *words, **options: nullcontext())
    meta = torch.device("meta")
    method = make(name, device=meta)
    assert isinstance(method, NetworkMethod)
    pixels = torch.rand(method.parameters.batch, 3, 32, 32, device=meta)
    inside = torch.ones_like(pixels[:, 0], dtype=torch.bool)
    maps = {wanted.name: inside.long() for wanted in method.photo_maps(method.parameters)}
    batch = TrainBatch(images=pixels, inside=inside, mask=None, maps=maps)
    scalars = method._train_step(batch)
    assert all(isinstance(value, torch.Tensor) and value.is_meta for value in scalars.values())


@every_method
def test_every_parameter_says_what_it_does_and_where_its_default_comes_from(name: str) -> None:
    for parameter, field in METHODS[name].parameters_type.model_fields.items():
        extra = field.json_schema_extra
        assert field.description, parameter
        assert isinstance(extra, dict), parameter
        assert extra.get("source"), parameter


@every_method
def test_defaults_and_presets_are_valid_and_unknown_parameters_are_refused(name: str) -> None:
    method = METHODS[name]
    for dataset in ("any", *method.presets):
        assert type(method.resolve(dataset, {})) is method.parameters_type
    with pytest.raises(UsageError, match="no-such-parameter"):
        method.resolve("any", {"no-such-parameter": 1})


@every_method
def test_name_title_and_citation_are_there(name: str) -> None:
    assert METHODS[name].name == name
    assert METHODS[name].title
    assert METHODS[name].citation


def digest(state: Any) -> str:
    parts = hashlib.sha256()
    for key, value in flat(state):
        parts.update(key.encode())
        parts.update(value.numpy().tobytes() if isinstance(value, torch.Tensor) else repr(value).encode())
    return parts.hexdigest()


def flat(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, part in value.items():
            yield from flat(part, f"{key}.{name}")
    elif isinstance(value, list | tuple):
        for index, part in enumerate(value):
            yield from flat(part, f"{key}[{index}]")
    else:
        yield key, value


def leaks(*roots: object, arrays: StoreArrays, path: Path) -> list[str]:
    """Walk everything the roots refer to, modules and classes apart, and name what holds labels."""
    assert arrays.labels is not None
    found, seen, queue = [], set[int](), list(roots)
    while queue:
        item = queue.pop()
        if id(item) in seen or isinstance(item, type) or type(item).__name__ == "module":
            continue
        seen.add(id(item))
        array = (
            item.numpy()
            if isinstance(item, torch.Tensor) and item.device == CPU and not item.requires_grad
            else item
        )
        if isinstance(array, np.ndarray) and np.shares_memory(array, arrays.labels):
            found.append(f"an array {array.shape}")
        if isinstance(item, StoreArrays | Store) or str(path) in str(item)[:2000]:
            found.append(repr(item)[:80])
        queue += referents(item)
    return found


def referents(item: object) -> list[object]:
    """Give what an object refers to; of a function what it has captured, not its module's globals."""
    if isinstance(item, FunctionType):
        return [item.__closure__, item.__defaults__, item.__kwdefaults__, vars(item)]
    return [*gc.get_referents(item), getattr(item, "__dict__", None)]


@pytest.mark.parametrize("through", ["method", "train", "closure"])
def test_the_walk_for_leaks_finds_one_that_is_planted(store: Path, through: str) -> None:
    opened = Store(store)
    arrays = opened.arrays(labels=True)
    train = TrainImages(arrays, opened.view("mini").train, crop=32, seed=0, device=CPU)
    method = make("kmeans")
    assert arrays.labels is not None
    if through == "method":
        method.state_of_mind = {"deep": [torch.from_numpy(arrays.labels)[3:]]}  # type: ignore[attr-defined]
    elif through == "closure":
        method.peek = lambda: arrays.labels  # type: ignore[attr-defined]
    else:
        train.store = opened  # type: ignore[attr-defined]
    assert leaks(method, train, arrays=arrays, path=store)
