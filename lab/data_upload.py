"""The upload form of the data page: a zip is recognised first, then checked as a whole, then imported."""

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from lab.widgets import progress_bar
from lvcnet import workspace
from lvcnet.data.archive import import_zip, inspect_zip
from lvcnet.data.contents import Contents
from lvcnet.data.dataset import Dataset, check_free
from lvcnet.data.importer import Settings
from lvcnet.errors import LvcnetError
from lvcnet.files import check_name

RECOGNISED = "recognised-zip"
KINDS = {"coco": "COCO annotations", "labelme": "Labelme annotations", "masks": "Mask images"}


def upload() -> UploadedFile | None:
    """The file chooser and, once there is a zip, what was recognised in it.

    Raises:
        LvcnetError: if it cannot be unpacked or holds nothing that can be recognised.
    """
    chosen = st.file_uploader(
        "Zip file",
        type="zip",
        key="import-zip",
        help="Images with COCO JSON files, Labelme JSON files beside the images, or folders images and masks.",
    )
    if chosen is not None:
        _show_contents(_recognised(chosen))
    else:
        st.caption(
            "COCO: `train` and `test` in the files' names tell the splits, other words annotators. Labelme: JSON files"
            " beside the images. Masks: folders `images` and `masks`. A test share is set aside where the zip tells none."
        )
    return chosen


def import_upload(name: str, chosen: UploadedFile | None, settings: Settings) -> Dataset:
    """Check and import an uploaded zip.

    Raises:
        LvcnetError: lists all problems at once.
    """
    if chosen is None:
        raise LvcnetError("nothing was uploaded: choose a zip file")
    check_free(workspace.datasets_dir() / check_name(name, "data set"))
    with progress_bar("Importing") as report:
        chosen.seek(0)
        return import_zip(name, chosen, report, **settings)


def _recognised(chosen: UploadedFile) -> Contents:
    """What is in the upload; unpacked once, not with every change of a widget."""
    known = st.session_state.get(RECOGNISED)
    if known is None or known[0] != chosen.file_id:
        with st.spinner("Looking into the zip"):
            chosen.seek(0)
            known = (chosen.file_id, inspect_zip(chosen))
        st.session_state[RECOGNISED] = known
    contents: Contents = known[1]
    return contents


def _show_contents(found: Contents) -> None:
    st.markdown(f"**Recognised: {KINDS[found.kind]}**")
    st.table(found.rows, hide_index=True)
    for warning in found.warnings:
        st.warning(str(warning), icon=":material/warning:")
