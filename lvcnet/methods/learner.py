"""Learner: one network with its optimiser, its moving average and its precision. Methods are made of these."""

import copy
import math
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

FINAL_RATE = 0.01
"""A cosine schedule ends at this fraction of the initial learning rate."""


@dataclass(frozen=True)
class Optimisation:
    """How a network learns, whatever the method.

    Attributes:
        optimizer: adam (AdamW) or sgd (momentum 0.9).
        learning_rate: initial rate.
        schedule: cosine or constant.
        weight_decay: decoupled for adam.
        ema: decay of the moving average that predicts; 0 predicts with the network itself.
        precision: auto, fp32 or bf16.
        loss: of logits with labels: ce or ce+dice.
    """

    optimizer: str = "adam"
    learning_rate: float = 2e-3
    schedule: str = "cosine"
    weight_decay: float = 1e-4
    ema: float = 0.99
    precision: str = "auto"
    loss: str = "ce"


def create_optimizer(config: Optimisation, groups: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    """AdamW, or SGD with momentum 0.9, over `groups`."""
    if config.optimizer == "sgd":
        return torch.optim.SGD(
            groups, lr=config.learning_rate, momentum=0.9, weight_decay=config.weight_decay
        )
    return torch.optim.AdamW(groups, lr=config.learning_rate, weight_decay=config.weight_decay)


def learning_rate(config: Optimisation, progress: float) -> float:
    """The rate at a fraction of training: constant, or a cosine from the initial rate to 1 % of it."""
    if config.schedule == "constant":
        return config.learning_rate
    fall = 0.5 * (1 + math.cos(math.pi * progress))
    return config.learning_rate * (FINAL_RATE + (1 - FINAL_RATE) * fall)


class Learner:
    """A network that learns, and its exponential moving average that predicts.

    Args:
        network: moved to `device`.
        config: optimiser, schedule, moving average, precision.
        device: where it runs.
    """

    def __init__(self, network: nn.Module, config: Optimisation, device: torch.device) -> None:
        self.config = config
        self.device = device
        self.bf16 = config.precision == "bf16" or (config.precision == "auto" and bf16_is_fast(device))
        self.network = network.to(device).to(memory_format=memory_format(device))  # type: ignore[call-overload]
        self.average = copy.deepcopy(self.network).eval().requires_grad_(False) if config.ema > 0 else None
        self.optimizer = create_optimizer(config, self.network.parameters())
        self.updates = 0

    def precision(self) -> AbstractContextManager[object]:
        """Autocast to bf16 where the run asked for it."""
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.bf16)

    def prepare(self, images: Tensor) -> Tensor:
        """Images in the memory layout the network wants."""
        return images.to(device=self.device, memory_format=memory_format(self.device))

    def update(self, loss: Tensor, progress: float, last: bool = True) -> None:
        """One optimiser step on `loss`; after the `last` one of a training step the moving average follows."""
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.config, progress)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        self.updates += last
        if last and self.average is not None:
            self._follow(self.average)

    @torch.no_grad()
    def _follow(self, average: nn.Module) -> None:
        # The short memory at the start keeps the random initial weights out of the average.
        decay = min(self.config.ema, (1 + self.updates) / (10 + self.updates))
        old = [value for value in average.state_dict().values() if value.is_floating_point()]
        new = [value for value in self.network.state_dict().values() if value.is_floating_point()]
        torch._foreach_lerp_(old, new, 1 - decay)

    def predictor(self) -> nn.Module:
        """The network that predicts: the moving average where there is one; in evaluation mode."""
        chosen: nn.Module = self.network if self.average is None else self.average
        return chosen.eval()

    def weights(self) -> dict[str, Tensor]:
        """The predicting network's tensors."""
        return dict(self.predictor().state_dict())

    def load_weights(self, weights: dict[str, Tensor]) -> None:
        """Put `weights` into the network and its average."""
        full = {
            name: value.float() if value.is_floating_point() else value for name, value in weights.items()
        }
        self.network.load_state_dict(full)
        if self.average is not None:
            self.average.load_state_dict(full)

    def state(self, prefix: str = "") -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Network, average and optimiser: tensors by name, and the values that are not tensors."""
        tensors = {f"{prefix}network/{name}": value for name, value in self.network.state_dict().items()}
        if self.average is not None:
            tensors |= {f"{prefix}average/{name}": value for name, value in self.average.state_dict().items()}
        for number, entries in self.optimizer.state_dict()["state"].items():
            for name, value in entries.items():
                if isinstance(value, Tensor):
                    tensors[f"{prefix}optimizer/{number}/{name}"] = value
        return tensors, {"updates": self.updates}

    def load_state(self, tensors: dict[str, Tensor], values: dict[str, Any], prefix: str = "") -> None:
        """Inverse of `state`."""
        self.network.load_state_dict(_under(tensors, f"{prefix}network/"))
        if self.average is not None:
            self.average.load_state_dict(_under(tensors, f"{prefix}average/"))
        moments: dict[int, dict[str, Tensor]] = {}
        for name, value in _under(tensors, f"{prefix}optimizer/").items():
            number, entry = name.split("/")
            moments.setdefault(int(number), {})[entry] = value
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": moments, "param_groups": groups})
        self.updates = int(values["updates"])


def bf16_is_fast(device: torch.device) -> bool:
    """Whether bf16 autocast pays on this device: CPUs with native bf16 instructions, CUDA from Ampere on."""
    if device.type == "cpu":
        return bool(torch.backends.cpu.get_cpu_capability() == "AVX512" and _cpu_has_bf16())
    return device.type == "cuda" and torch.cuda.get_device_capability(device) >= (8, 0)


def memory_format(device: torch.device) -> torch.memory_format:
    """channels_last is faster on CPUs and CUDA; MPS prefers contiguous tensors."""
    return torch.contiguous_format if device.type == "mps" else torch.channels_last


def _cpu_has_bf16() -> bool:
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported()) and torch.cpu._is_avx512_bf16_supported()


def _under(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
