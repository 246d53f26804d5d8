"""Maps: what a network says about a batch of images.

Symbols: B images, C categories, H x W pixels.

Every method returns Maps. `prediction` is always there; everything else that a network can show is in `named`,
by the names below, and a method that has no offsets simply has no such entry.
"""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from lvcnet.thresholds import THRESHOLD

MAP_TITLES: dict[str, str] = {
    "edges": "Initial Sobel edges",
    "response": "LVC generator response",
    "lvc": "Local visual cues",
    "attention": "Attention",
    "guidance": "Visual guidance V_g (px)",
    "offsets": "Offsets V_s (px)",
    "gate": "Gate",
    "trunk": "Trunk prediction",
    "repaired": "Repaired outline",
    "second": "Second head",
    "evidence": "Region evidence",
}
"""Names a method may use, in the order of the paper's figure. `warp1` ... `warpK` are the resampled predictions."""


@dataclass
class Maps:
    """A network's view of a batch.

    Attributes:
        prediction: (B, C, H, W) probabilities, the final answer S.
        named: other maps by name; (B, 1 or C, H, W) in [0, 1], vector fields (B, C, 2, H, W) in pixels, (x, y).
    """

    prediction: Tensor
    named: dict[str, Tensor] = field(default_factory=dict)

    def mask(self, threshold: float = THRESHOLD) -> Tensor:
        """(B, C, H, W) bool: probability at or above `threshold`."""
        return self.prediction >= threshold

    def to(self, device: torch.device | str) -> "Maps":
        """The same maps in float32 on `device`."""
        moved = {name: value.float().to(device) for name, value in self.named.items()}
        return Maps(self.prediction.float().to(device), moved)

    def within(self, inside: Tensor) -> "Maps":
        """The same maps with 0 where `inside` (B, 1, H, W) is 0: in the padding nothing is said."""
        inside = inside.to(self.prediction.device)
        named = {
            name: value * (inside if value.dim() == 4 else inside.unsqueeze(2))
            for name, value in self.named.items()
        }
        return Maps(self.prediction * inside, named)

    def cut(self, height: int, width: int) -> "Maps":
        """The same maps of the first rows and columns only."""
        named = {name: value[..., :height, :width] for name, value in self.named.items()}
        return Maps(self.prediction[..., :height, :width], named)

    @staticmethod
    def cat(parts: "list[Maps]") -> "Maps":
        """Maps of several batches as one."""
        names = parts[0].named
        joined = {name: torch.cat([part.named[name] for part in parts]) for name in names}
        return Maps(torch.cat([part.prediction for part in parts]), joined)


def title(name: str) -> str:
    """What a map is called on screen.

    >>> title("warp2")
    'Warp 2'
    """
    if name.startswith("warp"):
        return f"Warp {name.removeprefix('warp')}"
    return MAP_TITLES.get(name, name.replace("_", " ").capitalize())
