"""What is wanted of an audit: of `lvcnet audit`, `lv.audit` and the page."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

from lvcnet.jobs.requests import KEY_VALUE, PRESETS_IN_WORDS, SETTINGS, CorrectRequest
from lvcnet.progress import Stages
from lvcnet.requests import Argument, Option, Request
from lvcnet.trained import METHOD, PRESET

if TYPE_CHECKING:
    from lvcnet.correction.audit import Audit

METHODS = ("unet", METHOD)
"""Both judge; the proposals of the last one count."""
FOLDS = 3


@dataclass(frozen=True)
class AuditRequest(Request):
    """Labels to audit as they are."""

    COMMAND = ("audit",)

    dataset: Annotated[str, Argument("Name of the data set; `lvcnet data list` lists them.")]
    labels: Annotated[str, Option("--labels", "Label set to audit.", always=True)] = "clean"
    folds: Annotated[
        int,
        Option("--folds", "Trainings of each of the two methods; each judges the images that it left out."),
    ] = FOLDS
    preset: Annotated[str, Option("--preset", PRESETS_IN_WORDS)] = PRESET
    seed: Annotated[int, Option("--seed", "Keys initial weights, order and augmentation.")] = 0
    steps: Annotated[int | None, Option("--steps", "Training steps, instead of the preset's.")] = None
    settings: Annotated[
        Mapping[str, Any],
        Option("--set", "One setting; can be repeated.", SETTINGS, metavar=KEY_VALUE),
    ] = field(default_factory=dict)
    device: Annotated[str, Option("--device", "auto, cpu, cuda, cuda:N or mps.")] = "auto"

    def judgements(self) -> list[CorrectRequest]:
        """One for each method."""
        return [
            CorrectRequest(
                self.dataset,
                self.labels,
                method,
                self.folds,
                self.seed,
                self.preset,
                None,
                self.steps,
                self.settings,
                self.device,
            )
            for method in METHODS
        ]

    def run(self, stage: Stages, workers: int | None = None) -> "Audit":
        """Train, judge and put together, see `lvcnet.jobs.audit.audit`.

        Raises:
            LvcnetError: for an unknown data set or label set, too few images for the folds, or a training that failed.
            KeyboardInterrupt: after Ctrl-C, once all trainers have stopped; the same request goes on.
        """
        from lvcnet.jobs.audit import audit

        return audit([one.settled() for one in self.judgements()], self.device, stage, workers)
