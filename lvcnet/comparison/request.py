"""Which comparison is wanted: of `lvcnet compare` and the compare page."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

from lvcnet.progress import Report
from lvcnet.requests import Argument, Form, Option, Request

if TYPE_CHECKING:
    from lvcnet.comparison.cells import Comparison

DATA_SET = "Name of a data set; `lvcnet data list` lists them."


def read_where(conditions: list[str]) -> dict[str, Any]:
    """`parse_where`, which is imported when there is something to parse.

    Raises:
        LvcnetError: for an unknown setting, or a value that it cannot have.
    """
    if not conditions:
        return {}
    from lvcnet.comparison.where import parse_where

    return parse_where(conditions)


def write_where(where: Mapping[str, Any]) -> list[str]:
    """Settings and values as `parse_where` reads them.

    >>> write_where({"epochs": 80, "augment": True, "options.warps": 2})
    ['epochs=80', 'augment=true', 'options.warps=2']
    """
    from lvcnet.training.config import as_yaml

    return [f"{name}={as_yaml(value)}" for name, value in where.items()]


WHERE = Option(
    "--where",
    "Only runs with this setting, e.g. epochs=80 or options.warps=2; can be repeated. Without it, those that were trained"
    " like most.",
    Form(read_where, write_where, repeated=True),
    metavar="KEY=VALUE",
)


def metrics_in_words() -> str:
    """The help of `--metric`."""
    from lvcnet.masks.metrics import METRICS

    return f"One of {', '.join(METRICS)}."


@dataclass(frozen=True)
class CompareRequest(Request):
    """A comparison of the runs of a data set.

    Attributes:
        dataset: its name.
        metric: that differences, curves and orders are about.
        where: settings that runs must have.
        evaluate: whether finished runs are evaluated that are not evaluated yet.
        device: for that.
    """

    COMMAND = ("compare",)

    dataset: Annotated[str, Argument(DATA_SET)]
    metric: Annotated[str, Option("--metric", metrics_in_words, always=True)] = "iou"
    where: Annotated[Mapping[str, Any], WHERE] = field(default_factory=dict)
    evaluate: Annotated[
        bool, Option("--evaluate/--no-evaluate", "Evaluate finished runs that are not evaluated yet.")
    ] = True
    device: Annotated[str, Option("--device", "auto, cpu, cuda, cuda:N or mps.")] = "auto"

    def run(self, report: Report | None = None) -> "Comparison":
        """Collect the runs.

        Raises:
            LvcnetError: for an unknown metric, or if no run is left to compare.
        """
        from lvcnet.comparison.collect import collect

        return collect(
            self.dataset, None, self.metric, self.evaluate, self.device, report=report, where=self.where
        )
