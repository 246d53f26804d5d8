"""What is wanted of corrections and of several annotators: of `lvcnet correct-apply`, `agree`, `edge-support`, `consensus`."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from lvcnet.errors import LvcnetError
from lvcnet.progress import Report
from lvcnet.requests import MANY, Argument, Option, Request

if TYPE_CHECKING:
    from lvcnet.correction.store import Correction
    from lvcnet.data.dataset import Dataset

DATA_SET = "Name of the data set; `lvcnet data list` lists them."
SPLIT = Option("--split", "Only this split: train or test.")


@dataclass(frozen=True)
class ApplyRequest(Request):
    """A label set in which accepted proposals of a correction replace the labels.

    Attributes:
        correction: its name.
        labels: name of the label set to make.
        accept: which proposals.
        ignore_disputed: whether no training shall see what is in doubt and undecided.
        drafts: what becomes of drawings that nobody accepted: use or ignore.
        strict: refuse while an image is undecided.
        overwrite: replace an earlier corrected label set of that name.
    """

    COMMAND = ("correct-apply",)

    correction: Annotated[str, Argument("Name of a correction; `lvcnet corrections` lists them.")]
    labels: Annotated[str, Option("--as", "Name of the label set to make, e.g. corrected-level3.")]
    accept: Annotated[
        str,
        Option(
            "--accept",
            "confident (labels that are surely wrong; careful ones stay), reviewed (what was decided on the review page or"
            " with `lvcnet review`), all, worst=N (the N labels of lowest quality), below=Q (labels of a quality below Q)"
            " or none; or several, first come, first served: reviewed+confident.",
            always=True,
        ),
    ] = "confident"
    ignore_disputed: Annotated[
        bool,
        Option(
            "--ignore-disputed",
            "In images that nothing is decided about, let no training see the pixels where label and proposal disagree.",
        ),
    ] = False
    drafts: Annotated[
        str | None,
        Option(
            "--drafts",
            "What becomes of drawings that nobody accepted yet: use (accept them all) or ignore. Refused without.",
            metavar="use|ignore",
        ),
    ] = None
    strict: Annotated[bool, Option("--strict", "With reviewed: refuse while an image is undecided.")] = False
    overwrite: Annotated[
        bool, Option("--overwrite", "Replace an earlier corrected label set of that name.")
    ] = False

    def run(self, correction: "Correction | None" = None, dataset: "Dataset | None" = None) -> dict[str, Any]:
        """Make the label set; what changed, see `apply_correction`.

        Args:
            correction: where it is at hand; else it is found by its name.
            dataset: likewise.

        Raises:
            LvcnetError: if nothing is accepted, the labels changed since they were judged, or the name is taken.
        """
        from lvcnet.correction.apply import REVIEWED, apply_correction, verdicts_by
        from lvcnet.correction.review import settle_drafts
        from lvcnet.correction.store import find_correction
        from lvcnet.data.dataset import Dataset

        if self.drafts == "use" and REVIEWED not in self.accept.split("+"):
            raise LvcnetError(
                "drafts 'use' makes decisions of drawings, which count only where accept has 'reviewed', not"
                f" {self.accept!r}"
            )
        correction = correction or find_correction(self.correction)
        dataset = dataset or Dataset.load(correction.head["dataset"])
        settle_drafts(correction, dataset, self.drafts)
        verdicts = verdicts_by(correction, self.accept, self.strict)
        return apply_correction(
            correction, dataset, self.labels, verdicts, self.accept, self.overwrite, self.ignore_disputed
        )


@dataclass(frozen=True)
class AgreeRequest(Request):
    """How well two label sets agree."""

    COMMAND = ("agree",)

    dataset: Annotated[str, Argument(DATA_SET)]
    first: Annotated[str, Argument("A label set.")]
    second: Annotated[str, Argument("Another label set of the same images.")]
    split: Annotated[str | None, SPLIT] = None

    def run(self, report: Report | None = None, dataset: "Dataset | None" = None) -> dict[str, Any]:
        """Measure, see `agreement`.

        Raises:
            LvcnetError: if the two cover no image together.
        """
        from lvcnet.correction.agreement import agreement
        from lvcnet.data.dataset import Dataset

        return agreement(dataset or Dataset.load(self.dataset), self.first, self.second, self.split, report)


@dataclass(frozen=True)
class EdgeSupportRequest(Request):
    """Which of two label sets lies on stronger edges where they differ."""

    COMMAND = ("edge-support",)

    dataset: Annotated[str, Argument(DATA_SET)]
    first: Annotated[str, Argument("A label set.")]
    second: Annotated[str, Argument("Another label set of the same images.")]
    split: Annotated[str | None, SPLIT] = None
    judge: Annotated[
        str | None,
        Option("--run", "A finished run: ask the boundary it predicts instead of the image's edges."),
    ] = None

    def run(self, report: Report | None = None, dataset: "Dataset | None" = None) -> dict[str, Any]:
        """Measure, see `edge_support`.

        Raises:
            LvcnetError: if the two cover no image together, or the run cannot predict.
        """
        from lvcnet.correction.edge_support import edge_support
        from lvcnet.data.dataset import Dataset
        from lvcnet.runs.store import find_run

        judge = find_run(self.judge) if self.judge else None
        return edge_support(
            dataset or Dataset.load(self.dataset), self.first, self.second, self.split, judge, report
        )


@dataclass(frozen=True)
class ConsensusRequest(Request):
    """One label set of several annotators' outlines."""

    COMMAND = ("consensus",)

    dataset: Annotated[str, Argument(DATA_SET)]
    labels: Annotated[tuple[str, ...], Argument("Two or more label sets of the same images.", MANY)]
    name: Annotated[str, Option("--as", "Name of the label set to make, e.g. consensus.")]
    vote: Annotated[str, Option("--vote", "staple or majority.", former="--method", always=True)] = "staple"
    overwrite: Annotated[bool, Option("--overwrite", "Replace an earlier consensus of that name.")] = False

    def run(self, report: Report | None = None) -> dict[str, Any]:
        """Make the label set and add it; how reliable each annotator seems, see `consensus`.

        Raises:
            LvcnetError: for too few or unknown label sets, or a name that is taken.
        """
        from lvcnet.claims import using
        from lvcnet.correction.consensus import consensus
        from lvcnet.data.dataset import Dataset

        data = Dataset.load(self.dataset)
        what = f"label set {self.name} is being made of it"
        with using("data set", data.folder, what, self.labels):
            united, found = consensus(data, self.labels, self.vote, self.name, self.overwrite, report)
            data.add_labels(united)
        return found
