"""YAML of bounded size: settings are short, and a file that is not must not cost minutes to be refused.

PyYAML itself follows any depth, and an alias that stands for aliases makes a few lines stand for millions of values.
"""

from typing import Any

import yaml

from lvcnet.errors import LvcnetError, foreign

MOST_CHARACTERS = 200_000
MOST_DEPTH = 30
MOST_VALUES = 10_000
"""Aliases counted as what they stand for."""


def load_yaml(text: str, what: str) -> Any:
    """The value that a YAML text holds.

    Args:
        text: of the file or setting.
        what: is not valid, for the message.

    Raises:
        LvcnetError: if it is not valid, too long, or nested too deeply.
    """
    if len(text) > MOST_CHARACTERS:
        raise LvcnetError(f"{what} has {len(text):,} characters: at most {MOST_CHARACTERS:,} are read")
    try:
        with foreign(f"{what} is not valid YAML", "mend it"):
            # a SafeLoader with bounds: it makes no objects
            return yaml.load(text, Loader=_BoundedLoader)  # nosec B506
    except LvcnetError as error:
        if isinstance(error.__cause__, yaml.YAMLError):
            raise LvcnetError(f"{what} is not valid YAML: {_problem(error.__cause__)}") from None
        raise


class _BoundedLoader(yaml.SafeLoader):
    """Plain values only, of a bounded number and depth."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.depth = 0
        self.sizes: dict[int, int] = {}

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """As of PyYAML, counting."""
        self.depth += 1
        if self.depth > MOST_DEPTH:
            raise yaml.YAMLError(f"it is nested more than {MOST_DEPTH} deep")
        node: yaml.Node | None = super().compose_node(parent, index)
        self.depth -= 1
        if self._size(node) > MOST_VALUES:
            raise yaml.YAMLError(f"it holds more than {MOST_VALUES:,} values")
        return node

    def _size(self, node: yaml.Node | None) -> int:
        """How many values a node stands for; known for everything in it, which was composed before."""
        if id(node) not in self.sizes:
            parts: list[yaml.Node] = []
            if isinstance(node, yaml.MappingNode):
                parts = [part for pair in node.value for part in pair]
            elif isinstance(node, yaml.SequenceNode):
                parts = node.value
            self.sizes[id(node)] = 1 + sum(self._size(part) for part in parts)
        return self.sizes[id(node)]


def _problem(error: yaml.YAMLError) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"line {error.problem_mark.line + 1}: {error.problem}"
    return str(error).splitlines()[0]
