"""Plug-ins: what other packages add to the house by entry point, such as a method in the group `lvcnet.methods`.

A registry holds specs by name: those of the house, and those of installed packages, which are imported when the registry is
first asked for a name that the house does not have, or for all names. One that cannot be loaded is left out and said once,
in one line; it takes nothing else down.
"""

import importlib
import importlib.metadata
import logging
import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Generic, Protocol, TypeVar

from lvcnet.errors import LvcnetError

GROUPS: dict[str, tuple[str, str]] = {
    "lvcnet.methods": ("lvcnet.methods", "METHODS"),
    "lvcnet.networks": ("lvcnet.models", "NETWORKS"),
    "lvcnet.noise": ("lvcnet.noise", "FAMILIES"),
    "lvcnet.formats": ("lvcnet.data.formats.specs", "FORMATS"),
    "lvcnet.metrics": ("lvcnet.masks.metrics", "METRICS"),
}
"""Entry-point group -> module and name of the registry that reads it."""
NAME = re.compile(r"[a-z][a-z0-9_-]*")
"""What a spec may be called: names become parts of run names, label sets and lists separated by commas."""

logger = logging.getLogger("lvcnet.plugins")


class Named(Protocol):
    """A spec: whatever else it says, it has a name."""

    @property
    def name(self) -> str:
        """Key in the registry; what the command line calls it."""
        ...


Spec = TypeVar("Spec", bound=Named)


class Registry(Mapping[str, Spec], Generic[Spec]):
    """Specs by name, in the order of the house, then of the plug-ins' names.

    Args:
        what: a spec is, for messages: method, network ...
        group: entry-point group of the plug-ins.
        kind: type that a plug-in's object must have.
        own: the house's specs.
    """

    def __init__(self, what: str, group: str, kind: type[Spec], own: Iterable[Spec]) -> None:
        self.what, self.group, self.kind = what, group, kind
        self._specs = {spec.name: spec for spec in own}
        self.own = tuple(self._specs)
        self._problems: list[str] = []
        self._loaded = False
        self._lock = threading.RLock()

    def __getitem__(self, name: str) -> Spec:
        if name not in self._specs:
            self._load()
        return self._specs[name]

    def __iter__(self) -> Iterator[str]:
        self._load()
        return iter(tuple(self._specs))

    def __len__(self) -> int:
        self._load()
        return len(self._specs)

    @property
    def problems(self) -> list[str]:
        """A line for each plug-in that was left out, and why."""
        self._load()
        return list(self._problems)

    def find(self, name: str) -> Spec:
        """The spec of a name that a user gave.

        Raises:
            LvcnetError: if there is none, naming those there are and the plug-ins that could not be loaded.
        """
        if name in self:
            return self[name]
        left_out = f" ({'; '.join(self._problems)})" if self._problems else ""
        raise LvcnetError(f"{self.what} {name!r} does not exist: choose one of {', '.join(self)}{left_out}")

    def in_words(self) -> str:
        """All names, for help texts: `fcn, unet or lvcnet`."""
        *first, last = self
        return f"{', '.join(first)} or {last}" if first else last

    def _load(self) -> None:
        """Import the plug-ins, once; what a plug-in asks for while it is imported is answered without it."""
        with self._lock:
            if self._loaded:
                return
            self._loaded = True
            for entry in entry_points(self.group):
                try:
                    self._add(entry)
                except (Exception, SystemExit) as error:  # whatever somebody else's module does when imported
                    self._leave_out(entry, error)

    def _add(self, entry: importlib.metadata.EntryPoint) -> None:
        spec: Any = entry.load()
        if not isinstance(spec, self.kind):
            raise LvcnetError(f"it is a {type(spec).__name__}, not a {self.kind.__name__}")
        if not NAME.fullmatch(spec.name):
            raise LvcnetError(f"{spec.name!r} is not a usable name: use a-z, 0-9, - and _")
        if spec.name in self._specs:
            raise LvcnetError(f"there is a {self.what} {spec.name!r} already: give it another name")
        self._specs[spec.name] = spec

    def _leave_out(self, entry: importlib.metadata.EntryPoint, error: BaseException) -> None:
        reason = str(error).strip().partition("\n")[0]
        if not isinstance(error, LvcnetError):
            reason = f"{type(error).__name__}: {reason}"
        line = f"plug-in {source(entry)} is left out: {reason}"
        self._problems.append(line)
        logger.warning(line)


def entry_points(group: str) -> list[importlib.metadata.EntryPoint]:
    """What installed packages offer in a group, in the order of their names."""
    return sorted(importlib.metadata.entry_points(group=group), key=lambda entry: (entry.name, source(entry)))


def source(entry: importlib.metadata.EntryPoint) -> str:
    """Where a plug-in comes from: package, group and object."""
    package = entry.dist.name if entry.dist is not None else "of no package"
    return f"{package} ({entry.group}: {entry.value})"


def registry(group: str) -> Registry[Any]:
    """The registry that reads an entry-point group."""
    module, name = GROUPS[group]
    found: Registry[Any] = getattr(importlib.import_module(module), name)
    return found
