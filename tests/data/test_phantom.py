"""The phantom: keyed, exact, and with its bone edges where the mask says."""

import numpy as np
import pytest
from scipy import ndimage

from lvcnet.data.dataset import CLEAN, Dataset
from lvcnet.data.phantom.anatomy import smooth_outline
from lvcnet.data.phantom.make import make_phantom, render
from lvcnet.data.phantom.projection import View, fill, rounded, shell
from lvcnet.errors import LvcnetError

KEYS = [f"train-{number:04d}" for number in range(1, 17)]


@pytest.fixture(scope="module")
def sample() -> list[tuple[np.ndarray, np.ndarray]]:
    return [render(0, key, 128) for key in KEYS]


def test_one_image_depends_on_seed_and_key_only() -> None:
    image, mask = render(3, "train-0007", 64)
    again, mask_again = render(3, "train-0007", 64)
    assert image.tobytes() == again.tobytes()
    assert mask.tobytes() == mask_again.tobytes()
    assert image.dtype == np.uint8
    assert image.shape == (64, 64)
    assert mask.dtype == np.bool_
    assert mask.shape == (1, 64, 64)
    for other in (render(4, "train-0007", 64), render(3, "train-0008", 64)):
        assert np.abs(other[0].astype(int) - image.astype(int)).mean() > 2
        assert (other[1] != mask).any()


def test_more_images_change_no_other() -> None:
    small = make_phantom("a", 2, 1, size=48, seed=5)
    large = make_phantom("b", 4, 2, size=48, seed=5)
    for item in small.items:
        assert (small.images[small.index(item.key)] == large.images[large.index(item.key)]).all()
        mine, theirs = small.labels(CLEAN).masks, large.labels(CLEAN).masks
        assert (mine[small.index(item.key)] == theirs[large.index(item.key)]).all()


def test_data_set_has_the_promised_shape_and_survives_the_disk() -> None:
    seen: list[tuple[int, int]] = []
    dataset = make_phantom(
        "hips", 3, 2, size=32, seed=1, report=lambda done, total: seen.append((done, total))
    )
    assert [item.key for item in dataset.items] == [
        "train-0001",
        "train-0002",
        "train-0003",
        "test-0001",
        "test-0002",
    ]
    assert dataset.indices("test").tolist() == [3, 4]
    assert dataset.categories == ["innominate bone"]
    assert dataset.source == {"kind": "phantom", "train": 3, "test": 2, "size": 32, "seed": 1}
    assert dataset.labels(CLEAN).covered.all()
    assert seen == [(1, 5), (2, 5), (3, 5), (4, 5), (5, 5)]
    dataset.save()
    assert Dataset.load("hips").fingerprint() == dataset.fingerprint()


def test_masks_are_two_bones_with_a_foramen_each(sample: list[tuple[np.ndarray, np.ndarray]]) -> None:
    pairs, holes = 0, 0
    for _, mask in sample:
        labels, count = ndimage.label(mask[0])
        areas = ndimage.sum_labels(mask[0], labels, range(1, count + 1))
        pairs += int((np.asarray(areas) > 0.05 * mask.sum()).sum() == 2)
        background, count = ndimage.label(~mask[0])
        areas = ndimage.sum_labels(~mask[0], background, range(1, count + 1))
        holes += int((np.asarray(areas) > 30).sum() == 3)
        assert 0.10 < mask.mean() < 0.35
    assert pairs >= 15
    assert holes >= 15


def test_left_and_right_differ(sample: list[tuple[np.ndarray, np.ndarray]]) -> None:
    for _, mask in sample[:6]:
        best = max(
            (mask[0] & np.roll(mask[0, :, ::-1], shift, axis=1)).sum() / mask.sum()
            for shift in range(-12, 13)
        )
        assert best < 0.99


