"""The contract of a segmentation method."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic, cast

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from typing_extensions import TypeVar

from infoseg_bench.contracts.parameters import Parameters, set_from_brackets
from infoseg_bench.contracts.photo_map import PhotoMap
from infoseg_bench.errors import UserError
from infoseg_bench.utils.distributed import SINGLE, Ranks
from infoseg_bench.utils.randomness import generator

if TYPE_CHECKING:
    from infoseg_bench.data.train_images import TrainImages


P = TypeVar("P", bound=Parameters, default=Any)
"""A method's parameters."""
PRETRAINED = "[^;]+, trained on [^;]+"
"""How pre-trained weights are named on leaderboards: "NAME, trained on WHAT", as a regular expression."""

_OLD_NAMES = {
    "trains": "is_iterative",
    "shares": "supports_distributed",
    "every_weight": "uses_all_parameters",
    "settle": "before_evaluation",
}
"""Names that attributes of a method had in version 0.1, with their present names."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """All that a method may know about its data set before it sees an image.

    Attributes:
        dataset: name of the data set
        channels: channels of the images
        crop: side of the evaluated crops in pixels
        clusters: number of clusters, K
    """

    dataset: str
    channels: int
    crop: int
    clusters: int


@dataclass(frozen=True, kw_only=True)
class RunContext:
    """All that a method may know about the run it belongs to. It gives no access to labels or files.

    Attributes:
        seed: the seed of everything random
        device: the device to compute on
        steps: number of training steps; 0 for a method that does not train in steps
        compile: whether to use `torch.compile`, in methods that support it. Like the device,
            it changes only the order of floating-point operations
        cuda_graph: whether to record training steps as CUDA graphs, in methods that support it; likewise
        ranks: the processes that train this run together, each on a part of every batch
    """

    seed: int
    device: torch.device
    steps: int
    compile: bool = False
    cuda_graph: bool = False
    ranks: Ranks = SINGLE

    def generator(self, *purpose: int | str) -> torch.Generator:
        """Return a CPU generator that depends only on the run's seed and on `purpose`.

        A step that draws from `generator("pairs", step)` draws the same numbers after a resume, so
        no random state has to be saved.
        """
        return generator(self.seed, *purpose)


@dataclass(frozen=True, kw_only=True)
class Progress:
    """A point at which a fit may be evaluated, checkpointed or stopped.

    Attributes:
        step: number of training steps done
        scalars: values to log, such as the loss; they may be tensors on the device
    """

    step: int
    scalars: Mapping[str, float | Tensor]


class Method(ABC, Generic[P]):
    """A method that segments images without labels.

    The class of its parameters is given in brackets: `class KMeans(Method[KMeansParameters])`.
    The harness creates the method, fits it on images without labels, and lets it predict clusters. Only the
    harness has access to labels: `fit` is a generator, and the harness evaluates between its steps.

    Attributes:
        parameters: validated parameters, of the type `parameters_type`
        task: channels, crop and number of clusters
        run: seed, device and number of steps
    """

    name: ClassVar[str]
    title: ClassVar[str]
    citation: ClassVar[str]
    version: ClassVar[int] = 1
    """Part of a run's identity. Raise it whenever the same run would give other numbers."""
    is_iterative: ClassVar[bool] = False
    """Whether the method trains in steps, so that the budget's number of steps matters."""
    supports_distributed: ClassVar[bool] = False
    """Whether several processes can train it together, each on a part of every batch."""
    training_only: ClassVar[frozenset[str]] = frozenset()
    """Names in `state` that are needed only for fitting, and are left out of exported models."""
    parameters_type: ClassVar[type[Parameters]]
    """The class of the parameters. It need not be set: it is taken from the brackets."""
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    """Defaults that differ by data set: data set name to parameter names and values."""
    budgets: ClassVar[Mapping[str, Mapping[str, int]]] = {}
    """Published training lengths: data set name to `steps` and `evaluate_every`. They are used if neither a
    suite nor the command line gives a budget. A comment beside them names their source."""

    parameters: P
    task: Task
    run: RunContext

    def __init_subclass__(cls, **keywords: Any) -> None:
        """Take the class of the parameters from the brackets, and accept attribute names of version 0.1.

        Plug-ins may still use those; each gives a DeprecationWarning.
        """
        super().__init_subclass__(**keywords)
        set_from_brackets(cls, "parameters_type")
        for old, new in _OLD_NAMES.items():
            if old in cls.__dict__:
                warnings.warn(
                    f"{cls.__name__}.{old} is called {new} now; the old name will stop working in 0.3",
                    DeprecationWarning,
                    stacklevel=2,
                )
                setattr(cls, new, cls.__dict__[old])

    def __init__(self, parameters: P, task: Task, run: RunContext) -> None:
        self.parameters = parameters
        self.task = task
        self.run = run

    @classmethod
    def resolve(cls, dataset: str, overrides: Mapping[str, Any]) -> P:
        """Return the parameters for a data set: defaults, replaced by its preset, replaced by `overrides`.

        Raises:
            UsageError: an unknown parameter, or a value out of range
        """
        values = {**cls.presets.get(dataset, {}), **overrides}
        return cast(P, cls.parameters_type.parse(values, cls.name))

    @classmethod
    def check_given(cls, parameters: P) -> None:
        """Check that everything is given that has no default, such as a file of weights; most methods pass.

        Plans and runs refuse a method that fails, and `run --all` leaves it out.

        Raises:
            UsageError: something is missing; the message says how to get and give it
        """

    @classmethod
    def label_use(cls, parameters: P) -> str | None:
        """Return which label information the training uses with these parameters; None means none.

        The only kind is "mask": which pixels are not void. A method requests it with a parameter
        `training_mask` that is true. The leaderboard shows what is declared here.
        """
        return "mask" if getattr(parameters, "training_mask", False) else None

    @classmethod
    def pretrained(cls, parameters: P) -> str | None:
        """Return the weights that the method starts from, named as in `PRETRAINED`; None: from scratch.

        Every leaderboard shows it, and ranks such rows apart.
        """
        return None

    @classmethod
    def photo_maps(cls, parameters: P) -> tuple[PhotoMap, ...]:
        """Return the maps, such as superpixels, that the training needs along with the photos.

        The harness computes each map once per store, from pixels only, and passes its crops in `batch.maps`.
        """
        return ()

    @abstractmethod
    def fit(self, train: TrainImages) -> Iterator[Progress]:
        """Fit the method to images, yielding whenever the harness may evaluate or stop it.

        After `load_state` it continues from the step at which that state was saved.
        """

    def before_evaluation(self, train: TrainImages) -> None:
        """Prepare for predictions with the current state, before every evaluation and after every fit.

        A method that learns features clusters them here. The result must depend only on the state, and the
        course of further fitting must not change. Most methods do not need it.
        """

    @property
    def shown_title(self) -> str:
        """Return the name that records and leaderboards show: by default, always the title."""
        return self.title

    @property
    def selected_by(self) -> str | None:
        """Name of a diagnostic whose highest value selects a step, reported besides the last; None: none.

        It is one of those returned by `diagnose`, or `self_agreement`, which the harness computes for
        every method.
        """
        return None

    def diagnose(self, images: Float[Tensor, "batch channel height width"]) -> Mapping[str, float | Tensor]:
        """Return label-free diagnostics of the current state, for the curve; most methods return none.

        The harness calls it at every evaluation with the same images, after `before_evaluation`.
        """
        return {}

    @classmethod
    def suspicions(cls, figures: Mapping[str, float]) -> list[str]:
        """Return warnings about suspicious diagnostics at the end of a run, one sentence each."""
        return []

    def predict(
        self, images: Float[Tensor, "batch channel height width"]
    ) -> Int64[Tensor, "batch height width"]:
        """Return the cluster of every pixel, in [0, clusters): by default, the one with the highest score.

        A method overrides either this or `scores`.

        Args:
            images: values in [0, 1], on the run's device
        """
        return self.scores(images).argmax(dim=1)

    def scores(
        self, images: Float[Tensor, "batch channel height width"]
    ) -> Float[Tensor, "batch cluster height width"]:
        """Score every cluster at every pixel; the one with the highest score is the prediction.

        Post-processing averages scores: probabilities, logits or negative distances, for example.

        Args:
            images: values in [0, 1], on the run's device

        Raises:
            UserError: the method only gives clusters
        """
        if type(self).predict is Method.predict:
            raise UserError(f"{self.name} defines neither predict nor scores: define one of them")
        raise UserError(f"{self.name} gives clusters without scores, which cannot be post-processed")

    def features(
        self, images: Float[Tensor, "batch channel height width"]
    ) -> Float[Tensor, "batch feature rows columns"]:
        """Return the features from which a linear probe predicts classes, at any resolution.

        The probe is trained with labels after the run, by the harness: see `infoseg-bench probe`.

        Args:
            images: values in [0, 1], on the run's device

        Raises:
            UserError: the method has no features
        """
        raise UserError(f"{self.name} has no features for a linear probe: choose a run of another method")

    @classmethod
    def gives_scores(cls) -> bool:
        """Return whether the method has scores, which post-processing needs."""
        return cls.scores is not Method.scores

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """Return everything that further fitting and predictions depend on, as tensors and plain values."""

    @abstractmethod
    def load_state(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned."""
