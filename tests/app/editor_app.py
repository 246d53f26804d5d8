"""A page with nothing but the mask editor, which keeps what it is given in `edited.npy` of the workspace."""

import numpy as np
import streamlit as st

from lab.ui.mask_editor import edit_mask
from lvcnet import workspace

HEIGHT, WIDTH = 20, 28
LABEL = np.zeros((HEIGHT, WIDTH), dtype=bool)
LABEL[8:16, 4:12] = True
PROPOSAL = np.zeros((HEIGHT, WIDTH), dtype=bool)
PROPOSAL[2:18, 15:25] = True
PROPOSAL[6:9, 18:21] = False

if __name__ == "__main__":
    image = np.arange(HEIGHT * WIDTH, dtype=np.uint16).reshape(HEIGHT, WIDTH)
    edited = edit_mask(
        (image % 256).astype(np.uint8),
        LABEL,
        key="editor",
        label=LABEL,
        proposal=PROPOSAL,
        title="Radiograph a, bone",
    )
    if edited is not None:
        st.session_state.used = st.session_state.get("used", 0) + 1
        workspace.home().mkdir(parents=True, exist_ok=True)
        np.save(workspace.home() / "edited.npy", edited.mask)
    st.write(f"used {st.session_state.get('used', 0)} times")
