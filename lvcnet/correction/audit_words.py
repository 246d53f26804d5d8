"""What an audit found, in plain sentences: its verdict, and what every part of it rests on."""

from dataclasses import dataclass
from typing import Literal

from lvcnet.correction.audit import Audit, CategoryAudit
from lvcnet.correction.quality import Quality
from lvcnet.evaluation.statistics import Interval
from lvcnet.masks.displacement import Displacement
from lvcnet.methods import method_title
from lvcnet.text import counted

SURE = 0.95
"""Share of the resampled sets of images that must agree before something is advised."""
GOOD = 0.9
"""Labels whose whole interval lies above this IoU are good: careful annotators agree about as well with each other."""
Kind = Literal["leave", "repair", "move", "unknown"]


@dataclass(frozen=True)
class Verdict:
    """What to do, in one sentence, and what makes that sure.

    Attributes:
        kind: leave, repair, move or unknown.
        sentence: what to do.
        sure: how sure that is, and why.
    """

    kind: Kind
    sentence: str
    sure: str


def verdict(audit: Audit) -> Verdict:
    """The one thing to do."""
    quality, repair = audit.quality, audit.repair
    if quality is None:
        names = ", ".join(audit.categories)
        return Verdict(
            "unknown",
            f"Cannot tell: {names} was not learned.",
            "Whoever learned nothing judges nothing: train longer (preset auto, or more --steps) and audit again.",
        )
    if audit.displaced:
        moves = [_move(name, one) for name, one in audit.displaced.items()]
        return Verdict(
            "move",
            f"Move outlines of {', '.join(moves)}.",
            "95 % intervals over images and parts of the outlines; more than a convention of drawing explains.",
        )
    if repair.images and repair.gain is not None and repair.sure >= SURE:
        return Verdict(
            "repair",
            f"Repair the {counted(len(repair.images), 'image')} listed first.",
            f"Where both methods agree against these labels, edges of the images side with the methods in {repair.sure:.0%} of"
            " the resampled sets of images.",
        )
    if quality.low >= GOOD:
        return Verdict("leave", "Your outlines are good: leave them.", _good(quality))
    if quality.against_labels <= 1 - SURE:
        return Verdict(
            "leave",
            "Leave them: where methods disagree with your outlines, the images side with your outlines.",
            f"So they do in {1 - quality.against_labels:.0%} of the resampled sets of images.",
        )
    return Verdict("unknown", f"Cannot tell: {_why_not(audit)}.", _do(audit))


def _move(name: str, one: Displacement) -> str:
    low, high = sorted((abs(one.low), abs(one.high)))
    where = "inwards" if one.px > 0 else "outwards"
    return f"{name} by {abs(one.px):.1f} px {where} ({low:.1f} to {high:.1f})"


def _good(quality: Quality) -> str:
    return (
        f"Their estimated IoU with what they should be is {quality.low:.2f} to {quality.high:.2f}"
        f" (95 %, {counted(quality.images, 'image')}), all of it above {GOOD:g}."
    )


def _why_not(audit: Audit) -> str:
    """Why nothing is advised."""
    if audit.repair.images:
        return (
            f"the methods are sure about {counted(len(audit.repair.images), 'label')}, but the edges of the images do not"
            f" clearly side with them (in {audit.repair.sure:.0%} of the resampled sets of images)"
        )
    assert audit.quality is not None
    return (
        f"label quality may lie anywhere from {audit.quality.low:.2f} to {audit.quality.high:.2f}, and no single label is"
        " surely wrong"
    )


def _do(audit: Audit) -> str:
    first = audit.ranked[0]["key"]
    return f"Look at the images listed first, beginning with {first}, and decide by eye; longer trainings narrow the interval."


def interval_text(value: Interval) -> str:
    """A mean with its bounds.

    >>> interval_text(Interval(0.9, 0.875, 0.925))
    '0.900 (0.875 to 0.925)'
    """
    return f"{value.mean:.3f} ({value.low:.3f} to {value.high:.3f})"


def agreement_sentences(audit: Audit) -> list[str]:
    """How well the methods agree with the labels, category by category, and what was not learned."""
    return [_agreement(name, one) for name, one in audit.categories.items()]


def _agreement(name: str, one: CategoryAudit) -> str:
    if not one.images:
        return f"{name}: no label shows it."
    parts = [f"{method_title(method)} {interval_text(value)}" for method, value in one.agreement.items()]
    found = f"{name}: IoU with the labels {', '.join(parts)}; the two with each other {interval_text(one.between)}."
    if not one.learned:
        found += " Not learned: nothing is concluded about it."
    return found


def quality_sentences(audit: Audit) -> list[str]:
    """The labels' estimated quality, and what that rests on."""
    quality = audit.quality
    if quality is None:
        return ["Not estimated: the methods learned no category."]
    return [
        f"Estimated IoU of the labels with what they should be: {quality.estimate:.2f}, between {quality.low:.2f} and"
        f" {quality.high:.2f} (95 %, {counted(quality.images, 'image')} drawn again).",
        _edges(quality),
        "The lower end blames the labels for all of their disagreement with the nearer method, the upper end only for that part"
        " in which both methods agree with each other and not with the label, as far as edges side with them.",
        "This assumes that edges are right more often than wrong. It cannot see errors that all outlines share and no edge"
        " contradicts: an object that is missing everywhere, or a border that the image does not show.",
        *_moved(audit),
    ]


def _edges(quality: Quality) -> str:
    if quality.share is None:
        return "The edges of the images decide nothing about the disagreement."
    return (
        f"Of the disagreement that edges decide, they give {quality.share:.0%} ({quality.share_low:.0%} to"
        f" {quality.share_high:.0%}) to the methods, the rest to the labels."
    )


def _moved(audit: Audit) -> list[str]:
    if not audit.displaced:
        return []
    return [
        f"Outlines of {', '.join(audit.displaced)} all err to one side, which methods learn: predictions were compared after"
        " they were moved onto their edges, and the lower end adds what the labels lose by being displaced. Methods repeat what"
        " is left of it, so that the true IoU may lie below the middle: move the outlines and audit again."
    ]


def repair_sentences(audit: Audit) -> list[str]:
    """Whether repair would help, how sure that is, and how to do it."""
    repair, name = audit.repair, audit.corrections[-1]
    if repair.images:
        found = [
            f"{len(repair.images)} of {audit.images} labels are surely wrong by the judgement of"
            f" {method_title(audit.methods[-1])}."
        ]
    else:
        found = ["No label is surely wrong, so there is nothing to repair without a person's eye."]
    if repair.gain is not None:
        whose = "these labels" if repair.images else "labels, over all images"
        side = "the methods" if repair.gain.mean > 0 else "the labels"
        found.append(
            f"Where both methods agree against {whose}, edges give {abs(repair.gain.mean):.0%} more of the area to {side}"
            f" (methods' share minus labels', 95 %: {repair.gain.low:+.0%} to {repair.gain.high:+.0%}); the methods win in"
            f" {repair.sure:.0%} of the resampled sets of images."
        )
    if repair.images:
        found.append(
            f"Look at them: lvcnet review {name}, or the page Correct. Repair them all:"
            f" lvcnet correct-apply {name} --as corrected-{audit.labels}"
        )
    if audit.displaced:
        found.append(
            f"Move outlines: lvcnet displacement {audit.dataset} --labels {audit.labels} --move moved-{audit.labels}"
        )
    return found
