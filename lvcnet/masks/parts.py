"""Connected parts of a mask, labelled in blocks of rows: an image of 100 million pixels needs a byte for each.

`scipy.ndimage.label` takes four, besides the mask. Parts are numbered from 1 in the order in which their first pixels come,
row after row. Annotations are parts of 8 neighbours: what touches at a corner is one. Objects that noise and correction
work on are parts of 4 neighbours (`components`), each of which has one outer contour.
"""

from collections.abc import Iterator
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from lvcnet.masks.blocks import row_blocks

Mask = NDArray[np.bool_]
Neighbours = Literal[4, 8]
EIGHT_CONNECTED = np.ones((3, 3), dtype=int)
FOUR_CONNECTED = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]])


def count_parts(mask: Mask) -> int:
    """How many 8-connected parts a (H, W) mask has.

    >>> count_parts(np.array([[1, 0, 0, 1], [0, 1, 0, 1]], bool))
    2
    """
    return int(_numbers(mask, EIGHT_CONNECTED).max())


def parts(mask: Mask) -> Iterator[tuple[slice, slice, Mask]]:
    """Rows and columns of the box around every 8-connected part of a (H, W) mask, and which pixels in there belong to it.

    >>> [(rows.start, columns.start, part.tolist()) for rows, columns, part in parts(np.eye(2, dtype=bool))]
    [(0, 0, [[True, False], [False, True]])]
    """
    if count_parts(mask) == 1:  # then there is no need of labels
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        box = slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
        yield *box, mask[box]
        return
    labels, _ = label_parts(mask)
    for number, (rows, columns) in enumerate(ndimage.find_objects(labels), start=1):
        yield rows, columns, labels[rows, columns] == number


def components(mask: Mask) -> Iterator[Mask]:
    """The 4-connected objects of a (H, W) mask, each as a (H, W) mask, in scan order.

    >>> [part.astype(int).tolist() for part in components(np.eye(2, dtype=bool))]
    [[[1, 0], [0, 0]], [[0, 0], [0, 1]]]
    """
    labels, count = label_parts(mask, 4)
    for number in range(1, count + 1):
        yield labels == number


def label_parts(mask: Mask, neighbours: Neighbours = 8) -> tuple[NDArray[np.unsignedinteger], int]:
    """(H, W): the number of the part that each pixel belongs to, 0 outside, in as few bytes as it can be; and how many."""
    structure = EIGHT_CONNECTED if neighbours == 8 else FOUR_CONNECTED
    numbers = _numbers(mask, structure)
    count = int(numbers.max())
    numbers = numbers.astype(np.min_scalar_type(count))
    labels = np.empty(mask.shape, dtype=numbers.dtype)
    before = 0
    for rows in row_blocks(*mask.shape):
        found, more = ndimage.label(mask[rows], structure=structure)
        # 0 stays 0, the others count on from the blocks before
        labels[rows] = numbers[np.concatenate([[0], np.arange(before + 1, before + more + 1)])][found]
        before += more
    return labels, count


def _numbers(mask: Mask, structure: NDArray[np.integer]) -> NDArray[np.signedinteger]:
    """For the parts of the blocks, counted from 1 through all of them, the number of the whole part; of 0 it is 0."""
    last = np.zeros(mask.shape[1], dtype=np.int64)
    links = [np.zeros((2, 0), dtype=np.int64)]
    total = 0
    for rows in row_blocks(*mask.shape):
        found, count = ndimage.label(mask[rows], structure=structure)
        first = np.where(found[0] > 0, found[0] + total, 0)
        pairs = [(last, first)]
        if structure[0, 0]:  # corners connect, too
            pairs += [(last[1:], first[:-1]), (last[:-1], first[1:])]
        for above, below in pairs:
            links.append(np.stack([above, below])[:, (above > 0) & (below > 0)])
        last = np.where(found[-1] > 0, found[-1] + total, 0)
        total += count
    one, two = np.concatenate(links, axis=1)
    if not len(one):  # no part goes on from one block to another, least of all where there is one block only
        return np.arange(total + 1)
    # imported here, and not above: only large images need it, and most commands and pages load this module
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(one)), (one, two)), shape=(total + 1, total + 1))
    return np.asarray(connected_components(graph, directed=False)[1])
