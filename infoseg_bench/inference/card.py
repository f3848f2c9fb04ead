"""The model card of an exported model: its origin, scores and licences."""

from __future__ import annotations

from infoseg_bench.records.record import FinishedRecord, UnscoredRecord
from infoseg_bench.utils.markdown import plain, table


def model_card(
    record: FinishedRecord | UnscoredRecord,
    *,
    file: str,
    weights: int,
    data_licence: str,
    licence: str,
    plugin: bool = False,
) -> str:
    """Return the card as Markdown.

    Args:
        record: record of the finished run
        file: name of the safetensors file
        weights: number of weights in the file
        data_licence: licence of the training photos
        licence: licence of the weights
        plugin: whether the method is defined in a file of its own, which loading needs
    """
    spec, facts = record.spec, record.dataset
    budget = f"{spec.budget.steps} steps" if spec.budget else "one pass"
    budget += f", post-processing {spec.postprocess}" if spec.postprocess != "none" else ""
    more = f', plugins=["the file that defines {plain(spec.method)}"]' if plugin else ""
    note = [f"**{plain(facts.note)}**", ""] if facts.note else []
    lines = [
        f"# {plain(record.method_title)} on {plain(facts.title)}",
        "",
        f"`{plain(file)}`: {weights:,} weights, trained without labels by infoseg-bench "
        f"{plain(record.provenance.benchmark_version)}; {budget}, seed {spec.seed}, run `{record.identity}`.",
        "",
        "```python",
        "from infoseg_bench import load_model",
        f'model = load_model("{plain(file)}"{more})',
        'labels = model.predict("photo.jpg")  # height x width, indices into model.classes',
        "```",
        "",
        f"Label information used in training: {plain(record.label_use or 'none')}. {_classes(record)}",
        *([f"\nPre-trained: {plain(record.pretrained)}."] if record.pretrained else []),
        "",
        *note,
        *(_scores(record) if isinstance(record, FinishedRecord) else _sizes(record)),
        *([f"\nWarning: {plain(warning)}." for warning in record.warnings]),
        "",
        "## Data",
        "",
        f"{facts.train_images} photos of {plain(facts.title)}; data fingerprint `{spec.fingerprint}`, "
        f'protocol "{plain(spec.protocol)}".',
        "",
        "## Parameters",
        "",
        table(("parameter", "value"), [[name, str(value)] for name, value in spec.parameters.items()]),
        "",
        "## Licence",
        "",
        f"Weights: {plain(licence)}. Code: Apache-2.0. Training photos: {plain(data_licence)}.",
    ]
    return "\n".join(lines) + "\n"


def _classes(record: FinishedRecord | UnscoredRecord) -> str:
    if isinstance(record, FinishedRecord):
        return "The classes of clusters were found after training, with the evaluation labels."
    return "The photos have no labels, so clusters have numbers instead of names, and there are no scores."


def _scores(record: FinishedRecord) -> list[str]:
    facts, last = record.dataset, record.last
    scores = {
        "pixel accuracy (PA)": last.one_to_one.pixel_accuracy,
        "mean IoU": last.one_to_one.mean_iou,
        "mean class accuracy": last.one_to_one.mean_class_accuracy,
        "PA, majority vote (many-to-one)": last.majority.pixel_accuracy,
    }
    return [
        "## Scores",
        "",
        table(("score", "%"), [[name, f"{100 * value:.1f}"] for name, value in scores.items()]),
        "",
        f"On the centre {facts.crop}x{facts.crop} of {facts.evaluation_images} photos, at the last step. "
        f"A constant prediction has a PA of {100 * facts.constant_pixel_accuracy:.1f} %.",
        *(["", line + "."] if (line := of_the_last_step(record)) else []),
    ]


def of_the_last_step(record: FinishedRecord | UnscoredRecord | None) -> str:
    """Say that the weights are not of the step that a run has selected; empty where it selected none."""
    if not isinstance(record, FinishedRecord) or record.selected is None:
        return ""
    last, chosen = record.last, record.selected
    return (
        f"the weights are those of the last step, {last.step} "
        f"(PA {100 * last.one_to_one.pixel_accuracy:.1f}); "
        f"none are kept of step {chosen.step}, which {chosen.selection} selected "
        f"(PA {100 * chosen.one_to_one.pixel_accuracy:.1f})"
    )


def _sizes(record: UnscoredRecord) -> list[str]:
    shares = enumerate(record.sizes.shares)
    return [
        "## Cluster sizes",
        "",
        table(
            ("cluster", "% of the pixels"), [[str(index), f"{100 * share:.1f}"] for index, share in shares]
        ),
    ]
