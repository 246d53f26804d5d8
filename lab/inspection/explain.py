"""What each map of a network shows: one sentence, its equation, its unit.

Symbols as in the paper: x image, y_s initial edges, Y trunk prediction, L local visual cues, a attention, V_g guidance,
V_s offsets, S_k prediction after k warps, S the repaired one, T_0 what the second head of LVC-Net plus says is there,
E region evidence, T the two together, p a pixel, N(p) a Gaussian window around it.
"""

from dataclasses import dataclass
from typing import Any

from lvcnet.errors import LvcnetError
from lvcnet.methods import METHODS
from lvcnet.methods.lvcnet import LVCNetOptions
from lvcnet.methods.lvcnet_plus import LVCNetPlusOptions
from lvcnet.methods.paper.method import PaperOptions


@dataclass(frozen=True)
class Explanation:
    """A map in words.

    Attributes:
        sentence: what it shows, for someone who has not read the paper.
        equation: LaTeX without dollars; empty if there is none.
        unit: at the colour bar; px for lengths of vectors, else a fraction.
    """

    sentence: str
    equation: str = ""
    unit: str = ""


EXPLANATIONS: dict[str, Explanation] = {
    "edges": Explanation(
        "How steeply the image's brightness changes here, before any learning; 1 is a full edge.",
        r"y_s = \min\!\left(1,\ \frac{|\nabla(G_{0.8} * x)|}{q_{98}}\right)",
    ),
    "response": Explanation(
        "The LVC generator's own answer, from the trunk's features: where an outline of this class is likely.",
        r"g(p) = \sigma\bigl(f(\text{features},\ \mathrm{sg}[Y])\bigr)",
    ),
    "lvc": Explanation(
        "Edges that the image itself shows and that belong to this class: what may pull the boundary.",
        r"L(p) \in [0, 1]",
    ),
    "attention": Explanation(
        "How much each pixel counts when the centre of the edge nearby is computed (first warp).",
        r"a = L",
    ),
    "guidance": Explanation(
        "How far a pixel lies from the centre of the edge beside it, pointing away from the edge (first warp).",
        r"V_g(p) = R(p) - \frac{\sum_{j \in N(p)} a_j R_j}{\sum_{j \in N(p)} a_j}",
        "px",
    ),
    "offsets": Explanation(
        "Where each pixel reads the prediction from; reading deeper on its own side moves the boundary onto the edge.",
        r"V_s(p) = \mathrm{cap}\bigl(V_g(p)\bigr)",
        "px",
    ),
    "gate": Explanation(
        "How far the move is trusted: 1 moves fully, 0 stays, for want of an edge in sight (first warp).",
        r"\frac{m}{m + \varepsilon},\quad m = \sum_{j \in N(p)} a_j",
    ),
    "trunk": Explanation(
        "What the trunk, the network without cues, predicts before any boundary is moved.", r"Y = \sigma(z)"
    ),
    "repaired": Explanation(
        "The moved outline, weighed by which side each pixel looks like: what LVC-Net plus learns instead of the label.",
        r"S = \sigma\Bigl(\mathrm{logit}\,S_K + 4 w_i w_o\,\frac{(\mu_i - \mu_o)(x - \frac{\mu_i + \mu_o}{2})}{s^2}\Bigr)",
    ),
    "second": Explanation(
        "What the second head says is there. It learned the repaired outlines, which always start from the first head,"
        " so errors cannot feed themselves.",
        r"T_0 = \sigma(z_2)",
    ),
    "evidence": Explanation(
        "Which side of the boundary a pixel looks like: the log-likelihood ratio E of the brightness inside against outside"
        " in a window around it, squashed; above 0.5 speaks for the object, 0.5 says nothing.",
        r"\sigma(E),\quad E = 4 w_i w_o\,\frac{(\mu_i - \mu_o)(x - \frac{\mu_i + \mu_o}{2})}{s^2}",
    ),
    "prediction": Explanation("The final answer: the probability that a pixel belongs to the object.", r"S"),
}
ORIENTED = Explanation(
    "How much each pixel counts when the centre of the edge nearby is computed (first warp): edges e_n across the"
    " boundary, weighed by whether this class is brighter or darker than what lies outside.",
    r"a = w_{+}\,[e_n]_{+}^2 + w_{-}\,[e_n]_{-}^2",
)
"""Without a generator."""
OF_PLUS: dict[str, Explanation] = {
    "trunk": Explanation(
        "What the first head, which only ever sees the labels, expects annotators to draw; the move starts here.",
        r"Y = \sigma(z)",
    ),
    "prediction": Explanation(
        "The final answer: what the second head, which learned from repaired outlines, says is there, weighed by which"
        " side each pixel looks like.",
        r"T = \sigma(\mathrm{logit}\,T_0 + E)",
    ),
}
"""What LVC-Net plus says otherwise."""
AS_PRINTED: dict[str, Explanation] = {
    "attention": Explanation(EXPLANATIONS["attention"].sentence, r"a = Y\,L"),
    "offsets": Explanation(
        EXPLANATIONS["offsets"].sentence,
        r"V_s = h(\text{features}, Y, L),\quad \lVert V_g - V_s \rVert^2 \to \min",
        "px",
    ),
}
"""What the printed method says otherwise."""


def explain(name: str, config: dict[str, Any] | None = None) -> Explanation:
    """A map by its name; the options of the run's method decide what its equation is.

    >>> explain("warp2").equation
    'S_{2}(p) = S_{1}(p + V_s(p))'
    >>> print(explain("attention", {"method": "lvcnet-paper"}).equation)
    a = Y\\,L
    >>> explain("something new").unit
    ''
    """
    if name.startswith("warp") and name[4:].isdigit():
        number = int(name[4:])
        before = "Y" if number == 1 else f"S_{{{number - 1}}}"
        return Explanation(
            f"The prediction after {number} {'resampling' if number == 1 else 'resamplings'} at the offset positions.",
            f"S_{{{number}}}(p) = {before}(p + V_s(p))",
        )
    found = EXPLANATIONS.get(name, Explanation("A map of this method."))
    if config is None:
        return found
    return _as_configured(name, found, config)


def _as_configured(name: str, found: Explanation, config: dict[str, Any]) -> Explanation:
    spec = METHODS.get(config.get("method", ""))
    if spec is None:
        return found
    try:
        options = spec.read_options(config.get("options") or {})
    except LvcnetError:  # another version's options
        return found
    if isinstance(options, PaperOptions):
        return AS_PRINTED.get(name, found)
    if isinstance(options, LVCNetPlusOptions) and name in OF_PLUS:
        return OF_PLUS[name]
    if isinstance(options, LVCNetOptions):
        if name == "lvc":
            return Explanation(found.sentence, r"L = g\, y_s" if options.generator else "L = y_s")
        if name == "attention" and options.polarity:
            oriented = r"a = g\,\bigl(w_{+}\,[e_n]_{+}^2 + w_{-}\,[e_n]_{-}^2\bigr)"
            return Explanation(ORIENTED.sentence, oriented) if options.generator else ORIENTED
    return found
