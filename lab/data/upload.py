"""The upload field of the data page: what a zip holds is recognised before it is imported."""

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from lab.ui.background import Task, background_work
from lab.ui.escaping import plain
from lab.ui.widgets import show_table
from lvcnet.data.importing.archive import inspect_zip
from lvcnet.data.importing.contents import Contents

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
        contents = _recognised(chosen)
        if contents is not None:
            _show_contents(contents)
    else:
        st.caption(
            "COCO: `train` and `test` in the files' names tell the splits, other words annotators. Labelme: JSON files"
            " beside the images. Masks: folders `images` and `masks`. A test share is set aside where the zip tells none."
        )
    return chosen


def _recognised(chosen: UploadedFile) -> Contents | None:
    """What is in the upload, unpacked once and not with every change of a widget; None until that is done."""
    known, contents = st.session_state.get(RECOGNISED, (None, None))
    if known != chosen.file_id:
        contents = background_work(
            f"look-{chosen.file_id}",
            "Looking into the zip",
            lambda task: _look(task, chosen),
            nothing_done="remove the zip and choose it again to look into it",
            about=chosen.file_id,
        )
        if contents is not None:
            st.session_state[RECOGNISED] = (chosen.file_id, contents)
    found: Contents | None = contents
    return found


def _look(task: Task, chosen: UploadedFile) -> Contents:
    chosen.seek(0)
    return inspect_zip(chosen, task.stage("Looking into the zip, files"))


def _show_contents(found: Contents) -> None:
    st.markdown(f"**Recognised: {KINDS[found.kind]}**")
    show_table(found.rows)
    for warning in found.warnings:
        st.warning(plain(warning), icon=":material/warning:")
