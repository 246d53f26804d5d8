"""Trained alike: which settings and data that decide an outcome differ between two runs.

Figures of runs that differ in one of them may differ because of that: they are neither paired nor pooled.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from lvcnet.data.dataset import Dataset, labels_digest
from lvcnet.data.summary import coverage
from lvcnet.errors import DamagedError
from lvcnet.training.config import LENGTHS, TrainConfig

Config = Mapping[str, Any]
"""A run's config.json."""

MAY_DIFFER = {"dataset", "labels", "method", "network", "options", "seed", "device", "threads"}
MAY_DIFFER |= {"validate_every", "snapshot_every", "snapshot_images"}
"""What a comparison is about (a method with another
network or other options is another method), and what changes nothing that is compared."""
COVERAGE = "training images"
"""What `differing` calls a difference in how many, or in which, training images the label sets cover."""
MEANT: dict[str, Any] = {"loss": "ce", "jitter": 1.0}
"""Settings that older runs do not name, and what they were trained with."""
OF_THE_DATA = {"fingerprint": "images or clean labels", "size": "size", "categories": "categories"}


def differing(one: Config, other: Config) -> dict[str, tuple[Any, Any]]:
    """What decides the outcome and is not the same, by name: the value of `one`, the value of `other`.

    Settings, the data, the training images that their label sets cover, and, if both name the same label set, what was in
    it. What only one of them recorded says nothing.

    >>> config = {"labels": "level3", "epochs": 20, "data": {"size": 128}}
    >>> differing({**config, "epochs": 3}, config)
    {'epochs': (3, 20)}
    >>> differing({**config, "epochs": None, "steps": 400, "loss": "ce"}, config)
    {'length': ('400 steps', '20 epochs')}
    """
    pairs = {
        name: (one.get(name, MEANT.get(name)), other.get(name, MEANT.get(name)))
        for name in TrainConfig.model_fields
        if name not in MAY_DIFFER
    }
    counted = [
        next((f"{config[name]} {name}" for name in LENGTHS if config.get(name)), None)
        for config in (one, other)
    ]
    if bool(one.get("steps")) != bool(other.get("steps")):
        pairs["length"] = (counted[0], counted[1])
    data, others = one.get("data") or {}, other.get("data") or {}
    pairs |= {title: (data.get(name), others.get(name)) for name, title in OF_THE_DATA.items()}
    found = {name: pair for name, pair in pairs.items() if None not in pair and pair[0] != pair[1]}
    if None not in (pair := (data.get("images_digest"), others.get("images_digest"))) and pair[0] != pair[1]:
        counts = data["images"], others["images"]
        found[COVERAGE] = counts if counts[0] != counts[1] else (f"some {counts[0]}", "others")
    if one.get("labels") == other.get("labels") and not same_labels(one, other):
        found[f"label set {one.get('labels')}"] = ("as it was then", "as it was made again")
    return found


def same_labels(one: Config, other: Config) -> bool:
    """Whether two runs learned from label sets of the same content: by its digest, in older runs by its manifest."""
    data, others = one.get("data") or {}, other.get("data") or {}
    if data.get("labels_digest") and others.get("labels_digest"):
        return bool(data["labels_digest"] == others["labels_digest"])
    return (data.get("labels") or {}) == (others.get("labels") or {})


def labels_now(dataset: Dataset, name: str) -> dict[str, Any]:
    """A label set as a run that starts now would record it; to be given to `same_labels`."""
    labels = dataset.labels(name)
    return {"labels": name, "data": {"labels": labels.manifest, "labels_digest": labels_digest(labels)}}


def with_coverage(configs: Mapping[str, Config], dataset: Dataset | None) -> dict[str, Config]:
    """Configurations by run, with the `coverage` that older runs did not record, where their label sets are still as then.

    Args:
        configs: of runs on one data set.
        dataset: it; None if it is gone.
    """
    found = dict(configs)
    known: dict[str, tuple[Config, Config]] = {}
    for name, config in configs.items():
        labels, data = config["labels"], config.get("data") or {}
        if dataset is None or "images" in data or labels not in dataset.label_names():
            continue
        with suppress(DamagedError):  # what is damaged says nothing
            known[labels] = known.get(labels) or (labels_now(dataset, labels), coverage(dataset, labels))
            now, images = known[labels]
            if same_labels(config, now):
                found[name] = {**config, "data": {**data, **images}}
    return found


def in_words(differences: Mapping[str, tuple[Any, Any]]) -> str:
    """What differs, as part of a sentence.

    >>> in_words({"epochs": (3, 20), "augment": (False, True)})
    'epochs 3 instead of 20, augment False instead of True'
    """
    return ", ".join(f"{name} {one} instead of {other}" for name, (one, other) in differences.items())
