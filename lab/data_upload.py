"""The upload field of the data page: what a zip holds is recognised before it is imported."""

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from lvcnet.data.archive import inspect_zip
from lvcnet.data.contents import Contents

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
