"""Which noisy label sets are wanted: of `lvcnet noise` and the noise page."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from lvcnet.errors import LvcnetError
from lvcnet.noise.levels import default_levels
from lvcnet.progress import Stages
from lvcnet.requests import Argument, Form, Option, Request

if TYPE_CHECKING:
    from lvcnet.data.label_sets import LabelSet


def families_in_words() -> str:
    """The help of `--family`."""
    from lvcnet.noise import FAMILIES

    found = "; ".join(f"{name} ({family.summary})" for name, family in FAMILIES.items())
    return f"How the labels get worse: {found}."


def read_levels(text: str) -> tuple[int, ...]:
    """`3,4` as numbers, each once.

    Raises:
        LvcnetError: if it is no list of numbers.
    """
    try:
        levels = [int(part) for part in text.split(",")]
    except ValueError:
        raise LvcnetError(f"--levels {text!r} is not a list of numbers: write for example 1,2,3,4") from None
    return tuple(dict.fromkeys(levels))


def write_levels(levels: Sequence[int]) -> str:
    """The way back.

    >>> write_levels((3, 4))
    '3,4'
    """
    return ",".join(map(str, levels))


@dataclass(frozen=True)
class NoiseRequest(Request):
    """Noisy label sets of a data set.

    Attributes:
        dataset: its name.
        levels: one label set each; all if neither they nor a target are given, but 5 of family polygon alone.
        target: a mean IoU to reach instead.
        family: how the labels get worse.
        seed: of all draws.
        bias: -1 makes objects smaller, 1 larger.
        fraction: share of the images that get noise.
        include_test: cover test images, too.
    """

    COMMAND = ("noise",)

    dataset: Annotated[str, Argument("Data set; `lvcnet data list` shows them.")]
    levels: Annotated[
        tuple[int, ...] | None,
        Option(
            "--levels",
            "Noise levels, separated by commas. [default: 1,2,3,4, and 5 of family polygon]",
            Form(read_levels, write_levels),
        ),
    ] = None
    target: Annotated[float | None, Option("--target", "A mean IoU to reach, instead of levels.")] = None
    family: Annotated[str, Option("--family", families_in_words)] = "polygon"
    seed: Annotated[int, Option("--seed", "Seed of all draws.")] = 0
    bias: Annotated[float, Option("--bias", "-1 makes objects smaller, 1 larger, 0 neither on average.")] = (
        0.0
    )
    fraction: Annotated[float, Option("--fraction", "Share of the images that get noise.")] = 1.0
    include_test: Annotated[
        bool, Option("--include-test", "Cover test images too (the paper tests on level 1).")
    ] = False

    def run(self, stage: Stages, add: bool = True) -> "list[LabelSet]":
        """Calibrate all label sets, then add them: interrupted, or with an unreachable target, the data set stays as it was.

        Args:
            stage: called with the title of each calibration.
            add: False only calibrates.

        Raises:
            LvcnetError: for settings out of range, or a target the family cannot reach.
        """
        from lvcnet.claims import using
        from lvcnet.data.dataset import Dataset
        from lvcnet.noise.calibrate import make_noisy_labels

        if self.target is not None and self.levels is not None:
            raise LvcnetError("--levels and --target were both given: choose one of them")
        dataset = Dataset.load(self.dataset)
        chosen = default_levels(self.family) if self.levels is None else self.levels
        wanted = [None] if self.target is not None else [*chosen]
        made = []
        with using("data set", dataset.folder, "noisy labels are being made of it"):
            for level in wanted:
                aim = f"level {level}" if level is not None else f"IoU {self.target:g}"
                report = stage(f"Calibrating {aim} of {self.dataset}, try")
                labels = make_noisy_labels(
                    dataset,
                    level,
                    self.target,
                    self.family,
                    self.seed,
                    self.bias,
                    self.fraction,
                    self.include_test,
                    report=report,
                )
                made.append(labels)
            for labels in made if add else []:
                dataset.add_labels(labels)
        return made
