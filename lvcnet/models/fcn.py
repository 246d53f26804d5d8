"""FCN-8s (Long et al. 2015) on a light VGG-style encoder."""

import torch.nn.functional as F
from torch import Tensor, nn

from lvcnet.models.blocks import create_encoder
from lvcnet.models.trunk import TrunkOutput, check_size


class FCN(nn.Module):
    """Scores at the three coarsest strides, summed while upsampling; no decoder.

    Args:
        categories: C output channels.
        widths: channels a stage; the score maps have strides 2^(n-2), 2^(n-1) and 2^n for n = len(widths),
            so five widths make FCN-8s.
        block: plain, residual or recurrent.
    """

    def __init__(self, categories: int, widths: tuple[int, ...], block: str = "plain") -> None:
        super().__init__()
        self.widths = widths
        self.encoder = create_encoder(block, widths)
        self.scores = nn.ModuleList(nn.Conv2d(c_in, categories, 1) for c_in in widths[-3:])

    def forward(self, x: Tensor) -> TrunkOutput:
        """(B, 1, H, W) -> logits at full size.

        Raises:
            LvcnetError: if H or W is not a multiple of the coarsest stride.
        """
        check_size(x, 2 ** len(self.widths))
        size = x.shape[-2:]
        stages: list[Tensor] = []
        pooled: list[Tensor] = []
        for stage in self.encoder:
            x = stage(x)
            stages.append(x)
            x = F.max_pool2d(x, 2)
            pooled.append(x)
        fine, middle, coarse = (score(y) for score, y in zip(self.scores, pooled[-3:], strict=True))
        total = middle + _enlarge(coarse, middle.shape[-2:])
        total = fine + _enlarge(total, fine.shape[-2:])
        return TrunkOutput(_enlarge(total, size), stages, stages[0])


def _enlarge(x: Tensor, size: tuple[int, ...]) -> Tensor:
    return F.interpolate(x, size=size, mode="bilinear", align_corners=False)
