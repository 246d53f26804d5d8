"""Which plan is wanted: of `lvcnet plan` and the planner of the compare page."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

from lvcnet.comparison.request import DATA_SET, WHERE
from lvcnet.requests import WORDS, Argument, Option, Request

if TYPE_CHECKING:
    from lvcnet.planner.curve import Budget, Plan


@dataclass(frozen=True)
class PlanRequest(Request):
    """How carefully to outline a data set.

    Attributes:
        dataset: its name.
        methods: to weigh against the baseline; all that were measured if none is named.
        budget: clicks in total that are to be spent.
        where: settings that runs must have.
    """

    COMMAND = ("plan",)

    dataset: Annotated[str, Argument(DATA_SET)]
    methods: Annotated[
        tuple[str, ...],
        Option(
            "--methods", "Methods to weigh against U-Net, with commas; default all that were measured.", WORDS
        ),
    ] = ()
    budget: Annotated[
        float | None,
        Option("--budget", "Clicks in total: which outlines they afford, and the best method there."),
    ] = None
    where: Annotated[Mapping[str, Any], WHERE] = field(default_factory=dict)

    def run(self) -> "Plan":
        """Plan from the measured runs.

        Raises:
            LvcnetError: if there is no such data set, or nothing can be planned.
        """
        from lvcnet.planner.curve import plan_dataset

        return plan_dataset(self.dataset, self.methods, where=self.where)

    def spend(self, plan: "Plan") -> "Budget | None":
        """What the budget affords; None without one."""
        from lvcnet.planner.curve import afford

        return None if self.budget is None else afford(plan, self.budget)
