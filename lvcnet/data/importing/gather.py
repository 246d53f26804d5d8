"""What the annotation files say together, checked before any image is read: which images, categories and opinions."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from lvcnet.data.dataset import CLEAN, SPLITS
from lvcnet.data.importing.annotated import SELF_CROSSING, AnnotatedImage, Annotations, Problem
from lvcnet.data.importing.options import Options
from lvcnet.data.importing.splits import splits_by_folder, splits_by_hash


class Findings:
    """Problems of an import as they are found.

    Args:
        accept_self_crossing: outlines that cross themselves are warnings.
    """

    def __init__(self, accept_self_crossing: bool = False) -> None:
        self.accept_self_crossing = accept_self_crossing
        self.problems: list[Problem] = []

    def add(self, where: str, what: str, fix: str = "", blocking: bool = True, image: str = "") -> None:
        """One more; see `Problem`."""
        self.problems.append(Problem(where, what, fix, blocking, image=image))

    def judged(self) -> list[Problem]:
        """All problems, with self-crossing outlines as warnings where they are accepted."""
        return [
            replace(one, blocking=False, fix="filled as pycocotools does")
            if self.accept_self_crossing and one.kind == SELF_CROSSING
            else one
            for one in self.problems
        ]

    @property
    def blocked(self) -> bool:
        """Whether any of them keeps the data from being imported."""
        return any(problem.blocking for problem in self.judged())


@dataclass(frozen=True)
class Gathered:
    """What is to be imported.

    Attributes:
        rows: images with their split, those of the training file first.
        categories: to import, in this order.
        opinions: label set -> file name -> image; that of the annotation itself is `clean`.
    """

    rows: list[tuple[AnnotatedImage, str]]
    categories: list[str]
    opinions: dict[str, dict[str, AnnotatedImage]]


def gather(
    parts: Sequence[Annotations],
    extras: Mapping[str, Sequence[Annotations]],
    options: Options,
    findings: Findings,
) -> Gathered:
    """Put together what the readers found.

    Args:
        parts: the annotation, in one file or one a split.
        extras: further label sets.
        options: categories, split.
        findings: gets what the readers complained of, and what does not fit together.
    """
    for annotations in [*parts, *(one for group in extras.values() for one in group)]:
        findings.problems += annotations.problems
    gathering = _Gathering(list(parts), extras, options, findings)
    rows = gathering.rows()
    categories = gathering.categories()
    opinions = {CLEAN: {image.file_name: image for image, _ in rows}}
    opinions |= {label: gathering.opinion(label, group, rows) for label, group in extras.items()}
    return Gathered(rows, categories, opinions)


@dataclass(frozen=True)
class _Gathering:
    parts: list[Annotations]
    extras: Mapping[str, Sequence[Annotations]]
    options: Options
    findings: Findings

    def rows(self) -> list[tuple[AnnotatedImage, str]]:
        """Images with their split, those of the training file first."""
        rows: list[tuple[AnnotatedImage, str]] = []
        splits: dict[str, str] = {}
        for part, split in zip(self.parts, SPLITS, strict=False):
            if not part.images and not part.problems:
                self.findings.add(part.origin, "holds no image", "nothing to import")
            for image in part.images:
                if image.file_name in splits:
                    what = f"{image.file_name} is in the training file too"
                    self.findings.add(image.where, what, "keep it in one", image=image.file_name)
                else:
                    splits[image.file_name] = split
                    rows.append((image, split))
        if len(self.parts) == 1 and rows:
            chosen = self._choose_split([image.file_name for image, _ in rows])
            rows = [(image, chosen[image.file_name]) for image, _ in rows]
        return rows

    def _choose_split(self, names: list[str]) -> dict[str, str]:
        """By folder where all images lie in train/ and test/, else by a hash of each name."""
        found = splits_by_folder(names)
        if found is not None:
            splits, validation = found
            if validation is not None:
                what = f"the images of the validation folder are in the {validation} split"
                fix = (
                    "training holds images out itself" if validation == "train" else "there is no test folder"
                )
                self.findings.add(self.parts[0].origin, what, fix, blocking=False)
            return splits
        if self.options.test_fraction > 0 and len(names) < 2 and not self.findings.blocked:
            fix = "2 are needed, one to train and one to test; or set none aside with --test-fraction 0"
            self.findings.add(self.parts[0].origin, "holds 1 image", fix)
        return splits_by_hash(names, self.options.test_fraction, self.options.seed)

    def categories(self) -> list[str]:
        declared = self.parts[0].categories
        ignore = self.options.ignore
        wanted = [name for name in self.options.categories or declared if name != ignore]
        asked = [("--categories", name) for name in wanted] + ([("--ignore", ignore)] if ignore else [])
        for option, name in asked:
            if name not in declared:
                known = ", ".join(declared) or "none"
                self.findings.add(
                    option, f"unknown category {name!r}", f"{self.parts[0].origin} declares {known}"
                )
        used = Counter(category for image in self.parts[0].images for category in image.shapes)
        for name in wanted:
            if name in declared and not used[name] and not self.findings.blocked:
                fix = "leave it out with --categories unless that is meant"
                self.findings.add(
                    self.parts[0].origin, f"category {name!r} has no annotation", fix, blocking=False
                )
        if self.options.categories is None:
            self._check_other_categories(wanted)
        return wanted

    def _check_other_categories(self, wanted: list[str]) -> None:
        others = [*self.parts[1:], *(one for group in self.extras.values() for one in group)]
        for annotations in others:
            used = {name for image in annotations.images for name in image.shapes}
            for name in sorted(used - {*wanted, self.options.ignore}):
                fix = f"the training annotations have {', '.join(wanted) or 'none'}; choose with --categories"
                self.findings.add(annotations.origin, f"unknown category {name!r}", fix)

    def opinion(
        self, label: str, group: Sequence[Annotations], rows: list[tuple[AnnotatedImage, str]]
    ) -> dict[str, AnnotatedImage]:
        """The images of a further label set by file name."""
        opinion: dict[str, AnnotatedImage] = {}
        known = {image.file_name: split for image, split in rows}
        for image in (image for annotations in group for image in annotations.images):
            if image.file_name in opinion:
                what = f"label set {label!r} has {image.file_name} twice"
                self.findings.add(image.where, what, "keep it in one file", image=image.file_name)
            opinion[image.file_name] = image
        strangers = [name for name in opinion if name not in known]
        if strangers and len(strangers) == len(opinion):
            self.findings.add(
                f"label set {label}",
                "covers none of the images",
                "its file names must match those of --train",
            )
        elif strangers:
            what = f"{len(strangers)} of its images are not in the data set, first {strangers[0]}"
            self.findings.add(f"label set {label}", what, "they were left out", blocking=False)
        bare = [name for name, split in known.items() if split == "train" and name not in opinion]
        if bare and len(strangers) < len(opinion):
            what = f"{len(bare)} training images are not covered, first {bare[0]}"
            self.findings.add(
                f"label set {label}", what, "training on this label set leaves them out", blocking=False
            )
        return opinion
