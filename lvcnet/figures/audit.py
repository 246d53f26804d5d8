"""An audit as sections of sentences and tables: what `lvcnet audit` prints, the page shows and the HTML report holds."""

from dataclasses import dataclass
from html import escape

from lvcnet.comparison.tables import NOTHING, Table
from lvcnet.correction.audit import TOP, Audit
from lvcnet.correction.audit_words import (
    agreement_sentences,
    interval_text,
    quality_sentences,
    repair_sentences,
    verdict,
)
from lvcnet.figures.html import html_page, paragraph, table_block
from lvcnet.methods import method_title
from lvcnet.text import counted


@dataclass(frozen=True)
class Section:
    """A part of the report."""

    title: str
    sentences: list[str]
    tables: list[Table]


def sections(audit: Audit) -> list[Section]:
    """The report after its verdict, in the order in which a sceptic asks."""
    plan = audit.plan
    return [
        Section("Data and plan", _about(audit), [plan_table(audit)]),
        Section(
            "How well two methods agree with the labels that they did not see",
            [*agreement_sentences(audit), *(f"{note}." for note in audit.notes)],
            [agreement_table(audit)],
        ),
        Section("Label quality", quality_sentences(audit), [quality_table(audit)]),
        Section(
            "Outlines and edges",
            [f"{one.said}." for one in audit.categories.values()],
            [],
        ),
        Section("Images to look at first", [_how_ranked(audit)], [images_table(audit)]),
        Section("Would repair help here?", repair_sentences(audit), []),
    ] + ([Section("Import again", [f"{plan.import_again}."], [])] if plan.import_again else [])


def _about(audit: Audit) -> list[str]:
    length = f"{audit.steps:,} steps" if audit.steps else "a length in epochs"
    return [
        f"Labels {audit.labels} of data set {audit.dataset} (fingerprint {audit.fingerprint[:12]}):"
        f" {counted(audit.images, 'training image')}. No clean label and no test image took part.",
        f"{' and '.join(map(method_title, audit.methods))} trained {audit.folds} times each with {length}, seed {audit.seed};"
        " every image was judged by a training that had left it out.",
    ]


def plan_table(audit: Audit) -> Table:
    """The training plan with its reasons."""
    choices = [audit.plan.size, *audit.plan.choices]
    rows = [[one.name, str(one.value), one.reason] for one in choices]
    note = "What the data ask for; the trainings may be shorter where a preset or --steps said so."
    return Table("Training plan", note, ["Setting", "Value", "Reason"], rows)


def agreement_table(audit: Audit) -> Table:
    """IoU of either method with the labels, category by category."""
    titles = [method_title(method) for method in audit.methods]
    rows = [
        [
            name,
            str(one.images),
            *(interval_text(one.agreement[method]) for method in audit.methods),
            interval_text(one.between),
            "yes" if one.learned else "no",
        ]
        for name, one in audit.categories.items()
    ]
    header = ["Category", "Images", *titles, "The two with each other", "Learned"]
    return Table("IoU with the labels, out of fold", "Mean over images with 95 % interval.", header, rows)


def quality_table(audit: Audit) -> Table:
    """The labels' estimated quality, category by category."""
    rows = []
    for name, one in audit.categories.items():
        quality = one.quality
        if quality is None:
            rows.append([name, NOTHING, NOTHING, NOTHING, NOTHING])
            continue
        share = NOTHING if quality.share is None else f"{quality.share:.0%}"
        rows.append([name, f"{quality.estimate:.2f}", f"{quality.low:.2f}", f"{quality.high:.2f}", share])
    header = ["Category", "Estimated IoU", "Low", "High", "Edges side with methods"]
    return Table("Label quality by category", "95 % interval; see above for what it rests on.", header, rows)


def images_table(audit: Audit) -> Table:
    """The labels to look at first."""
    rows = [
        [
            row["key"],
            "yes" if row["surely_wrong"] else "no",
            row["category"],
            f"{row['category_iou']:.2f}",
            f"{row['worst_px']:.1f}",
            str(row["missing"]),
            str(row["extra"]),
        ]
        for row in audit.ranked[:TOP]
    ]
    header = ["Image", "Surely wrong", "Category", "IoU", "Worst (px)", "Missing", "Extra"]
    note = (
        "Category whose outlines lie farthest apart, its IoU with the proposal, and how far (HD95, pixels of the image);"
        " objects that the label lacks, or has alone."
    )
    return Table(f"First {len(rows)} of {len(audit.ranked)} images", note, header, rows)


def _how_ranked(audit: Audit) -> str:
    return (
        "Labels that are surely wrong first, then by label quality, as lvcnet correct ranks them. To decide image by image:"
        f" lvcnet review {audit.corrections[-1]}, or the page Correct."
    )


def audit_report(audit: Audit) -> str:
    """The whole report as one HTML file."""
    found = verdict(audit)
    blocks = [f"<h2>{escape(found.sentence)}</h2>", paragraph(found.sure)]
    for section in sections(audit):
        blocks.append(f"<h2>{escape(section.title)}</h2>")
        blocks += map(paragraph, section.sentences)
        blocks += map(table_block, section.tables)
    return html_page(f"Audit of labels {audit.labels} of {audit.dataset}", blocks)
