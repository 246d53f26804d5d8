"""Which images are to train on and which to test on, where the annotation files do not say."""

from collections.abc import Sequence
from pathlib import PurePosixPath

from lvcnet.data.importing.contents import SPLIT_WORDS
from lvcnet.files import stable_hash


def splits_by_folder(names: Sequence[str]) -> tuple[dict[str, str], str | None] | None:
    """Splits by the first folder of each name; None unless all folders are called like splits, `train` among them.

    Returns:
        The split of each image, and that of the images in a validation folder (None where there is none): it is the test
        split where there is no other, else they are for training, which holds images out itself.

    >>> splits_by_folder(["train/a.png", "val/b.png", "test/c.png"])
    ({'train/a.png': 'train', 'val/b.png': 'train', 'test/c.png': 'test'}, 'train')
    """
    words = {name: SPLIT_WORDS.get(PurePosixPath(name).parts[0].lower()) for name in names}
    found = set(words.values())
    if None in found or "train" not in found or len(found) == 1:
        return None
    becomes = "train" if "test" in found else "test"
    splits = {name: becomes if word == "valid" else str(word) for name, word in words.items()}
    return splits, becomes if "valid" in found else None


def splits_by_hash(names: Sequence[str], test_fraction: float, seed: int) -> dict[str, str]:
    """Splits by a hash of each name, so that no image moves another; neither is empty where both can be filled."""
    rank = {name: stable_hash(f"split {seed} {name}") / 2**64 for name in names}
    test = {name for name in names if rank[name] < test_fraction}
    if test_fraction > 0:
        # with few images the draw can leave a split empty; move the image nearest to the threshold
        test = test or {min(names, key=rank.__getitem__)}
        test -= {max(names, key=rank.__getitem__)} if len(test) == len(names) else set()
    return {name: "test" if name in test else "train" for name in names}
