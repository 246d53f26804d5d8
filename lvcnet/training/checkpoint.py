"""Checkpoints: tensors as safetensors, everything else as JSON beside them; nothing is ever unpickled.

checkpoints/last.safetensors      weights that predict
checkpoints/last.json             format, epoch, values
checkpoints/last.state.safetensors  what a resumed training needs: networks, averages, optimisers
checkpoints/best.safetensors, best.json   the epoch with the best score on held-out noisy labels

The header of each safetensors file holds a checksum of its tensors; files of before have none.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

from lvcnet import formats
from lvcnet.errors import DamagedError, LvcnetError, foreign
from lvcnet.files import checksum, read_json, write_atomic, write_json
from lvcnet.methods import Method, Optimisation, Trunk, create_method
from lvcnet.runs.directory import RunDirectory
from lvcnet.training.config import TrainConfig, validated
from lvcnet.training.device import resolve_device

CHECKSUM = "crc32"
STATE = "last.state.safetensors"


def _pack(tensors: dict[str, Tensor], values: dict[str, Any] | None = None) -> bytes:
    """A safetensors file, its header with the values and the checksum of the tensors.

    All of it is one entry of the header: of several, safetensors chooses the order anew each time, and equal trainings
    should write equal files.
    """
    kept = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    return save(kept, metadata={"meta": json.dumps({**(values or {}), CHECKSUM: _checksum(kept)})})


def _unpack(path: Path, do: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors and values of a safetensors file.

    Raises:
        DamagedError: if the tensors are not those that were written.
        LvcnetError: if it cannot be read.
    """
    with foreign(f"{path} is damaged", do), safe_open(path, framework="pt") as stored:
        values: dict[str, Any] = json.loads((stored.metadata() or {}).get("meta", "{}"))
        tensors: dict[str, Tensor] = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
        known = values.get(CHECKSUM)
    if known not in (None, _checksum(tensors)):
        raise DamagedError(path, "its weights are not those that were written", do)
    return tensors, values


def _checksum(tensors: dict[str, Tensor]) -> str:
    """`lvcnet.files.checksum` over all tensors in the order of their names, whatever their type."""
    return checksum(
        tensors[name].contiguous().flatten().view(torch.uint8).numpy() for name in sorted(tensors)
    )


def save_weights(folder: Path, name: str, method: Method, epoch: int, **values: Any) -> None:
    """Write `name`.safetensors and `name`.json: what prediction needs."""
    write_atomic(folder / f"{name}.safetensors", _pack(method.weights()))
    write_json(folder / f"{name}.json", formats.CHECKPOINT.stamped({"epoch": epoch, **values}))


def save_state(folder: Path, method: Method, epoch: int, **values: Any) -> None:
    """Write the state a training resumes from: one file, so that a crash cannot leave half of it.

    The JSON part travels in the safetensors header for the same reason.
    """
    tensors, own = method.state()
    meta = formats.CHECKPOINT.stamped({"epoch": epoch, "method": own, **values})
    write_atomic(folder / STATE, _pack(tensors, meta))


def load_state(folder: Path, method: Method) -> dict[str, Any] | None:
    """Put the last state into `method`; returns its values (epoch ...), or None where there is no state.

    Raises:
        LvcnetError: if it is damaged, was written by a newer version or does not fit the method. Nothing is started over:
            that is for the user to decide.
    """
    path = folder / STATE
    if not path.exists():
        return None
    do = "put back a copy of it, or delete it to train the run from the start"
    tensors, meta = _unpack(path, do)
    with foreign(f"{path} is damaged", do):
        values = formats.CHECKPOINT.current(meta, path)
        for name in ("next_epoch", "next_step", "best", "sums", "method"):
            values[name]
    with _fitting(path):
        method.load_state(tensors, values["method"])
    return values


def config_of(run: RunDirectory) -> TrainConfig:
    """The run's TrainConfig, without what was recorded beside it.

    Raises:
        LvcnetError: if config.json is missing, damaged, or holds settings that this version does not know.
    """
    stored = run.config()
    known = {name: stored[name] for name in TrainConfig.model_fields if name in stored}
    return validated(TrainConfig, known, str(run.path / "config.json"))


def data_of(run: RunDirectory) -> dict[str, Any]:
    """What a run's config.json says of its data: fingerprint, size, categories ...

    Raises:
        LvcnetError: if config.json is missing or damaged.
    """
    path = run.path / "config.json"
    stored = run.config()
    with foreign(f"{path} is damaged", "put back a copy of it, or delete the run and train it again"):
        data: dict[str, Any] = stored["data"]
        for name in ("fingerprint", "size", "categories"):
            data[name]
    return data


def build_method(config: TrainConfig, categories: int, device: torch.device) -> Method:
    """The method a configuration names, with weights from torch's current seed."""
    optimisation = Optimisation(
        optimizer=config.optimizer,
        learning_rate=config.learning_rate,
        schedule=config.schedule,
        weight_decay=config.weight_decay,
        ema=config.ema,
        precision=config.precision,
        loss=config.loss,
    )
    trunk = Trunk(categories, config.width, config.depth, config.block, config.network)
    return create_method(config.method, trunk, config.options, optimisation, device)


def load_method(run: RunDirectory, which: str = "last", device: str = "auto") -> Method:
    """The trained method of a run, ready to predict.

    Args:
        run: a run with checkpoints.
        which: last or best.
        device: auto, cpu, cuda, cuda:N or mps.

    Raises:
        LvcnetError: if there is no such checkpoint, it is damaged, was written by a newer version, or does not fit the
            network.
    """
    path = run.checkpoints / f"{which}.safetensors"
    if not path.exists():
        known = ", ".join(sorted(found.stem for found in run.checkpoints.glob("*.json"))) or "none yet"
        raise LvcnetError(
            f"run {run.name!r} has no checkpoint {which!r}: it has {known}; let it train an epoch first"
        )
    read_facts(run, which)
    method = build_method(config_of(run), len(data_of(run)["categories"]), resolve_device(device))
    weights, _ = _unpack(path, _other_checkpoint(run, which))
    with _fitting(path):
        method.load_weights(weights)
    return method


def read_facts(run: RunDirectory, which: str) -> dict[str, Any]:
    """The JSON beside a checkpoint: format, epoch, and what was known of its weights.

    Raises:
        LvcnetError: if it is missing, damaged, or was written by a newer version.
    """
    path = run.checkpoints / f"{which}.json"
    values = formats.CHECKPOINT.current(read_json(path), path)
    with foreign(f"{path} is damaged", _other_checkpoint(run, which)):
        int(values["epoch"])
    return values


def _other_checkpoint(run: RunDirectory, which: str) -> str:
    """What to do about a damaged checkpoint."""
    other = "best" if which == "last" else "last"
    there = (run.checkpoints / f"{other}.safetensors").exists()
    return f"put back a copy of it, {f'use checkpoint {other!r}, ' if there else ''}or train the run again"


@contextmanager
def _fitting(path: Path) -> Iterator[None]:
    """Torch's list of tensors that are missing, left over or of another shape, in one sentence."""
    try:
        yield
    except (RuntimeError, KeyError, ValueError):
        raise LvcnetError(
            f"{path} does not fit the network of its run: it was made by another version of lvcnet; train the run again"
        ) from None
