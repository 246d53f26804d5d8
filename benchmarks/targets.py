"""What LVC-Net is asked to reach, and whether a measurement did: the thresholds are written here, the figures computed.

Points are hundredths of foreground IoU on clean test labels, last epoch, mean over at least three seeds.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from lvcnet.comparison.cells import BASELINE, Cell, Comparison, Difference
from lvcnet.comparison.tables import NOTHING, Table
from lvcnet.comparison.timing import Timing
from lvcnet.data.naming import level_name
from lvcnet.evaluation.robustness import share
from lvcnet.evaluation.statistics import mean_of_known
from lvcnet.methods import method_title

PLUS, CORRECTED = "lvcnet-plus", "lvcnet"
ENOUGH_SEEDS = 3
MEASURED = (1, 2, 3, 4)
"""The noise levels of the targets."""
LEVELS = tuple(map(level_name, MEASURED))
NOISIEST = LEVELS[-1]

PHANTOM_RETENTION = 0.96
PHANTOM_GAIN = 0.08
PHANTOM_RECOVERY = 0.93
IMPORTED_GAIN = 0.015
IMPORTED_GAIN_LEVELS = ("level3", "level4")
IMPORTED_RECOVERY_GAIN = 0.04
ALLOWED_LOSS = 0.005
STEP_RATIO = 1.5
INFERENCE_RATIO = 1.3


@dataclass(frozen=True)
class Verdict:
    """One target and what was measured of it.

    Attributes:
        where: data set.
        target: what is asked for.
        measured: in words; a dash where it was not.
        met: None where something it needs was not measured.
        seeds: fewest seeds of what it rests on; None where that is no number of trainings.
    """

    where: str
    target: str
    measured: str
    met: bool | None
    seeds: int | None = None


def verdicts(
    comparisons: Mapping[str, Comparison], phantoms: Sequence[str], timings: Mapping[str, Timing]
) -> list[Verdict]:
    """All targets: those of phantoms or of imported radiographs for every data set, and those of time.

    Args:
        comparisons: data set -> its comparison, of foreground IoU.
        phantoms: which of them are phantoms.
        timings: method -> times, measured side by side.
    """
    found: list[Verdict] = []
    for name, comparison in comparisons.items():
        judges = PHANTOM_TARGETS if name in phantoms else IMPORTED_TARGETS
        found += [judge(comparison) for judge in judges]
    return [*found, *time_verdicts(timings)]


def target_table(found: Sequence[Verdict]) -> Table:
    """Targets as rows of a report."""
    return Table(
        "Targets",
        "Points of foreground IoU on clean test labels, last epoch, mean over seeds;"
        f" {ENOUGH_SEEDS} seeds or more are asked for.",
        ["Data set", "Target", "Measured", "Verdict", "Seeds"],
        [
            [
                one.where,
                one.target,
                one.measured,
                _word(one),
                NOTHING if one.seeds is None else str(one.seeds),
            ]
            for one in found
        ],
    )


def keeps_clean_quality(comparison: Comparison) -> Verdict:
    """Retention of LVC-Net plus at the noisiest level over U-Net on clean labels."""
    kept = comparison.robustness(PLUS)["retention_clean"].get(max(MEASURED))
    return Verdict(
        comparison.dataset,
        f"{method_title(PLUS)} at {NOISIEST} keeps >= {PHANTOM_RETENTION:.0%} of {method_title(BASELINE)} on clean labels",
        NOTHING if kept is None else f"{kept:.1%}",
        None if kept is None else kept >= PHANTOM_RETENTION,
        _seeds(comparison.cell(PLUS, NOISIEST), comparison.cell(BASELINE, "clean")),
    )


def gains_on_phantom(comparison: Comparison) -> Verdict:
    """LVC-Net plus above U-Net at the noisiest level."""
    return _gain(comparison, NOISIEST, PHANTOM_GAIN, beyond_chance=False)


def holds_at_level_1(comparison: Comparison) -> Verdict:
    """LVC-Net plus no worse than U-Net where labels are good."""
    return _never_worse(comparison, PLUS, LEVELS[:1])


def plus_never_worse(comparison: Comparison) -> Verdict:
    """LVC-Net plus no worse than U-Net at any level."""
    return _never_worse(comparison, PLUS, LEVELS)


def corrected_never_worse(comparison: Comparison) -> Verdict:
    """LVC-Net no worse than U-Net at any level."""
    return _never_worse(comparison, CORRECTED, LEVELS)


def recovers_labels(comparison: Comparison) -> Verdict:
    """Predictions on the training images as labels of the phantom."""
    cell = comparison.cell(PLUS, NOISIEST)
    found = mean_of_known(cell.recovery) if cell else None
    return Verdict(
        comparison.dataset,
        f"{method_title(PLUS)} repairs {NOISIEST} labels of the training images to IoU >= {PHANTOM_RECOVERY:g}",
        NOTHING if found is None else f"{found:.3f}",
        None if found is None else found >= PHANTOM_RECOVERY,
        _seeds(cell),
    )


def improves_labels(comparison: Comparison) -> Verdict:
    """Predictions on the training images against the noisy labels they were learned from."""
    cell = comparison.cell(PLUS, NOISIEST)
    found = mean_of_known(cell.recovery) if cell else None
    before = cell.label_iou if cell else None
    gain = None if found is None or before is None else found - before
    return Verdict(
        comparison.dataset,
        f"{method_title(PLUS)} repairs {NOISIEST} labels of the training images by >= {_points(IMPORTED_RECOVERY_GAIN)}",
        NOTHING if gain is None else f"{_points(gain, '+')} ({before:.3f} to {found:.3f})",
        None if gain is None else gain >= IMPORTED_RECOVERY_GAIN,
        _seeds(cell),
    )


def _gain_at(level: str) -> Callable[[Comparison], Verdict]:
    return lambda comparison: _gain(comparison, level, IMPORTED_GAIN, beyond_chance=True)


PHANTOM_TARGETS = (
    keeps_clean_quality,
    gains_on_phantom,
    holds_at_level_1,
    corrected_never_worse,
    recovers_labels,
)
IMPORTED_TARGETS = (
    plus_never_worse,
    *(_gain_at(level) for level in IMPORTED_GAIN_LEVELS),
    corrected_never_worse,
    improves_labels,
)


def time_verdicts(timings: Mapping[str, Timing]) -> list[Verdict]:
    """LVC-Net plus beside U-Net, a training step and a prediction."""
    plus, base = timings.get(PLUS), timings.get(BASELINE)
    both = plus is not None and base is not None
    found = []
    for what, ratio, allowed in (
        ("training step", share(plus.step, base.step) if both else None, STEP_RATIO),
        ("inference", share(plus.inference, base.inference) if both else None, INFERENCE_RATIO),
    ):
        found.append(
            Verdict(
                NOTHING,
                f"{what} of {method_title(PLUS)} <= {allowed:g} x {method_title(BASELINE)}'s",
                NOTHING if ratio is None else f"{ratio:.2f} x",
                None if ratio is None else ratio <= allowed,
            )
        )
    return found


def _gain(comparison: Comparison, level: str, asked: float, beyond_chance: bool) -> Verdict:
    found = _difference(comparison, PLUS, level)
    beyond = ", 95 % interval above 0" if beyond_chance else ""
    return Verdict(
        comparison.dataset,
        f"{method_title(PLUS)} >= {_points(asked)} above {method_title(BASELINE)} at {level}{beyond}",
        NOTHING
        if found is None
        else f"{_points(found.mean, '+')} ({100 * found.low:+.1f} to {100 * found.high:+.1f})",
        None if found is None else found.mean >= asked and (found.low > 0 or not beyond_chance),
        None if found is None else len(found.seeds),
    )


def _never_worse(comparison: Comparison, method: str, levels: Sequence[str]) -> Verdict:
    """The worst level decides; levels that were not measured leave open what the others have not lost."""
    found = [one for level in levels if (one := _difference(comparison, method, level)) is not None]
    worst = min(found, key=lambda one: one.mean, default=None)
    where = f"at {levels[0]}" if len(levels) == 1 else "at any level"
    lost = worst is not None and worst.mean < -ALLOWED_LOSS
    complete = len(found) == len(levels)
    return Verdict(
        comparison.dataset,
        f"{method_title(method)} <= {_points(ALLOWED_LOSS)} below {method_title(BASELINE)} {where}",
        NOTHING
        if worst is None
        else f"{_points(worst.mean, '+')} at {worst.labels}{'' if complete else ', levels missing'}",
        False if lost else (True if complete else None),
        min((len(one.seeds) for one in found), default=None),
    )


def _difference(comparison: Comparison, method: str, labels: str) -> Difference | None:
    return next((one for one in comparison.differences if (one.method, one.labels) == (method, labels)), None)


def _seeds(*cells: Cell | None) -> int | None:
    return min((len(cell.runs) for cell in cells if cell is not None), default=None)


def _points(value: float, sign: str = "") -> str:
    return f"{100 * value:{sign}.1f} points"


def _word(verdict: Verdict) -> str:
    if verdict.met is None:
        return "not measured"
    few = verdict.seeds is not None and verdict.seeds < ENOUGH_SEEDS
    return ("met" if verdict.met else "not met") + (", too few seeds" if few else "")
