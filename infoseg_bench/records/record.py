"""The record of a run: everything needed to trust, repeat and recompute it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    model_serializer,
    model_validator,
)

from infoseg_bench.errors import UserError, reason
from infoseg_bench.records.spec import RunSpec

SCHEMA_VERSION: Literal[1] = 1
NOT_DECLARED = "not declared"
"""Label use of label maps of which nothing is known."""
OPTIONAL = ("pretrained", "diagnostics", "selected")
"""Parts of a record that are left out of its file if they are empty."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class MatchedScores(_Part):
    """Scores under one matching; fractions in [0, 1]."""

    pixel_accuracy: float
    """PA: correct pixels over all pixels that are not void."""
    mean_iou: float
    """Mean intersection over union of the classes that occur."""
    mean_class_accuracy: float
    """Mean recall of the classes that occur."""
    iou: list[float | None]
    """Per class; null where the class does not occur."""
    class_accuracy: list[float | None]
    """Per class; null where the class does not occur."""
    matching: list[int]
    """Class index of every cluster; -1: none."""


class Evaluation(_Part):
    """All scores of one state of the method."""

    step: int
    """Training step at which it was taken."""
    selection: Literal["last", "best (chosen with labels)", "information", "stability"]
    """Why this state: the end of training, the highest PA of the curve, or the highest label-free figure."""
    one_to_one: MatchedScores
    """Under the Hungarian matching on pixel counts; the headline."""
    majority: MatchedScores
    """Under the many-to-one matching of every cluster to its most frequent class."""
    normalized_mutual_information: float
    """Agreement of clusters and classes without a matching, in [0, 1]."""
    adjusted_rand_index: float
    """Agreement of clusters and classes without a matching, adjusted for chance."""


class DataFacts(_Part):
    """Facts about the data, with or without labels, that belong to every score."""

    title: str
    """Name shown to users."""
    palette: list[tuple[int, int, int]]
    """Red, green and blue of every class or cluster."""
    note: str
    """Note that is shown on every leaderboard."""
    warnings: list[str] = []
    """Warnings from preparing the data, which are also shown on every leaderboard."""
    label_use: str | None = None
    """How labels were used for the training photos, such as "selection"; null: not at all."""
    train_images: int
    """Number of training photos."""
    crop: int
    """Side of the crops in pixels."""
    channels: int | None = None
    """Channels of the photos; null in older records."""


class DatasetFacts(DataFacts):
    """Facts about data with labels that belong to every score."""

    classes: list[str]
    """Class names, in the order of the class index."""
    evaluation_images: int
    """Number of scored images."""
    constant_pixel_accuracy: float
    """PA of the most frequent class everywhere."""


class UnscoredFacts(DataFacts):
    """Facts about photos without labels."""

    clusters: int
    """K, the requested number of clusters."""
    shown_images: int
    """Number of images whose segments were kept."""


class ClusterSizes(_Part):
    """How the pixels of the shown photos are distributed over the clusters."""

    step: int
    """Training step at which it was taken."""
    shares: list[float]
    """Share of the pixels in every cluster; they sum to one."""
    entropy: float
    """Entropy of the shares in nats: 0 for a single cluster, log K for clusters of equal size."""


class Costs(_Part):
    """Time and memory of the run on its machine, over all its sessions."""

    load_seconds: float
    """Time for reading the store and creating the method."""
    fit_seconds: float
    """Time for training or fitting, without evaluations."""
    evaluate_seconds: float
    """Time for all evaluations of the curve."""
    train_images_per_second: float | None
    """Crops per second of fitting; null for a method that uses none."""
    peak_host_bytes: int
    """Largest resident memory of the worker."""
    peak_device_bytes: int | None
    """Largest memory allocated on the GPU; null without a GPU."""


class Provenance(_Part):
    """The code and the machine that produced the results."""

    benchmark_version: str
    """Version of infoseg-bench."""
    git_commit: str | None
    """Commit of the checkout from which the code was run; null if there is none."""
    git_dirty: bool | None
    """Whether that checkout had uncommitted changes."""
    method_source: str = ""
    """SHA-256 of the method's module and the modules of its package that it imports, at the start."""
    packages: dict[str, str]
    """Versions of the numerical libraries."""
    python: str
    """Version of Python."""
    platform: str
    """Operating system and architecture."""
    cpu: str
    """Model of the processor."""
    threads: int
    """CPU threads that torch used."""
    device: str
    """Torch device."""
    processes: int = 1
    """Processes that trained the run together, each on a part of every batch, in the last session."""
    compiled: bool = False
    """Whether torch.compile was used, in the last session."""
    cuda_graph: bool = False
    """Whether training steps were CUDA graphs, in the last session."""
    gpu: str | None
    """Model of the GPU."""
    cuda: str | None
    """CUDA version of torch, if a GPU was used."""
    deterministic: bool
    """Whether torch was restricted to deterministic algorithms."""
    command: list[str]
    """Command line of the worker."""
    started: str
    """Time of the first start, ISO 8601 in UTC."""
    finished: str
    """Time of the end, ISO 8601 in UTC."""
    resumed_from: list[int]
    """Steps at which an interrupted run was resumed."""


