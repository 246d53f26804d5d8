"""Examples in docstrings, shown as code: `>>>` in Markdown would be a quotation within a quotation."""

import re
from typing import Any

from griffe import Extension, Object

EXAMPLE = re.compile(r"(?:^>>> .*(?:\n(?!\s*$).*)*(?:\n\s*\n(?=>>> ))?)+", re.MULTILINE)


def fenced(text: str) -> str:
    """A docstring with its examples as blocks of code.

    >>> fenced("Half.\\n\\n>>> half(2)\\n1\\n\\nMore.")
    'Half.\\n\\n```pycon\\n>>> half(2)\\n1\\n```\\n\\nMore.'
    """
    return EXAMPLE.sub(lambda found: f"```pycon\n{found[0].rstrip()}\n```", text)


class Doctests(Extension):
    """Changes what is read from the source before it is rendered."""

    def on_object(self, *, obj: Object, **kwargs: Any) -> None:
        """Called for every module, class, function and attribute."""
        if obj.docstring is not None:
            obj.docstring.value = fenced(obj.docstring.value)
