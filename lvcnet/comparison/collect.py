"""The table of a data set: methods x label sets, mean and sd over seeds, beside the paper's Table 1.

Only runs that are done and evaluated on the clean test labels with their last checkpoint count, and of several runs
of one method, label set and seed the newest. Of a label set that was made again, only runs on one content of it count.

Most runs were trained alike; where another one is all there is of a method and label set, it is shown, and so is one
whose predictions collapsed, but no difference, retention or plan rests on it; of runs whose labels cover other training
images no retention or plan does. What is left out is listed with the reason.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from lvcnet.comparison.cells import (
    Cell,
    Comparison,
    method_name,
    method_order,
)
from lvcnet.comparison.scores import Group, Key, differences, image_scores
from lvcnet.comparison.table1 import pooled_rounds, rounds_note
from lvcnet.comparison.where import Where, unlike
from lvcnet.data.dataset import FOLD, Dataset, list_datasets
from lvcnet.errors import LvcnetError
from lvcnet.evaluation.alike import (
    COVERAGE,
    Config,
    differing,
    in_words,
    labels_now,
    same_labels,
    with_coverage,
)
from lvcnet.evaluation.protocol import GRID, evaluate_run, in_pixels
from lvcnet.evaluation.robustness import step_seconds
from lvcnet.evaluation.statistics import (
    mean_of_known,
    percentile_bounds,
    resampled_means,
)
from lvcnet.masks.collapse import COLLAPSE_ADVICE, collapse
from lvcnet.masks.metrics import METRICS
from lvcnet.progress import Report
from lvcnet.runs.diagnosis import diagnose, length_of
from lvcnet.runs.directory import RunDirectory
from lvcnet.runs.store import damaged_runs, find_run, is_readable, list_runs

Evaluated = list[tuple[RunDirectory, dict[str, Any]]]
Reasons = dict[Key, list[str]]


def collect(
    dataset: str,
    runs: Iterable[RunDirectory] | None = None,
    metric: str = "iou",
    evaluate: bool = False,
    device: str = "auto",
    seed: int = 0,
    report: Report | None = None,
    where: Where | None = None,
) -> Comparison:
    """Collect the runs of a data set.

    Args:
        dataset: its name.
        runs: which; default all of the workspace and the demo runs, but those that leave a fold out for label repair.
        metric: a key of `METRICS`, for differences and robustness.
        evaluate: evaluate runs that are done and have no evaluation yet.
        device: for that.
        seed: keys the bootstrap.
        report: called with (runs done, runs in all).
        where: settings that a run must have to be taken; without them those that most runs have count.

    Raises:
        LvcnetError: for an unknown metric, or if no run is left to compare.
    """
    METRICS.find(metric)
    chosen = [run for run in list_runs(dataset) if not _leaves_out(run)] if runs is None else list(runs)
    skipped = _damaged(dataset) if runs is None else {}
    skipped |= {run.name: reason for run in chosen if (reason := unlike(run.config(), where or {}))}
    chosen = [run for run in chosen if run.name not in skipped]
    evaluations = _evaluations(chosen, metric, evaluate, device, skipped, report)
    evaluations = _same_data(dataset, evaluations, skipped)
    stored = Dataset.load(dataset) if dataset in list_datasets() else None
    evaluations, unit = _in_one_unit(evaluations, stored, metric, skipped)
    configs = with_coverage({run.name: run.config() for run, _ in evaluations}, stored)
    evaluations = _same_label_sets(dataset, evaluations, configs, skipped)
    if not evaluations:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in list(skipped.items())[:3])
        raise LvcnetError(
            f"there is nothing to compare on data set {dataset!r}"
            + (f" ({reasons})" if reasons else f": train something with `lvcnet train {dataset}`")
        )
    groups, excluded, apart = _group(evaluations, configs, skipped)
    cells = [
        replace(
            _cell(*key, group, metric, seed),
            excluded="; ".join(excluded.get(key, ())) or None,
            apart="; ".join(apart.get(key, ())) or None,
        )
        for key, group in groups.items()
    ]
    cells.sort(key=lambda cell: (method_order(cell.method), cell.level is None, cell.level or 0, cell.labels))
    return Comparison(
        dataset,
        metric,
        cells,
        differences({key: group for key, group in groups.items() if key not in excluded}, metric, seed),
        skipped,
        rounds_note([evaluation for _, evaluation in evaluations]),
        dict(where or {}),
        unit,
        mean_of_known(_known([evaluation for _, evaluation in evaluations], "tolerance")),
    )


def _in_one_unit(
    evaluations: Evaluated, stored: Dataset | None, metric: str, skipped: dict[str, str]
) -> tuple[Evaluated, str]:
    """Evaluations whose distances are in one unit, and that unit; those in another one keep all but their distances.

    Evaluations of before are in pixels of the working grid. Where these are pixels of the images, nothing is lost.
    """
    known = [(run, in_pixels(evaluation, stored)) for run, evaluation in evaluations]
    units = [str(evaluation["unit"]) for _, evaluation in known]
    unit = next((one for one in units if one != GRID), GRID if units else "px")
    sized = {name for name, spec in METRICS.items() if spec.sized}
    found: Evaluated = []
    for run, evaluation in known:
        if evaluation["unit"] == unit:
            found.append((run, evaluation))
        elif metric in sized:
            skipped[run.name] = (
                f"its distances are in {evaluation['unit']}, not in {unit}; run `lvcnet evaluate {run.name}`"
            )
        else:
            found.append((run, {name: value for name, value in evaluation.items() if name not in sized}))
    return found, unit


def _damaged(dataset: str) -> dict[str, str]:
    """Runs that no list has because they cannot be read, and what is wrong; but for those that say another data set."""
    found = {}
    for one in damaged_runs():
        run = find_run(one.name)
        try:
            other = run.config().get("dataset") != dataset
        except LvcnetError:
            other = False
        if not other and not is_readable(run):
            found[one.name] = one.problem
    return found


def _leaves_out(run: RunDirectory) -> bool:
    """Whether it learned from fewer images than its rivals, for label repair."""
    manifest = run.config().get("data", {}).get("labels") or {}
    return bool(manifest.get("kind") == FOLD)


def _evaluations(
    runs: Sequence[RunDirectory],
    metric: str,
    evaluate: bool,
    device: str,
    skipped: dict[str, str],
    report: Report | None,
) -> Evaluated:
    result: Evaluated = []
    for number, run in enumerate(runs, start=1):
        try:
            state, evaluation = run.status()["state"], run.evaluation()
            if state != "done":
                skipped[run.name] = f"it is {state}"
            elif evaluation is None and not evaluate:
                skipped[run.name] = f"it is not evaluated; run `lvcnet evaluate {run.name}`"
            elif evaluation is not None and metric not in evaluation:
                skipped[run.name] = (
                    f"its evaluation is older than the metric {METRICS[metric].title}; run `lvcnet evaluate {run.name}`"
                )
            else:
                result.append((run, evaluation or evaluate_run(run, device=device)))
        except LvcnetError as error:
            skipped[run.name] = str(error)
        if report:
            report(number, len(runs))
    return result


def _same_data(dataset: str, evaluations: Evaluated, skipped: dict[str, str]) -> Evaluated:
    """Only evaluations on the data as they are now (or, without the data, as the newest run knew them)."""
    if not evaluations:
        return []
    stored = dataset in list_datasets()
    fingerprint = Dataset.load(dataset).fingerprint() if stored else evaluations[0][1]["fingerprint"]
    for run, evaluation in evaluations:
        if evaluation["fingerprint"] != fingerprint:
            skipped[run.name] = "the data set changed since"
    return [(run, evaluation) for run, evaluation in evaluations if evaluation["fingerprint"] == fingerprint]


def _same_label_sets(
    dataset: str, evaluations: Evaluated, configs: Mapping[str, Config], skipped: dict[str, str]
) -> Evaluated:
    """Of a label set that was made again between its runs only those on its present content, else on the commonest."""
    left_out: set[str] = set()
    for labels in {configs[run.name]["labels"] for run, _ in evaluations}:
        chosen_runs = [one for one in evaluations if configs[one[0].name]["labels"] == labels]
        kinds = _kinds(chosen_runs, configs, same_labels)
        if len(kinds) < 2:
            continue
        stored = dataset in list_datasets() and labels in (data := Dataset.load(dataset)).label_names()
        now = labels_now(data, labels) if stored else None
        chosen = max(
            kinds,
            key=lambda kind: (now is not None and same_labels(configs[kind[0][0].name], now), len(kind)),
        )
        for run, _ in (one for kind in kinds if kind is not chosen for one in kind):
            left_out.add(run.name)
            skipped[run.name] = (
                f"label set {labels} was made again, and this run learned from another one: train it again"
                " (`lvcnet sweep` does) or delete it"
            )
    return [(run, evaluation) for run, evaluation in evaluations if run.name not in left_out]


def _kinds(
    evaluations: Evaluated, configs: Mapping[str, Config], same: Callable[[Config, Config], bool]
) -> list[Evaluated]:
    """The runs in parts in which all are the same; those with the newest run first."""
    kinds: list[Evaluated] = []
    for one in evaluations:
        fitting = (kind for kind in kinds if same(configs[kind[0][0].name], configs[one[0].name]))
        kind = next(fitting, None)
        if kind is None:
            kinds.append([one])
        else:
            kind.append(one)
    return kinds


def _group(
    evaluations: Evaluated, configs: Mapping[str, Config], skipped: dict[str, str]
) -> tuple[dict[Key, Group], Reasons, Reasons]:
    """Runs by method and label set, of several with one seed the newest.

    And why nothing is concluded from some cells, and why others, whose labels cover other training images, are compared
    within their label set only. Runs of one cell were trained alike. The first choice are settings that most usable runs
    have.
    """
    kinds = _kinds(evaluations, configs, lambda one, other: not differing(one, other))
    kinds.sort(key=lambda kind: (-sum(not collapse(found) for _, found in kind), -len(kind)))
    groups: dict[Key, Group] = {}
    excluded, apart = defaultdict(list), defaultdict(list)
    for kind in kinds:
        differs = differing(configs[kind[0][0].name], configs[kinds[0][0][0].name])
        known, words = set(groups), in_words(differs)
        for run, evaluation in kind:
            config = configs[run.name]
            key, seed = (method_name(config), config["labels"]), config["seed"]
            group = groups.setdefault(key, {})
            if key in known:
                skipped[run.name] = (
                    f"it was not trained like the others ({words}): train it with their settings"
                )
                continue
            if seed in group:
                skipped[run.name] = f"{group[seed][0].name} is newer, same method, labels and seed"
                continue
            group[seed] = (run, evaluation)
            of_settings, collapsed = set(differs) - {COVERAGE}, collapse(evaluation)
            reasons = [f"was not trained like the others ({words})"] if of_settings else []
            reasons += [collapsed] if collapsed else []
            if reasons:
                length = length_of(config, run.status(), run.metrics(), evaluation)
                advice = (
                    ": train it with their settings"
                    if of_settings
                    else f"; {length.in_words(COLLAPSE_ADVICE)}"
                )
                excluded[key].append(f"run {run.name} {' and '.join(reasons)}{advice}")
            elif differs:
                apart[key].append(
                    f"run {run.name} did not learn from the same images as the others ({words}): for retention and plans"
                    " train on label sets that cover the same images"
                )
    return groups, dict(excluded), dict(apart)


def _cell(method: str, labels: str, group: Group, metric: str, seed: int) -> Cell:
    seeds = sorted(group)
    runs, evaluations = zip(*(group[seed] for seed in seeds), strict=True)
    configs, curves = [run.config() for run in runs], [run.metrics() for run in runs]
    return Cell(
        method=method,
        labels=labels,
        noise=configs[0].get("data", {}).get("labels") or {},
        label_iou=evaluations[0].get("label_iou"),
        runs={seed: run.name for seed, run in zip(seeds, runs, strict=True)},
        values={name: _of_all(evaluations, name) for name in METRICS},
        parameters=evaluations[0].get("parameters"),
        training_seconds=mean_of_known(_known(evaluations, "training_seconds")),
        step_seconds=mean_of_known(
            [step_seconds(rows, config["batch_size"]) for rows, config in zip(curves, configs, strict=True)]
        ),
        rounds=pooled_rounds(evaluations),
        best_last=_known(evaluations, "best_last_gap"),
        recovery=_known(evaluations, "label_recovery"),
        interval=_interval(evaluations, metric, seed),
        commits={
            seed: commit
            for seed, config in zip(seeds, configs, strict=True)
            if (commit := config.get("commit"))
        },
        diagnoses={
            run.name: sentences
            for run, config, rows, evaluation in zip(runs, configs, curves, evaluations, strict=True)
            if (sentences := diagnose(config, run.status(), rows, evaluation))
        },
    )


def _interval(evaluations: Sequence[Mapping[str, Any]], metric: str, seed: int) -> tuple[float, float] | None:
    """95 % interval of a metric, from the images that all seeds' evaluations hold."""
    tables = [image_scores([evaluation], metric) for evaluation in evaluations]
    keys = sorted(set.intersection(*map(set, tables)))
    if not keys:
        return None
    scores = np.array([[table[key] for key in keys] for table in tables])
    return percentile_bounds(resampled_means(scores, seed))


def _known(evaluations: Sequence[Mapping[str, Any]], name: str) -> list[float]:
    """A figure of every evaluation that has it; older ones may not."""
    return [float(found) for evaluation in evaluations if (found := evaluation.get(name)) is not None]


def _of_all(evaluations: Sequence[Mapping[str, Any]], name: str) -> list[float]:
    """A metric of every evaluation; none where one of them is older than the metric."""
    found = _known(evaluations, name)
    return found if len(found) == len(evaluations) else []
