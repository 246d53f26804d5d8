"""What a training step and a prediction cost: `python benchmarks/step_time.py [--output FILE]`.

Every method of the project trains on the same batch, taking turns on one thread, and is compared with U-Net. The default
is the batch of the demo data that preset quick would see: 16 images of 128 px, width 16.
"""

import argparse
import sys
from pathlib import Path

from shown import shown_command

from lvcnet.comparison.formats import markdown_table
from lvcnet.comparison.timing import time_methods, timing_table
from lvcnet.data import naming
from lvcnet.data.dataset import Dataset
from lvcnet.errors import LvcnetError
from lvcnet.methods import METHODS
from lvcnet.training.commit import current_commit
from lvcnet.training.config import build_config, parse_settings
from lvcnet.training.plan import start_settings


def main(arguments: list[str] | None = None) -> None:
    """Print a markdown table."""
    options = parse_options(arguments)
    dataset, labels = Dataset.load(options.data), naming.parse(options.level)
    start = start_settings(options.preset, dataset, labels)
    shared = {"dataset": options.data, "labels": labels, "device": options.device}
    own = parse_settings(options.set)
    configs = {
        name: build_config(start, shared, own, {"method": name}) for name in options.methods.split(",")
    }
    first = next(iter(configs.values()))
    timings = time_methods(configs, dataset, options.repetitions, options.threads)
    table = timing_table(timings)
    given = sys.argv[1:] if arguments is None else arguments
    text = "\n".join(
        [
            f"Command: `{shown_command('step_time.py', given)}`; commit {current_commit()};"
            f" {options.device}, {options.threads} thread(s), width {first.width}, {first.batch_size} images of"
            f" {dataset.size} px a step. {table.note}",
            "",
            markdown_table(table.header, table.rows),
        ]
    )
    print(text)
    if options.output:
        options.output.write_text(text + "\n")


def parse_options(arguments: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--methods", default=",".join(METHODS.own), help="names, separated by commas")
    parser.add_argument("--data", default="hips", help="data set; the demo's by default")
    parser.add_argument("--level", default="4", help="noise level or label set")
    parser.add_argument("--preset", default="quick", help="settings of the trainings")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="one setting more")
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:N or mps")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads")
    parser.add_argument("--repetitions", type=int, default=8, help="at each of four stages of the training")
    parser.add_argument("--output", type=Path, help="write the table there, too")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    try:
        main()
    except LvcnetError as error:
        sys.exit(f"step_time: {error}")
