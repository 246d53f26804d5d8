"""The networks on their own, as plain modules of torch, for use outside of a training of this project.

Each takes (B, 1, H, W) in [0, 1] and gives back an object with `logits` (B, C, H, W).

>>> import torch
>>> UNet(categories=2, widths=(4, 8, 16))(torch.zeros(1, 1, 32, 32)).logits.shape
torch.Size([1, 2, 32, 32])
"""

from lvcnet.models.fcn import FCN
from lvcnet.models.lvcnet import LVCNet, LVCNetPlus
from lvcnet.models.r2unet import R2UNet
from lvcnet.models.segnet import SegNet
from lvcnet.models.unet import UNet

__all__ = ["FCN", "LVCNet", "LVCNetPlus", "R2UNet", "SegNet", "UNet"]
