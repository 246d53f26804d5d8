"""The words of the lab: two sentences each at most, the equation where there is one, and the page that uses it.

Maps are explained by `lab.inspection.explain`, metrics by `METRICS`, levels are explained by `levels_in_words`; what is
said here is only what these do not say. Symbols of the metrics: P predicted and R reference mask, dP their outlines,
d(p, dR) the distance of a pixel from an outline.
"""

from dataclasses import dataclass

from lab.inspection.explain import explain
from lvcnet.masks.metrics import METRICS
from lvcnet.models.maps import MAP_TITLES
from lvcnet.noise.levels import levels_in_words


@dataclass(frozen=True)
class Term:
    """A word of the lab.

    Attributes:
        title: as it is written on screen.
        text: two sentences at most.
        equation: LaTeX without dollars; empty if there is none.
        page: key of the page that uses it.
    """

    title: str
    text: str
    page: str
    equation: str = ""


MAPS = (
    *("edges", "response", "lvc", "attention", "guidance", "offsets", "gate", "warp1"),
    *("trunk", "repaired", "second", "evidence"),
)
"""Maps in the order in which one is made from the other."""
WITH_ALL = {"method": "lvcnet", "options": {"generator": True}}
"""Options change equations; the glossary has those of an LVC-Net with all that has a map."""


def mechanism() -> list[Term]:
    """What LVC-Net computes, in order, and the two ideas of LVC-Net plus."""
    titles = {**MAP_TITLES, "lvc": f"{MAP_TITLES['lvc']} (LVC)", "warp1": "Warp"}
    maps = []
    for name in MAPS:
        what = explain(name, WITH_ALL)
        maps.append(Term(titles[name], what.sentence, "inspect", what.equation))
    return maps


def metrics() -> list[Term]:
    """Every metric of `METRICS`, in the order of all tables."""
    return [Term(metric.title, metric.text, "compare", metric.equation) for metric in METRICS.values()]


def robustness() -> list[Term]:
    """How labels get worse, and what that does to a method."""
    return [
        Term(
            "Noise level",
            "How rough training labels are made on purpose; the strength of the noise is searched until their IoU meets the"
            f" level's target. {levels_in_words()}",
            "noise",
        ),
        Term(
            "Label IoU",
            "How good the labels were that a run learned from: mean foreground IoU with the clean ones, over training"
            " images.",
            "compare",
            r"q = \frac{1}{N} \sum_{n} \mathrm{IoU}(\text{label}_n, \text{clean}_n)",
        ),
        Term(
            "Label recovery",
            "Label IoU again, with a run's predictions in place of the labels it learned from. Above the label IoU, the"
            " network repairs its own training labels.",
            "compare",
        ),
        Term(
            "Retention",
            "What is left of a score at noise level k: as a share of the method's own score at level 1, or of U-Net's with"
            " clean labels.",
            "compare",
            r"\frac{s_k}{s_1} \quad\text{or}\quad \frac{s_k}{s_\text{U-Net, clean}}",
        ),
        Term(
            "Best minus last epoch",
            "How much foreground IoU on clean labels a run lost after its best epoch, because it went on to memorise the"
            " noise. It chooses nothing: clean labels are only watched.",
            "compare",
            r"\max_e s_e - s_E",
        ),
    ]


def training() -> list[Term]:
    """How long and how a network trains."""
    return [
        Term(
            "Traits",
            "What is measured of the training images and their labels: how many images show a category, its area, its"
            " thickness, its parts. Test images are never looked at.",
            "data",
        ),
        Term(
            "Training plan",
            "Steps, batch, loss, size and augmentation as they follow from the traits, each with its reason. It is the same"
            " for every method and device, and every choice can be overridden.",
            "train",
        ),
        Term(
            "Epoch",
            "What lies between two points of a learning curve. It is one pass over the training images, or as many steps as"
            " `epoch_steps` says where a training is as long as its `steps`.",
            "runs",
        ),
        Term(
            "Cross-entropy + Dice",
            "The loss of the training plan, the same in every method. Dice counts a category by how much of it is found, so"
            " that a small structure weighs as much as a large one.",
            "train",
            r"\mathrm{CE} + 1 - \frac{2 \sum \min(p, t)}{\sum p + \sum t}",
        ),
    ]


SECTIONS = {
    "How LVC-Net works": mechanism,
    "Rough labels and robustness": robustness,
    "Training": training,
    "Metrics": metrics,
}
SYMBOLS = {
    "How LVC-Net works": (
        "$x$ image, $Y$ trunk prediction, $L$ local visual cues, $a$ attention, $e_n$ edges across the boundary, $N(p)$ a"
        " Gaussian window around pixel $p$, $R_j$ the place of pixel $j$, $S_k$ prediction after $k$ warps, $S$ repaired"
        " outline; $w$ and $\\mu$ share and mean brightness of the sides in the window, inside and outside."
    ),
    "Metrics": (
        "$P$ predicted mask, $R$ reference mask, $\\partial P$ and $\\partial R$ their outlines, $\\partial P_\\tau$ what of"
        " $\\partial P$ lies within $\\tau$ of $\\partial R$, $d$ distance in pixels of the working grid. Two empty masks"
        " agree fully; one empty mask scores 0, and its distance is the image's diagonal."
    ),
}
"""What the letters of a section mean."""


def found(terms: list[Term], words: str) -> list[Term]:
    """Terms whose title or text holds all `words`, in any case.

    >>> [term.title for term in found(metrics(), "hausdorff")]
    ['HD95 (px)']
    """
    wanted = words.casefold().split()
    return [term for term in terms if all(word in f"{term.title} {term.text}".casefold() for word in wanted)]
