"""What the inference app says in words and numbers: HTML that names sizes in px and, where known, in mm."""

from collections.abc import Sequence
from html import escape
from typing import Any

from lab.inference.segment import caption, colours
from lvcnet.inference.batch import Outcome
from lvcnet.inference.segmentation import Segmentation, pairwise_ious, summarise

NO_SPACING = "The file states no pixel spacing, so there is nothing in mm."
SPACING = "Sizes in mm follow the pixel spacing of the file; a radiograph enlarges what lies away from the detector."
HEADER = ("Area", "Share", "Perimeter", "Width × height", "Longest diameter", "Parts")
EXPLAINED = (
    "Perimeter: all outlines, by Crofton's formula. Width × height: bounding box. Longest diameter: farthest two"
    " points of the area (Feret). Parts: connected areas."
)


def measurements_table(results: Sequence[Segmentation]) -> str:
    """A row a run and category, under the radiograph's name, size and spacing."""
    summaries = [summarise(result) for result in results]
    several = any(len(summary["categories"]) > 1 for summary in summaries)
    rows = []
    for result, colour, summary in zip(results, colours(results), summaries, strict=True):
        for category in summary["categories"]:
            head = [_run(caption(result), colour)] if len(results) > 1 else []
            head += [escape(category["name"])] if several or not head else []
            rows.append([*head, *_cells(category)])
    columns = (["Run"] if len(results) > 1 else []) + (["Category"] if several or len(results) == 1 else [])
    first = summaries[0]
    spacing = first["spacing_mm"]
    known = f", pixels of {spacing[0]:.3g} × {spacing[1]:.3g} mm" if spacing else ""
    single = "" if len(results) > 1 else f", {escape(caption(results[0]))}"
    about = (
        f"<strong>{escape(first['image'])}</strong> ({first['width']} × {first['height']} px{known}){single}"
    )
    note = SPACING if spacing else NO_SPACING
    return f"<p>{about}</p>{_table([*columns, *HEADER], rows, len(columns))}<p class='note'>{note} {EXPLAINED}</p>"


def agreement_table(results: Sequence[Segmentation]) -> str:
    """How far each two runs agree; nothing for a single one."""
    if len(results) < 2:
        return ""
    names = [_run(caption(result), colour) for result, colour in zip(results, colours(results), strict=True)]
    rows = [
        [names[row["first"]], names[row["second"]], escape(row["category"]), f"{row['iou']:.3f}"]
        for row in pairwise_ious(results)
    ]
    if not rows:
        return "<p>These runs have no category in common.</p>"
    table = _table(["Run", "and run", "Category", "IoU"], rows, texts=3)
    return f"<p><strong>Agreement</strong></p>{table}<p class='note'>How far two runs overlap, not which one is right.</p>"


def batch_table(outcomes: Sequence[Outcome], total: int, about: str = "") -> str:
    """How far a batch is, what it is made with (`about`), and a row a file and category or problem."""
    problems = sum(bool(outcome.problem) for outcome in outcomes)
    said = f"{len(outcomes)} of {total} files done" + (f", {problems} with a problem" if problems else "")
    said += f" ({escape(about)})" if about else ""
    rows = [_batch_row(row) for outcome in outcomes for row in outcome.rows]
    header = ["File", "Area", "Longest diameter", "Category"]
    bar = f"<progress max='{total}' value='{len(outcomes)}' aria-label='{said}'></progress>"
    return f"<p role='status'>{said}</p>{bar}{_table(header, rows) if rows else ''}"


def _batch_row(row: dict[str, Any]) -> list[str]:
    """The measurements, or what kept the file from being measured."""
    name = escape(row["image"])
    if row["problem"]:
        said = row["problem"].removeprefix(f"{row['image']} ")
        name += f"<span class='problem'>{escape(said)}</span>"
    if not row["category"]:
        return [name]
    area, _, _, _, longest, _ = _cells(row)
    return [name, area, longest, escape(row["category"])]


def _cells(row: dict[str, Any]) -> list[str]:
    box: tuple[str, str | None] = (f"{row['width_px']:,} × {row['height_px']:,} px", None)
    if row["width_mm"] is not None:
        box = (box[0], f"{row['width_mm']:,.1f} × {row['height_mm']:,.1f} mm")
    return [
        _both(f"{row['area_px']:,} px", _mm(row["area_mm2"], "mm²", 0)),
        f"{100 * row['fraction']:.1f} %",
        _both(f"{row['perimeter_px']:,.0f} px", _mm(row["perimeter_mm"], "mm", 0)),
        _both(*box),
        _both(f"{row['longest_px']:,.1f} px", _mm(row["longest_mm"], "mm", 1)),
        str(row["parts"]),
    ]


def _mm(value: float | None, unit: str, digits: int) -> str | None:
    return None if value is None else f"{value:,.{digits}f} {unit}"


def _both(px: str, mm: str | None) -> str:
    """Millimetres first, where there are any."""
    return px if mm is None else f"{mm}<br><small>{px}</small>"


def _run(name: str, colour: str) -> str:
    return f"<span class='swatch' style='background:{colour}' aria-hidden='true'></span>{escape(name)}"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]], texts: int = 1) -> str:
    """A table that scrolls sideways, also by keyboard, where it is wider than the screen.

    Args:
        header: of the columns.
        rows: their cells; a row of a single one takes the whole width.
        texts: how many columns from the left on hold words and not numbers.
    """
    classes = [" class='text'" if column < texts else "" for column in range(len(header))]
    head = "".join(f"<th scope='col'{name}>{cell}</th>" for name, cell in zip(classes, header, strict=True))
    body = ""
    for first, *others in rows:
        span = "" if others else f" colspan='{len(header)}'"
        cells = "".join(f"<td{name}>{cell}</td>" for name, cell in zip(classes[1:], others, strict=False))
        body += f"<tr><th scope='row' class='text'{span}>{first}</th>{cells}</tr>"
    return (
        "<div class='scroll' tabindex='0' role='region' aria-label='Table'>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )
