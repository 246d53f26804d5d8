"""How annotated images become a data set: size, categories, split, what to ignore."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

from lvcnet.errors import LvcnetError

SIZES = (16, 2048)


class Settings(TypedDict, total=False):
    """Keyword arguments of every `import_...` function; `Options` explains them and holds the defaults."""

    size: int | None
    categories: Sequence[str] | None
    test_fraction: float
    seed: int
    accept_self_crossing: bool
    ignore: str | None


@dataclass(frozen=True)
class Options:
    """What all formats have in common.

    Attributes:
        size: pixels of an image's longer side on the working grid; None for what the thinnest common structure asks for.
        categories: which to import, in this order; None for all.
        test_fraction: share of the images that go to the test split where the files do not say.
        seed: of that choice, which depends on each image's name alone.
        accept_self_crossing: import outlines that cross themselves, as pycocotools fills them.
        ignore: the category that marks pixels about which the annotation says nothing: no training and no metric sees
            them.
    """

    size: int | None = None
    categories: Sequence[str] | None = None
    test_fraction: float = 0.25
    seed: int = 0
    accept_self_crossing: bool = False
    ignore: str | None = None

    def check(self) -> None:
        """Refuse what cannot work.

        Raises:
            LvcnetError: for a size, fraction or list of categories out of range.
        """
        if self.size is not None and not SIZES[0] <= self.size <= SIZES[1]:
            raise LvcnetError(f"size {self.size}: choose {SIZES[0]} to {SIZES[1]} pixels")
        if not 0 <= self.test_fraction < 1:
            raise LvcnetError(f"test fraction {self.test_fraction}: choose at least 0 and less than 1")
        if self.categories is not None and (
            not self.categories or len(set(self.categories)) != len(self.categories)
        ):
            raise LvcnetError(f"categories {', '.join(self.categories) or '(none)'}: name each category once")
