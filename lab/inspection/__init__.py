"""The inspect page: what a network saw in one image, and where it moved the boundary."""