class _Header(_Part):
    """Fields of every record, in the order of the file; each kind of record narrows their types."""

    schema_version: Literal[1] = SCHEMA_VERSION
    """Version of this schema."""
    identity: str
    """Hash of `spec`."""
    row: str
    """Hash of `spec` without the seed."""
    spec: RunSpec
    """Specification of the run."""
    method_title: str
    """Name of the method shown to users."""
    label_use: str | None
    """Label information that the training used; null: none."""
    pretrained: str | None = None
    """Weights that the method started from, as "NAME, trained on WHAT"; absent: trained from scratch."""
    status: str
    """The kind of record."""
    dataset: DataFacts | None
    """The data; null if the run failed."""
    last: Evaluation | None
    """Scores at the end of training: the headline. Null if the run failed or nothing could be scored."""
    best: Evaluation | None
    """Scores at the step of highest PA, which is chosen with labels. Null if `last` is."""
    costs: Costs | None
    """Costs of the run; null if it failed, or if other software made the label maps."""
    provenance: Provenance
    """Machine, versions, times."""
    checksums: dict[str, str]
    """SHA-256 of the other files of the run folder that a score depends on."""
    error: str | None
    """Traceback of a failed run."""
    warnings: list[str] = []
    """Warnings about this run, such as that it has collapsed to one cluster."""
    diagnostics: dict[str, float] = {}
    """Label-free figures at the end of training, by their names in the curve; empty in older records."""

    @model_serializer(mode="wrap")
    def _without_what_is_not_known(self, serialise: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        """Leave out optional parts that are empty, so that records of earlier versions stay as they are."""
        content: dict[str, Any] = serialise(self)
        return {key: value for key, value in content.items() if value or key not in OPTIONAL}

    @property
    def is_complete(self) -> bool:
        """Whether the run finished."""
        return self.error is None


class UnscoredRecord(_Header):
    """A run that finished on photos without labels."""

    status: Literal["unscored"] = "unscored"
    dataset: UnscoredFacts
    last: None = None
    best: None = None
    costs: Costs
    sizes: ClusterSizes
    """Cluster sizes at the end of training."""
    error: None = None

    @property
    def step(self) -> int:
        """Training step of the last state."""
        return self.sizes.step


class FinishedRecord(_Header):
    """A run that finished and was scored."""

    status: Literal["finished"] = "finished"
    dataset: DatasetFacts
    last: Evaluation
    best: Evaluation
    selected: Evaluation | None = None
    """Scores at the step that a label-free figure selected, if the run's parameters ask for one."""
    error: None = None

    @property
    def step(self) -> int:
        """Training step of the last state."""
        return self.last.step

    @property
    def pixel_accuracy(self) -> float:
        """The headline: PA of the last state under the one-to-one matching."""
        return self.last.one_to_one.pixel_accuracy

    @model_validator(mode="after")
    def _costs_known(self) -> FinishedRecord:
        if self.costs is None and not self.spec.external:
            raise ValueError("a finished run without its costs")
        return self


class FailedRecord(_Header):
    """A run that failed, with the reason."""

    label_use: str | None = None
    status: Literal["failed"] = "failed"
    dataset: None = None
    last: None = None
    best: None = None
    costs: None = None
    checksums: dict[str, str] = {}
    error: str


Record = FinishedRecord | UnscoredRecord | FailedRecord
"""The record of one run; its field `status` gives the kind."""

_READER: TypeAdapter[Record] = TypeAdapter(Annotated[Record, Field(discriminator="status")])


def read_record(file: Path) -> Record:
    """Read a record of any kind.

    Raises:
        UserError: the record is missing, damaged, or of a newer version
    """
    try:
        content = file.read_bytes()
    except OSError as error:
        raise UserError(f"{file}: cannot be read ({reason(error)})") from None
    return parse_record(content, file)


def parse_record(content: bytes, source: Path) -> Record:
    """Read a record from the text of its file.

    Args:
        content: the text, in JSON
        source: where it comes from, for messages

    Raises:
        UserError: damaged, or of a newer version
    """
    try:
        return _READER.validate_json(content)
    except ValidationError as error:
        _refuse_newer(content, source)
        raise UserError(
            f"{source}: not a record that this version reads ({reason(error)}): "
            "repeat the run with --force, or upgrade infoseg-bench"
        ) from None


def _refuse_newer(content: bytes, source: Path) -> None:
    try:
        version = json.loads(content)["schema_version"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise UserError(
            f"{source}: a record of schema {version}, newer than {SCHEMA_VERSION}, which this version "
            "reads: upgrade infoseg-bench"
        )


def contradict(one: tuple[str | None, str | None], other: tuple[str | None, str | None]) -> bool:
    """Return whether two seeds of a row are declared otherwise, each by label use and pre-training."""
    uses = one[0], other[0]
    return one[1] != other[1] or (uses[0] != uses[1] and NOT_DECLARED not in uses)


def label_uses(*uses: str | None) -> str | None:
    """Return all ways in which labels were used in training as one text; None if they were not."""
    return " and ".join(use for use in uses if use) or None
