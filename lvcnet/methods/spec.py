"""MethodSpec: what a method is called, which settings it has, what it needs of a network, and how it is made."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict, ValidationError
from torch import nn

from lvcnet.errors import LvcnetError
from lvcnet.methods.base import Method
from lvcnet.methods.learner import Optimisation
from lvcnet.models import NETWORKS, create_network
from lvcnet.trained import NETWORK


@dataclass(frozen=True)
class Trunk:
    """The network that a method trains: C categories, channels of the first stage, poolings, building block, name."""

    categories: int
    width: int = 16
    depth: int = 4
    block: str = "plain"
    network: str = NETWORK

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels a stage, finest first."""
        return NETWORKS.find(self.network).widths(self.width, self.depth)

    def create(self) -> nn.Module:
        """The network, (B, 1, H, W) -> `TrunkOutput`, with fresh weights from torch's current seed."""
        return create_network(self.network, self.categories, self.width, self.depth, self.block)


class NoOptions(BaseModel):
    """Of a method without settings of its own."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True)
class MethodSpec:
    """A method to choose by name.

    Attributes:
        name: what the command line calls it.
        title: what tables and pages call it; a method named after a network has the title of the network it trains.
        summary: one line for people.
        build: (options, trunk, optimisation, device) -> the method, with fresh weights.
        options: its own settings as a pydantic model; those with a description have a widget on the train page.
        own_network: whether it trains a network of its own, so that the setting `network` does not apply.
        features: whether it reads encoder stages and decoded features, which not every network offers.
        cues: whether it shows local visual cues and how they move an outline.
        colour: hex colour in figures; None leaves it to the lab.
        gone: settings it once had, by name, and what to do instead.
    """

    name: str
    title: str
    summary: str
    build: Callable[[Any, Trunk, Optimisation, torch.device], Method]
    options: type[BaseModel] = NoOptions
    own_network: bool = False
    features: bool = False
    cues: bool = False
    colour: str | None = None
    gone: Mapping[str, str] = field(default_factory=dict)

    def read_options(self, given: dict[str, Any]) -> BaseModel:
        """The settings that were given, and defaults.

        Raises:
            LvcnetError: naming every option that is unknown, out of range or gone.
        """
        for name in self.gone.keys() & given.keys():
            raise LvcnetError(
                f"options.{name} is gone from {self.name}: {self.gone[name]}. A run that was trained with it keeps its"
                " results, but can neither predict nor go on"
            )
        known = ", ".join(self.options.model_fields)
        if given and not known:
            raise LvcnetError(
                f"method {self.name!r} has no options, but {', '.join(given)} was given: remove it"
            )
        try:
            return self.options.model_validate(given)
        except ValidationError as error:
            problems = [
                f"{'.'.join(map(str, ('options', *item['loc'])))}: {item['msg']}" for item in error.errors()
            ]
            raise LvcnetError(f"{'; '.join(problems)} (options of {self.name}: {known})") from None

    def create(
        self, trunk: Trunk, options: dict[str, Any], optimisation: Optimisation, device: torch.device
    ) -> Method:
        """The method on the network that `trunk` describes.

        Raises:
            LvcnetError: for an unknown option or block, and for a network that this method cannot train.
        """
        if not self.trains(trunk.network):
            able = ", ".join(name for name in NETWORKS if self.trains(name))
            needs = (
                "trains a network of its own"
                if self.own_network
                else "needs a network that offers encoder stages and decoded features"
            )
            raise LvcnetError(
                f"method {self.name!r} {needs}, not {trunk.network!r}: leave out network={trunk.network}, or choose one of"
                f" {able}"
            )
        return self.build(self.read_options(options), trunk, optimisation, device)

    def trains(self, network: str) -> bool:
        """Whether the setting `network` may have this value.

        Raises:
            LvcnetError: if there is no such network.
        """
        if self.own_network:
            return network == NETWORK
        return NETWORKS.find(network).features or not self.features
