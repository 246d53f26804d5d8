"""A page with nothing but the viewer of a panoramic image, four times as wide as it is high."""

import numpy as np

from lab.ui.viewer import Panel, Values, area, show_viewer, viewer_data

HEIGHT, WIDTH = 16, 64
MASK = np.zeros((HEIGHT, WIDTH), dtype=bool)
MASK[12:16, 56:64] = True

if __name__ == "__main__":
    image = np.arange(HEIGHT * WIDTH).reshape(HEIGHT, WIDTH) // 4
    panel = Panel("Panoramic", "", "A ramp with a corner", [area(MASK, "#0082C8")])
    values = [Values("label", ("corner",), "mask", MASK[None])]
    show_viewer(viewer_data(image.astype(np.uint8), [panel], values, "ramp", focus=(60.0, 14.0)), "viewer")
