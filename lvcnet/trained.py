"""What a run trains: its method, its network where it is not the usual one, and for how many epochs."""

from collections.abc import Mapping
from typing import Any

METHOD = "lvcnet-plus"
"""How it learns unless another method is named: in commands, forms and `import lvcnet as lv` alike."""
PRESET = "auto"
"""What its settings start from unless another preset, a run or nothing but a file is named: the training plan."""
CLEAN = "clean"
"""The label set that counts as truth, and that is learned from unless another is named."""
NETWORK = "unet"
"""What is trained unless another network is named, and what every run of before there was a choice trained."""


def network_of(config: Mapping[str, Any]) -> str:
    """The network that a run's config.json names, or means where it is older than the choice."""
    return str(config.get("network") or NETWORK)


def epochs_of(config: Mapping[str, Any]) -> int:
    """Epochs that a run's config.json asks for: passes over the images, or stretches of `epoch_steps` steps.

    >>> epochs_of({"epochs": 20}), epochs_of({"epochs": None, "steps": 420, "epoch_steps": 50}), epochs_of({})
    (20, 9, 0)
    """
    if steps := config.get("steps"):
        return -(-int(steps) // int(config["epoch_steps"]))
    return int(config.get("epochs") or 0)


def trained(config: Mapping[str, Any]) -> str:
    """The method of a run's config.json, with its network if that is not the usual one.

    >>> trained({"method": "lvcnet"}), trained({"method": "lvcnet", "network": "segnet"})
    ('lvcnet', 'lvcnet network=segnet')
    """
    network = network_of(config)
    return config["method"] if network == NETWORK else f"{config['method']} network={network}"
