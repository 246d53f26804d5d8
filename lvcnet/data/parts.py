"""Connected parts of a mask, labelled in blocks of rows: an image of 100 million pixels needs a byte for each.

`scipy.ndimage.label` takes four, besides the mask. Diagonal neighbours belong together; parts are numbered from 1 in the
order in which their first pixels come, row after row.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from lvcnet.data.radiograph import row_blocks

Mask = NDArray[np.bool_]
EIGHT_CONNECTED = np.ones((3, 3), dtype=int)


def count_parts(mask: Mask) -> int:
    """How many parts a (H, W) mask has.

    >>> count_parts(np.array([[1, 0, 0, 1], [0, 1, 0, 1]], bool))
    2
    """
    return int(_numbers(mask).max())


def parts(mask: Mask) -> Iterator[tuple[slice, slice, Mask]]:
    """Rows and columns of the box around every part of a (H, W) mask, and which pixels in there belong to it.

    >>> [(rows.start, columns.start, part.tolist()) for rows, columns, part in parts(np.eye(2, dtype=bool))]
    [(0, 0, [[True, False], [False, True]])]
    """
    if count_parts(mask) == 1:  # then there is no need of labels
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        box = slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
        yield *box, mask[box]
        return
    labels = label_parts(mask)
    for number, (rows, columns) in enumerate(ndimage.find_objects(labels), start=1):
        yield rows, columns, labels[rows, columns] == number


def label_parts(mask: Mask) -> NDArray[np.unsignedinteger]:
    """(H, W): the number of the part that each pixel belongs to, 0 outside, in as few bytes as it can be."""
    numbers = _numbers(mask)
    numbers = numbers.astype(np.min_scalar_type(int(numbers.max())))
    labels = np.empty(mask.shape, dtype=numbers.dtype)
    before = 0
    for rows in row_blocks(*mask.shape):
        found, count = ndimage.label(mask[rows], structure=EIGHT_CONNECTED)
        # 0 stays 0, the others count on from the blocks before
        labels[rows] = numbers[np.concatenate([[0], np.arange(before + 1, before + count + 1)])][found]
        before += count
    return labels


def _numbers(mask: Mask) -> NDArray[np.signedinteger]:
    """For the parts of the blocks, counted from 1 through all of them, the number of the whole part; of 0 it is 0."""
    last = np.zeros(mask.shape[1], dtype=np.int64)
    links = [np.zeros((2, 0), dtype=np.int64)]
    total = 0
    for rows in row_blocks(*mask.shape):
        found, count = ndimage.label(mask[rows], structure=EIGHT_CONNECTED)
        first = np.where(found[0] > 0, found[0] + total, 0)
        for above, below in ((last, first), (last[1:], first[:-1]), (last[:-1], first[1:])):
            links.append(np.stack([above, below])[:, (above > 0) & (below > 0)])
        last = np.where(found[-1] > 0, found[-1] + total, 0)
        total += count
    one, two = np.concatenate(links, axis=1)
    graph = coo_array((np.ones(len(one)), (one, two)), shape=(total + 1, total + 1))
    return np.asarray(connected_components(graph, directed=False)[1])
