"""A small data set of ellipses and rings, in memory."""

import pytest

from lvcnet.data.dataset import Dataset
from tests.noise.helpers import make_dataset


@pytest.fixture(scope="session")
def dataset() -> Dataset:
    """30 training and 4 test images."""
    keys = [f"image{number}" for number in range(34)]
    return make_dataset(keys, test_keys=tuple(keys[30:]))
