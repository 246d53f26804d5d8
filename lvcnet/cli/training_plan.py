"""The command that shows how a training is planned from its data: training-plan."""

from pathlib import Path
from typing import Annotated

import typer

from lvcnet.cli.options import Json
from lvcnet.cli.output import print_json, screen, write_text
from lvcnet.cli.requests import takes
from lvcnet.jobs.estimate import costs
from lvcnet.jobs.requests import TrainingPlanRequest


@takes
def training_plan(
    request: TrainingPlanRequest,
    output: Annotated[
        Path | None,
        typer.Option(help="Write it to this file, to be changed and given to --config.", metavar="FILE"),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show the training plan of a label set: steps, batch, loss and augmentation from the data, with a reason beside each.

    It is what preset auto trains by, the same for every method and device. What it costs here is timed now.

    Example: `lvcnet training-plan hips --labels level3 --output training-plan.yaml`
    """
    plan = request.run()
    cost = costs(request.dataset, plan)
    if output is not None:
        write_text(output, plan.to_yaml())
    if as_json:
        traits = {"traits": plan.traits.as_json(), "training_plan": plan.as_json(), "costs": cost.seconds}
        print_json({"dataset": plan.dataset, "labels": plan.labels, **traits})
        return
    screen.print(plan.to_yaml(), highlight=False, markup=False, soft_wrap=True)
    screen.print(cost.sentence(), highlight=False, markup=False, soft_wrap=True)
    if output is not None:
        screen.print(f"Wrote {output}", highlight=False, soft_wrap=True)


def register(app: typer.Typer) -> None:
    """Add this module's command to `app`."""
    app.command()(training_plan)
