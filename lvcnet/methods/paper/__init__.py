"""LVC-Net as printed: Y. Shu, X. Wu, W. Li, "LVC-Net", 2019, equation by equation, as a method of its own: lvcnet-paper.

    network.py   trunk, generator and learned offsets: Eq. 2 to 4 and 6
    losses.py    Eq. 1, 5 and 7, as printed and as they must be read
    method.py    how these are trained: alternately, as the paper has it, jointly or successively

Only what diverges as printed is repaired:
    1. Eq. 1 gets its missing minus sign (as printed it is maximised by a constant output).
    2. Eq. 3 is divided by the mass of the window (`options.normalised=false` brings the printed form back).
    3. Eq. 4 is damped where the window holds no mass at all (0 / 0).
    4. Eq. 7's edge term keeps the half that is bounded below.
    5. V_s is capped at `step` pixels.

What ships is `lvcnet.methods.lvcnet` and `lvcnet.methods.lvcnet_plus`; they share with this room the generator, the cues
and the warp.
"""

from lvcnet.methods.paper.method import LVCNET_PAPER

__all__ = ["LVCNET_PAPER"]
