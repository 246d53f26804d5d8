"""What a label set is: told by its manifest, whatever somebody called it."""

import numpy as np
import pytest

from lvcnet.data import naming
from lvcnet.data.dataset import Dataset, Item, LabelSet
from lvcnet.errors import LvcnetError
from tests.evaluations import noise_manifest

IMPORTED = {"kind": "import", "file": "second.json"}


@pytest.mark.parametrize(
    ("name", "manifest", "level", "paper_noise", "title"),
    [
        ("clean", {}, 0, True, "Clean"),
        ("clean", IMPORTED, 0, True, "Clean"),
        ("level3", noise_manifest(3), 3, True, "Level 3"),
        ("level12", noise_manifest(12), 12, True, "Level 12"),
        ("level3-shift", noise_manifest(3, family="shift"), 3, False, "level3-shift"),
        ("level3", noise_manifest(3, family="shift"), 3, False, "level3"),
        ("level3-grow0.5", noise_manifest(3, bias=0.5), 3, False, "level3-grow0.5"),
        ("level3-fraction0.5", noise_manifest(3, fraction=0.5), 3, False, "level3-fraction0.5"),
        ("rough", noise_manifest(3), 3, True, "rough"),
        ("target0.85", {**noise_manifest(3), "level": None}, None, False, "target0.85"),
        ("level2", IMPORTED, None, False, "level2 (no noise level)"),
        ("level2", {}, None, False, "level2 (no noise level)"),
        ("level2", {"kind": "noise", "level": "2"}, None, False, "level2 (no noise level)"),
        ("level3-corrected", {"kind": "correction", "source": "level3"}, None, False, "level3-corrected"),
        ("level3-fold1of5", {"kind": "fold", "source": "level3"}, None, False, "level3-fold1of5"),
        ("dentist2", IMPORTED, None, False, "dentist2"),
    ],
)
def test_the_manifest_says_what_a_label_set_is(
    name: str, manifest: naming.Manifest, level: int | None, paper_noise: bool, title: str
) -> None:
    assert naming.level_of(name, manifest) == level
    assert naming.is_paper_noise(name, manifest) is paper_noise
    assert naming.title(name, manifest) == title


def test_a_number_is_a_level_and_everything_else_a_name() -> None:
    jaws = Dataset("jaws", ["bone"], [Item("a", "train", 4, 4)], np.zeros((1, 4, 4), np.uint8))
    for name, manifest in (("clean", {}), ("level2", IMPORTED), ("level3", noise_manifest(3))):
        jaws.add_labels(LabelSet(name, np.zeros((1, 1, 4, 4), bool), np.ones(1, bool), manifest))
    found = [naming.chosen(jaws, text) for text in ("3", "level3", "level2", "clean", "4", "dentist2")]
    assert found == ["level3", "level3", "level2", "clean", "level4", "dentist2"]
    with pytest.raises(LvcnetError, match="is not noise level 2: give its name, level2"):
        naming.chosen(jaws, "2")
