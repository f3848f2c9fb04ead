"""A plan as text: the states of its runs, their estimated cost, and missing data sets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from infoseg_bench.planning.planned import PlannedRun
from infoseg_bench.records.differences import Differences
from infoseg_bench.utils.text import duration, plural

LINES = 100
"""Maximum number of runs printed one per line; more are summarised by method and data set. Chosen by this
project."""
LONG_SECONDS = 3600.0
"""Estimated time on a CPU above which advice is printed; chosen by this project."""
ADVICE = (
    "This takes more than an hour on a CPU. To shorten it: --preset small (settings for a laptop), --steps N "
    "(shorter training), --seeds 0, or --method NAME (fewer methods). A GPU needs a fraction of the time."
)


def plan_lines(planned: Sequence[PlannedRun]) -> list[str]:
    """Return one line per run, or per method and data set if there are many runs."""
    if len(planned) > LINES:
        return _summary(planned)
    label = Differences.among(run.spec for run in planned).label
    return [f"{run.state:<12} {', '.join([label(run.spec), *_details(run)])}" for run in planned]


def cost_lines(planned: Sequence[PlannedRun], jobs: int | None, *, on_cpu: bool) -> list[str]:
    """Return lines with the estimated time of the remaining runs and the basis of the estimate.

    Args:
        planned: the runs
        jobs: number of runs at a time; None: a cluster decides
        on_cpu: whether they run on this machine's CPU
    """
    todo = [run for run in planned if run.to_do]
    known = [run.seconds for run in todo if run.seconds is not None]
    unknown = Counter(run.spec.method for run in todo if run.seconds is None)
    missing = ", ".join(f"{method} ({plural(count, 'run')})" for method, count in unknown.items())
    if not todo:
        return []
    if not known:
        return [f"Estimated cost: unknown, because there are no finished runs to compare with: {missing}"]
    total = sum(known)
    # However many run at a time, the longest run takes its time.
    elapsed = max(total / (jobs or 1), *known)
    line = f"Estimated cost: {duration(total)} of runs"
    line += f", {duration(elapsed)} with {jobs} at a time" if jobs and jobs > 1 else ""
    lines = [f"{line}, based on {_bases(todo)}.{f' Not known: {missing}.' if missing else ''}"]
    if on_cpu and elapsed > LONG_SECONDS:
        lines += [*_by_method(todo), ADVICE]
    return lines


def needs_lines(needs: Mapping[str, str]) -> list[str]:
    """Return lines on how to prepare the data sets that are not prepared."""
    if not needs:
        return []
    return [f"{plural(len(needs), 'data set')} not prepared:", *(f"  {n}: {how}" for n, how in needs.items())]


def _bases(todo: Iterable[PlannedRun]) -> str:
    texts = {
        "finished runs": "finished runs",
        "speed": "measurements of `infoseg-bench speed` on this machine",
        "timed steps": "steps timed now on this machine",
        "scaled steps": "steps timed on another data set, scaled by the pixels of a batch",
    }
    methods: dict[str, list[str]] = {}
    for run in todo:
        if run.basis and run.spec.method not in methods.setdefault(texts[run.basis], []):
            methods[texts[run.basis]].append(run.spec.method)
    return " and ".join(f"{basis} ({', '.join(names)})" for basis, names in methods.items())


def _by_method(todo: Iterable[PlannedRun]) -> list[str]:
    seconds: Counter[str] = Counter()
    for run in todo:
        seconds[run.spec.method] += run.seconds or 0  # type: ignore[assignment]
    return [f"  {method:<12} {duration(spent)}" for method, spent in seconds.most_common() if spent]


def _details(run: PlannedRun) -> list[str]:
    spec = run.spec
    details = [plural(spec.budget.steps, "step")] if spec.budget else []
    details += [f"id {spec.short_id}"] if spec.fingerprint else []
    details += [f"continues at step {run.step}"] if run.step and run.state != "finished" else []
    details += ["to be repeated"] if run.repeated else []
    details += [f"about {duration(run.seconds)}"] if run.seconds else []
    details += [run.problem] if run.problem and not run.repeated else []
    if run.changed:
        remedy = "--force repeats it" if run.state == "finished" else "--force starts it again"
        details.append(f"the method's source code has changed since ({remedy})")
    return details


def _summary(planned: Sequence[PlannedRun]) -> list[str]:
    groups: dict[tuple[str, str], Counter[str]] = {}
    for run in planned:
        counts = groups.setdefault((run.spec.dataset, run.spec.method), Counter())
        counts[run.state] += 1
        counts["to be repeated"] += run.repeated
        counts["with changed source code"] += run.changed
    lines = []
    for (dataset, method), counts in groups.items():
        runs = [run for run in planned if (run.spec.dataset, run.spec.method) == (dataset, method)]
        steps = sorted({run.spec.budget.steps for run in runs if run.spec.budget})
        seconds = [run.seconds for run in runs if run.seconds]
        details = [f"{count} {state}" for state, count in counts.items() if count]
        details += [" or ".join(map(str, steps)) + " steps"] if steps else []
        details += [f"about {duration(sum(seconds))}"] if seconds else []
        lines.append(f"{dataset} {method}: {', '.join(details)}")
    return lines + [run.problem for run in planned if run.problem]