def test_bone_edges_lie_on_the_mask_outline(sample: list[tuple[np.ndarray, np.ndarray]]) -> None:
    """Mean gradient magnitude by signed distance to the outline: peaks within a pixel of 0, falls off on both sides."""
    profile = {offset: [] for offset in range(-4, 5)}
    for image, mask in sample:
        smooth = ndimage.gaussian_filter(image.astype(float), 0.7)
        gradient = np.hypot(ndimage.sobel(smooth, 0), ndimage.sobel(smooth, 1))
        signed = ndimage.distance_transform_edt(mask[0]) - ndimage.distance_transform_edt(~mask[0])
        # The first pixel inside has +1 and the first outside -1: the outline itself lies at 0.
        signed -= 0.5 * np.sign(signed)
        for offset in profile:
            profile[offset].append(gradient[np.abs(signed - offset) <= 0.5].mean())
    mean = {offset: float(np.mean(values)) for offset, values in profile.items()}
    assert max(mean, key=mean.__getitem__) in (-1, 0, 1)
    assert mean[0] > 1.4 * mean[3]
    assert mean[0] > 1.4 * mean[-3]


def test_bone_is_brighter_than_what_lies_beside_it(sample: list[tuple[np.ndarray, np.ndarray]]) -> None:
    brighter = [
        image[mask[0]].mean() > image[ndimage.binary_dilation(mask[0], iterations=5) & ~mask[0]].mean()
        for image, mask in sample
    ]
    assert np.mean(brighter) > 0.9


def test_images_use_the_grey_scale(sample: list[tuple[np.ndarray, np.ndarray]]) -> None:
    for image, _ in sample:
        low, high = np.percentile(image, [1, 99])
        assert high - low > 100
        assert (image == 255).mean() < 0.05


@pytest.mark.parametrize("key", KEYS[:3])
def test_sizes_show_the_same_person(key: str) -> None:
    masks = {size: render(0, key, size)[1][0] for size in (64, 128, 256)}
    for size in (128, 256):
        factor = size // 64
        shrunk = masks[size].reshape(64, factor, 64, factor).mean(axis=(1, 3)) >= 0.5
        assert (shrunk & masks[64]).sum() / (shrunk | masks[64]).sum() > 0.95


def test_bad_requests_are_explained() -> None:
    with pytest.raises(LvcnetError, match="32 to 1024"):
        render(0, "a", 8)
    with pytest.raises(LvcnetError, match="size 5000"):
        make_phantom("a", 1, 1, size=5000)
    with pytest.raises(LvcnetError, match="at least 1"):
        make_phantom("a", 0, 4)
    with pytest.raises(LvcnetError, match="negative"):
        make_phantom("a", 1, 1, seed=-1)


def test_rounded_body_path_lengths() -> None:
    """Half thickness 1: no path at the edge, the diameter from depth 1 on, sqrt(3) at depth 0.5."""
    depth = np.array([[0.0, 0.5, 1.0, 3.0]], dtype=np.float32)
    assert rounded(depth, 1.0)[0] == pytest.approx([0, np.sqrt(3), 2, 2], abs=1e-6)
    wall, marrow = shell(depth, 1.0, 0.5)
    # The marrow is a body of half thickness 0.5 that begins at depth 0.5.
    assert marrow[0] == pytest.approx([0, 0, 1, 1], abs=1e-6)
    assert wall[0] == pytest.approx([0, np.sqrt(3), 1, 1], abs=1e-6)


def test_view_maps_there_and_back() -> None:
    view = View(grid=60, field=30.0, centre=(1.0, -2.0), angle=0.3)
    x, y = view.body_axes()
    spots = view.to_pixels(np.array([[x[10, 40], y[10, 40]], [x[59, 0], y[59, 0]]], dtype=np.float64))
    assert spots == pytest.approx(np.array([[40, 10], [0, 59]]), abs=1e-3)


def test_filled_circle_has_the_right_area() -> None:
    angle = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    circle = smooth_outline(5 * np.stack([np.cos(angle), np.sin(angle)], axis=1))
    view = View(grid=200, field=20.0, centre=(0.0, 0.0), angle=0.0)
    assert fill(view, [circle]).sum() / view.scale**2 == pytest.approx(np.pi * 25, rel=0.006)
    assert fill(view, [circle], [circle * 0.5]).sum() / view.scale**2 == pytest.approx(
        np.pi * 18.75, rel=0.006
    )
