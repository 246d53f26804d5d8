"""The forms of the data page: create phantom radiographs, import annotated images by upload or by path."""

from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import TypedDict

import streamlit as st

from lab.data.new import new_dataset, show_new
from lab.data.upload import upload
from lab.serving.paths import readable
from lab.ui.background import background_button
from lab.ui.downloads import offer_report
from lab.ui.escaping import plain
from lab.ui.widgets import command_line, shown_errors
from lvcnet.data.dataset import Dataset
from lvcnet.data.formats import specs as label_formats
from lvcnet.data.formats.specs import read_by_plug_ins
from lvcnet.data.import_request import ImportRequest, read_labels
from lvcnet.data.importing.annotated import ImportProblems
from lvcnet.data.importing.options import Options
from lvcnet.data.phantom.make import SIZES
from lvcnet.data.requests import PhantomRequest
from lvcnet.errors import LvcnetError
from lvcnet.progress import Report
from lvcnet.text import split_list

FORMATS: dict[str, str] = {
    "zip": "Upload a zip",
    "coco": "COCO files",
    "labelme": "Labelme folder",
    "masks": "Mask images",
}


def phantom_form() -> None:
    """Name, counts, size and seed; renders with progress and shows the new data set."""
    st.markdown(
        "Procedural hip radiographs with exact masks of the innominate bones. Each image depends only on the seed and"
        " its own number, so the same settings give the same images on every machine."
    )
    with st.container(border=True):
        name = st.text_input(
            "Name", "hips", key="phantom-name", help="Letters, digits, '.', '_' and '-'; the folder's name."
        )
        columns = st.columns(4)
        train = columns[0].number_input(
            "Training images", 1, 5000, 300, 10, key="phantom-train", help="Images that methods learn from."
        )
        test = columns[1].number_input(
            "Test images",
            0,
            5000,
            100,
            10,
            key="phantom-test",
            help="Images that only measure; their labels stay clean.",
        )
        size = columns[2].number_input(
            "Size (px)",
            *SIZES,
            128,
            32,
            key="phantom-size",
            help="Side of the square images. The paper uses 128.",
        )
        seed = columns[3].number_input(
            "Seed", 0, None, 0, 1, key="phantom-seed", help="Another seed gives other patients."
        )
        request = PhantomRequest(name, int(train), int(test), int(size), int(seed))
        command_line(request)
        with shown_errors():
            made = background_button(
                "Create",
                "phantom-create",
                ":material/add_photo_alternate:",
                "Render the images now; a few hundred take less than a minute.",
                lambda task: new_dataset(task, name, f"Rendering {name}", request.run),
                nothing_done="nothing was created",
                about=name,
                alone=False,
            )
            if made is not None:
                show_new(made)


def import_form() -> None:
    """Upload or paths, and options of an import; problems are listed all at once, and nothing is half imported."""
    st.markdown(
        "Images may be PNG, JPEG, TIFF, BMP or DICOM. Everything is checked first: if anything is wrong, you get the"
        " whole list and nothing is imported. Upload a zip, or give paths on the machine that runs the lab."
    )
    kind = st.segmented_control(
        "From",
        [*FORMATS, *read_by_plug_ins()],
        default="zip",
        required=True,
        format_func=_format_title,
        key="import-format",
        wrap=True,
        help="COCO: one file a split. Labelme: JSON files beside the images. Masks: pictures named like the images.",
    )
    with st.container(border=True):
        name = st.text_input(
            "Name", key="import-name", help="Of the new data set: letters, digits, '.', '_' and '-'."
        )
        with shown_errors():
            if kind == "zip":
                _zip_form(name)
            else:
                _path_form(str(kind), name)


def _zip_form(name: str) -> None:
    chosen = upload()
    file = Path(chosen.name) if chosen is not None else Path("FILE.zip")
    request = ImportRequest(name or "NAME", zip=file, **_settings(split=True))
    command_line(request)
    _import_button(
        "zip", name, lambda report: _named(request, name).run(report, chosen or BytesIO()), chosen is None
    )


def _path_form(kind: str, name: str) -> None:
    paths = _paths(kind)
    extras = st.text_area(
        "Further label sets",
        key="import-extras",
        height=80,
        placeholder="dentist2=/data/c.json,/data/d.json",
        help="One a line, NAME=PATH or NAME=PATH,PATH: other opinions about the same images, e.g. a second annotator.",
    )
    settings = _settings(split=not paths.get("test"))
    given = {option: Path(path) for option, path in paths.items() if path and option != "from"}
    request = ImportRequest(
        name or "NAME",
        **given,
        source=f"{kind}={paths['from'] or 'PATH'}" if "from" in paths else None,
        labels=read_labels([line.strip() for line in extras.splitlines() if line.strip()]),
        **settings,
    )
    command_line(request)
    _import_button(kind, name, lambda report: _import(_named(request, name), paths, report))


