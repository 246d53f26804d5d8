"""An outline that has changed in one place: as it was drawn elsewhere, smooth around what has changed.

Symbols: H, W image size, h, w its frame on the working grid.
"""

from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy import ndimage
from shapely.geometry.base import BaseGeometry

from lvcnet.data.images import mask_to_working_grid
from lvcnet.data.importing.annotated import Shape
from lvcnet.data.outlines.shapes import painted
from lvcnet.data.outlines.smooth import Region, smooth_shapes
from lvcnet.masks.outlines import Outline, Ring, trace_edges

NEAR = (3, 6, 12)
"""Pixels of the working grid around what has changed that are drawn anew; more where a pixel tips over at the seam."""
MOST_CHANGED = 0.5
"""Share of the outline: of one that has changed further, nothing is left to be kept."""
SLIVER = 0.25
"""Smaller parts and holes, in pixels of the working grid, come of the two outlines' being a little apart at the seam."""
MOST_RINGS = 200
"""Of the drawn shapes; more of them are drawn anew, which takes less time."""


def spliced(before: Sequence[Shape], mask: NDArray[np.bool_], height: int, width: int) -> list[Shape]:
    """Shapes at the size of the image that `mask_to_working_grid` takes back to a mask, like `smooth_shapes`.

    Args:
        before: what was drawn, of which the mask is the present state.
        mask: (h, w) bool.
        height: H.
        width: W.
    """
    smooth = smooth_shapes(mask, height, width)
    if not before or not smooth or (height <= mask.shape[0] and width <= mask.shape[1]):
        return smooth
    differs = mask_to_working_grid(painted(before, height, width), mask.shape) != mask
    edge = mask & ~ndimage.binary_erosion(mask)
    drawn, anew = _rings(before, height, width), _rings(smooth, height, width)
    scale = np.array([width / mask.shape[1], height / mask.shape[0]])
    for reach in NEAR:
        near = ndimage.binary_dilation(differs, iterations=reach)
        if near[edge].mean() > MOST_CHANGED or len(drawn) > MOST_RINGS:
            break
        around = [Ring(ring.points * scale, ring.hole) for ring in trace_edges(near)]
        try:
            shapes = _shapes(_joined(drawn, anew, around), SLIVER * float(scale.prod()))
        except shapely.GEOSException:  # of outlines that no geometry can be made of
            break
        if (mask_to_working_grid(painted(shapes, height, width), mask.shape) == mask).all():
            return shapes
    return smooth


def _rings(shapes: Sequence[Shape], height: int, width: int) -> list[Ring]:
    """The rings of shapes, in an order to paint them in; of what has none, along its pixel edges."""
    outlines = [Ring(points) for shape in shapes if isinstance(shape, Outline) for points in shape.rings]
    regions = [ring for shape in shapes if isinstance(shape, Region) for ring in shape.rings]
    rest = [shape for shape in shapes if not isinstance(shape, Outline | Region)]
    return [*(trace_edges(painted(rest, height, width)) if rest else []), *regions, *outlines]


def _joined(drawn: Sequence[Ring], smooth: Sequence[Ring], around: Sequence[Ring]) -> BaseGeometry:
    """The smooth outline inside `around`, the drawn one, to the last digit, elsewhere."""
    place = _united(around)
    kept = shapely.difference(_united(drawn), place)
    anew = shapely.intersection(_united(smooth), place)
    return shapely.union(kept, anew)


def _united(rings: Sequence[Ring]) -> BaseGeometry:
    """What rings enclose; those that cross themselves by the even-odd rule, as they are painted."""
    whole: BaseGeometry = shapely.MultiPolygon()
    for ring in rings:
        part = shapely.make_valid(shapely.Polygon(ring.points))
        whole = shapely.difference(whole, part) if ring.hole else shapely.union(whole, part)
    return whole


def _shapes(whole: BaseGeometry, least: float) -> list[Shape]:
    """A shape for each polygon, without parts and holes of less area than `least`."""
    shapes: list[Shape] = []
    for polygon in shapely.get_parts(whole):
        if not isinstance(polygon, shapely.Polygon) or polygon.area < least:
            continue
        outer = np.array(polygon.exterior.coords[:-1])
        holes = [np.array(one.coords[:-1]) for one in polygon.interiors if shapely.Polygon(one).area >= least]
        if holes:
            shapes.append(Region([Ring(outer), *(Ring(points, hole=True) for points in holes)]))
        else:
            shapes.append(Outline([outer]))
    return shapes
