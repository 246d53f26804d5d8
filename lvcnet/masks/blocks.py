"""Images in blocks of rows: what works on one block after the other needs little memory of its own."""

from collections.abc import Iterator

BLOCK = 1_000_000
"""Pixels that are worked on at a time."""


def row_blocks(height: int, width: int) -> Iterator[slice]:
    """Rows of an image in slices of about a million pixels: what works on them needs little memory of its own.

    >>> list(row_blocks(5, 500_000))
    [slice(0, 2, None), slice(2, 4, None), slice(4, 6, None)]
    """
    step = max(1, BLOCK // max(1, width))
    return (slice(top, top + step) for top in range(0, height, step))


def blocks_with_margin(height: int, width: int, margin: int) -> Iterator[tuple[slice, slice, slice]]:
    """`row_blocks` for work that looks at neighbours: (rows, rows with a margin inside the image, the rows among those).

    >>> list(blocks_with_margin(5, 500_000, 1))[1]
    (slice(2, 4, None), slice(1, 5, None), slice(1, 3, None))
    """
    for rows in row_blocks(height, width):
        top, stop = max(0, rows.start - margin), min(rows.stop, height)
        yield rows, slice(top, stop + margin), slice(rows.start - top, stop - top)