def _named(request: ImportRequest, name: str) -> ImportRequest:
    """The request with the name as it was typed; a command shows a place for one that is missing."""
    return replace(request, name=name)


def _import_button(kind: str, name: str, read: Callable[[Report], Dataset], disabled: bool = False) -> None:
    """Start an import, follow it, and show the new data set, or all problems with their report."""
    made, problems = None, None
    with shown_errors():
        try:
            made = background_button(
                "Import",
                "import-start",
                ":material/download:",
                "Check everything, then read the images.",
                lambda task: new_dataset(task, name, f"Importing {name}", read),
                nothing_done="nothing was imported",
                about=kind,
                disabled=disabled,
                alone=False,
            )
        except ImportProblems as error:
            problems = error.problems
            raise
    if problems is not None:
        offer_report(problems, f"{name}-problems.csv")
    elif made is not None:
        show_new(made)


def _paths(kind: str) -> dict[str, str]:
    """The text fields of a format: command line option to path."""
    if kind not in FORMATS:
        spec = label_formats.FORMATS[kind]
        return {"from": _path(plain(spec.title), "from", plain(spec.summary))}
    if kind == "labelme":
        return {
            "labelme": _path(
                "Folder",
                "labelme",
                "Labelme JSON files beside their images; subfolders train and test split.",
            )
        }
    images = _path("Image folder", "images", "Folder of the image files.")
    if kind == "masks":
        return {
            "images": images,
            "masks": _path("Mask folder", "masks", "Named like the images; or one subfolder a category."),
        }
    columns = st.columns(2)
    with columns[0]:
        train = _path("Training annotations", "train", "COCO file of the training images.")
    with columns[1]:
        test = _path(
            "Test annotations (optional)",
            "test",
            "COCO file of the test images; without it a share is set aside.",
        )
    return {"images": images, "train": train, "test": test}


def _format_title(kind: str) -> str:
    return FORMATS[kind] if kind in FORMATS else plain(label_formats.FORMATS[kind].title)


def _path(label: str, option: str, help_text: str) -> str:
    return st.text_input(
        label, key=f"import-{option}", help=help_text, placeholder="/path/on/this/machine"
    ).strip()


class _Settings(TypedDict, total=False):
    """Fields of a request that all kinds of annotation have."""

    size: int | None
    test_fraction: float | None
    seed: int
    categories: tuple[str, ...] | None
    ignore: str | None
    accept_self_crossing: bool


def _settings(split: bool) -> _Settings:
    settings: _Settings = {}
    with st.expander("Options", icon=":material/tune:"):
        columns = st.columns(3)
        settings["size"] = columns[0].number_input(
            "Size (px)",
            16,
            2048,
            None,
            32,
            key="import-size",
            placeholder="from the data",
            help="Longer side of an image on the working grid; images keep their proportions. Empty: the thinnest common"
            " structure gets enough pixels, from 128 to 256.",
        )
        if split:
            share = columns[1].number_input(
                "Test share",
                0.0,
                0.9,
                0.25,
                0.05,
                key="import-share",
                help="Share of the images set aside to measure.",
            )
            settings["test_fraction"] = None if share == Options.test_fraction else share
        settings["seed"] = columns[2].number_input(
            "Seed", 0, None, 0, key="import-seed", help="Of that choice."
        )
        names = st.text_input(
            "Categories", key="import-categories", help="Which to import, in this order: a,b. Empty: all."
        )
        if names.strip():
            settings["categories"] = tuple(split_list(names))
        ignore = st.text_input(
            "Ignore category",
            key="import-ignore",
            help="A category that marks pixels about which the annotation says nothing: no training and no metric sees"
            " them.",
        )
        settings["ignore"] = ignore.strip() or None
        settings["accept_self_crossing"] = st.checkbox(
            "Accept outlines that cross themselves",
            key="import-crossing",
            help="Fill them as pycocotools does, with a warning.",
        )
    return settings


def _import(request: ImportRequest, paths: dict[str, str], report: Report) -> Dataset:
    missing = [option for option, path in paths.items() if not path and option != "test"]
    if missing:
        raise LvcnetError(f"nothing given for {', '.join(missing)}: fill in the path")
    return request.allowed(readable).run(report)
