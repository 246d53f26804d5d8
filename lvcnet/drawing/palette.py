"""Colours with a fixed meaning, the same in every figure, overlay and table.

Okabe-Ito hues, which stay apart for colour-blind readers; the label colours are mixed a little brighter because
they lie over grey radiographs. All of them keep a contrast of at least 3:1 on white and on the dark theme's ground,
except where a comment says otherwise.
"""

from collections.abc import Sequence

from lvcnet.methods import METHODS

FURTHER_COLOURS = ("#A07800", "#7A6FC0", "#8C8C8C", "#C0504D")
"""For methods without a colour of their own, in the order in which their names sort."""

LABEL_COLOURS: dict[str, str] = {
    "clean": "#009E73",
    "noisy": "#E69F00",  # 2.2:1 on white: drawn over radiographs, which are dark
    "prediction": "#56B4E9",  # 2.3:1 on white: drawn over radiographs
    "missed": "#F0E442",  # only ever an area over a radiograph
    "extra": "#D55E00",
}
DIRECTION_COLOURS = ("#E69F00", "#B05AA0", "#2F8FE0", "#F2F2E6")
"""Right, down, left, up: opposites differ in what colour-blind readers see, orange from blue and light from dark."""
CATEGORY_COLOURS = ("#56B4E9", "#E69F00", "#CC79A7", "#F0E442", "#009E73", "#D55E00")
"""For categories drawn over a radiograph, in order; the first is the colour of a prediction."""
OPINION_COLOURS: dict[str, str] = {
    "first": "#56B4E9",
    "second": "#E69F00",
    "both": "#FFFFFF",
    "undecided": "#999999",
}
"""Of two label sets, over a radiograph; blue and orange differ in hue and brightness for every kind of sight."""
LABEL_TITLES: dict[str, str] = {
    "clean": "Clean label",
    "noisy": "Noisy label",
    "prediction": "Prediction",
    "missed": "Missed",
    "extra": "Extra",
}


def method_colour(method: str) -> str:
    """Hex colour of a method, which its options do not change.

    On another network than the usual one, and where its spec says none, it has a further colour that depends only on its
    name and network.

    >>> method_colour("lvcnet"), method_colour("lvcnet warps=2")
    ('#009E73', '#009E73')
    """
    name, *settings = method.split(" ")
    network = [one for one in settings if one.startswith("network=")]
    spec = METHODS.get(name)
    if spec and spec.colour and not network:
        return spec.colour
    return FURTHER_COLOURS[sum(" ".join([name, *network]).encode()) % len(FURTHER_COLOURS)]


def run_colours(methods: Sequence[str]) -> list[str]:
    """A colour for each of several runs, all different up to eight: its method's, or if another run has that, one
    that no method here has.

    >>> run_colours(["unet", "lvcnet", "unet"])
    ['#0082C8', '#009E73', '#A07800']
    """
    spare = [
        colour
        for colour in (*FURTHER_COLOURS, *map(method_colour, METHODS.own))
        if colour not in map(method_colour, methods)
    ]
    chosen: list[str] = []
    for method in methods:
        colour = method_colour(method)
        chosen.append(colour if colour not in chosen or not spare else spare.pop(0))
    return chosen


def category_colours(count: int) -> list[str]:
    """`count` hex colours for categories, repeating after the sixth."""
    return [CATEGORY_COLOURS[number % len(CATEGORY_COLOURS)] for number in range(count)]


def rgb(colour: str) -> tuple[int, int, int]:
    """A hex colour as three numbers from 0 to 255.

    >>> rgb("#009E73")
    (0, 158, 115)
    """
    digits = colour.lstrip("#")
    return int(digits[0:2], 16), int(digits[2:4], 16), int(digits[4:6], 16)
