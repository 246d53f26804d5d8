"""Images keep their proportions: where they lie on the grid, and that nothing in the padding counts.

A grid of 64 x 128 holds a panoramic of 51 x 128 and, below it, 13 rows of padding.
"""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lvcnet.correction.agreement import agreement
from lvcnet.correction.consensus import consensus
from lvcnet.cues.edges import continued, initial_edges, inward_normals
from lvcnet.cues.region import weigh_regions
from lvcnet.data.dataset import Dataset, Item, LabelSet, labels_digest
from lvcnet.data.exporter import write_images
from lvcnet.data.formats.coco import write_coco
from lvcnet.data.importing.importer import import_coco, import_masks
from lvcnet.errors import LvcnetError
from lvcnet.evaluation.protocol import evaluate_masks
from lvcnet.files import read_json, write_json
from lvcnet.frames import by_frame, frame_of, grid_of, inside
from lvcnet.methods import Batch, Method, Optimisation, Trunk, create_method, predict_inside, standardise
from lvcnet.methods.lvcnet_plus import repaired_masks
from lvcnet.models.lvcnet import LVCOutput
from lvcnet.models.maps import Maps
from lvcnet.models.trunk import TrunkOutput
from lvcnet.noise.calibrate import make_noisy_labels
from lvcnet.training.augment import affine_matrices, augment
from lvcnet.training.feed import inside_of

CPU = torch.device("cpu")
SIDES = st.integers(1, 3000)


@given(SIDES, SIDES, st.sampled_from([16, 48, 64, 100, 128]))
def test_the_longer_side_has_the_working_size_and_the_other_its_share(
    height: int, width: int, size: int
) -> None:
    frame = frame_of(height, width, size)
    assert max(frame) == size
    assert abs(min(frame) - max(1.0, size * min(height, width) / max(height, width))) <= 0.5
    grid = grid_of([frame], size)
    assert max(grid) == size, "whatever networks take of the working size, they take of the grid"
    assert all(0 <= room - side < 32 for room, side in zip(grid, frame, strict=True))


def test_the_grid_has_room_for_portraits_and_landscapes() -> None:
    frames = [frame_of(204, 512, 128), frame_of(512, 100, 128)]
    assert frames == [(51, 128), (128, 25)]
    assert grid_of(frames, 128) == (128, 128)
    assert grid_of(frames[:1], 128) == (64, 128)


def test_images_of_one_frame_are_found_together() -> None:
    found = list(by_frame(np.array([[2, 4], [4, 2], [2, 4]])))
    assert [(numbers.tolist(), frame) for numbers, frame in found] == [([0, 2], (2, 4)), ([1], (4, 2))]


@pytest.fixture
def mixed(tmp_path: Path) -> Dataset:
    """Files of many shapes, each half white above, with a mask of the white half: imported at 32 pixels."""
    for name, size in {
        "landscape": (128, 32),
        "portrait": (20, 80),
        "square": (64, 64),
        "line": (1, 90),  # one pixel wide
        "small": (8, 9),  # its longer side is smaller than the grid
    }.items():
        pixels = np.zeros(size[::-1], np.uint8)
        pixels[: (size[1] + 1) // 2] = 255
        for folder in ("images", "masks"):
            (tmp_path / folder).mkdir(exist_ok=True)
            Image.fromarray(pixels).save(tmp_path / folder / f"{name}.png")
    return import_masks("mixed", tmp_path / "images", tmp_path / "masks", size=32, test_fraction=0)


def test_files_of_many_shapes_lie_in_one_grid(mixed: Dataset) -> None:
    frames = {item.key: tuple(frame) for item, frame in zip(mixed.items, mixed.frames.tolist(), strict=True)}
    assert frames == {
        "landscape": (8, 32),
        "line": (32, 1),
        "portrait": (32, 8),
        "small": (32, 28),
        "square": (32, 32),
    }
    assert (mixed.grid, mixed.size, mixed.stretched) == ((32, 32), 32, False)
    for row, item in enumerate(mixed.items):
        height, width = frames[item.key]
        white = height * ((item.height + 1) // 2) / item.height
        above, below = int(white - 2), int(white + 4)
        assert mixed.image(row)[:above].min() == 255, item.key
        assert mixed.image(row)[below:].max(initial=0) == 0, item.key
        drawn = mixed.labels("clean").masks[row, 0]
        assert drawn[:above, :width].all()
        assert not drawn[below:].any()
        assert not drawn[:, width:].any(), "nothing is drawn beside the image"
        np.testing.assert_array_equal(mixed.images[row, :height, -1], mixed.image(row)[:, -1])
        np.testing.assert_array_equal(mixed.images[row, -1, :width], mixed.image(row)[-1])


def test_what_is_saved_knows_its_frames_and_a_label_set_says_nothing_in_the_padding(
    mixed: Dataset, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LVCNET_HOME", str(tmp_path / "home"))
    mixed.save()
    back = Dataset.load("mixed")
    np.testing.assert_array_equal(back.frames, mixed.frames)
    assert back.fingerprint() == mixed.fingerprint()
    everywhere = np.ones((5, 1, 32, 32), dtype=bool)
    back.add_labels(LabelSet("all", everywhere, np.ones(5, dtype=bool), ignored=everywhere))
    assert back.inside is not None
    for labels in (back.labels("all"), Dataset.load("mixed").labels("all")):
        np.testing.assert_array_equal(labels.masks, back.inside)
        np.testing.assert_array_equal(labels.ignored, back.inside)
    np.testing.assert_array_equal(back.labels("clean").valid(np.arange(5)), back.inside)


def test_outlines_of_every_shape_come_back_through_a_file(mixed: Dataset, tmp_path: Path) -> None:
    bare = Dataset("bare", mixed.categories, mixed.items, mixed.images)
    bare.add_labels(LabelSet("clean", mixed.labels("clean").masks, np.ones(5, dtype=bool)))
    write_coco(bare, "clean", tmp_path / "out.json")
    write_images(bare, list(range(5)), tmp_path / "written")
    for item in bare.items:
        with Image.open(tmp_path / "written" / f"{item.key}.png") as picture:
            assert picture.size == (item.width, item.height)
    back = import_coco("back", tmp_path / "images", tmp_path / "out.json", size=32, test_fraction=0)
    rows = [back.index(item.key) for item in bare.items if item.key not in ("line", "small")]
    theirs = [bare.index(back.items[row].key) for row in rows]
    np.testing.assert_array_equal(back.labels("clean").masks[rows], bare.labels("clean").masks[theirs])


def panoramics(stretched: bool = False) -> Dataset:
    """Two images of 40 x 160: on 16 x 32 pixels 8 rows hold them. A bar of 16 x 80 px, as two annotators drew it."""
    items = [Item(name, split, 40, 160) for name, split in (("a", "train"), ("b", "test"))]
    grid = (32, 32) if stretched else (16, 32)
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (2, *grid)).astype(np.uint8)
    dataset = Dataset("pano", ["bar"], items, images, stretched=stretched)
    for name, right in (("clean", 16), ("second", 20)):
        masks = np.zeros((2, 1, *grid), dtype=bool)
        masks[:, 0, 2:5, 2:right] = True
        dataset.add_labels(LabelSet(name, masks, np.ones(2, dtype=bool)))
    return dataset


def test_a_data_set_of_before_is_stretched_and_opens_as_it_was(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LVCNET_HOME", str(tmp_path))
    folder = panoramics(stretched=True).save()
    head = read_json(folder / "dataset.json")
    assert head.pop("stretched") is True
    write_json(folder / "dataset.json", {**head, "format": 2})
    old = Dataset.load("pano")
    assert (old.stretched, old.grid, old.inside) == (True, (32, 32), None)
    assert old.image(0).shape == (32, 32)
    np.testing.assert_allclose(old.pixel_sizes(np.array([0])), [[40 / 32, 160 / 32]])
    assert old.fingerprint() == panoramics(stretched=True).fingerprint()


def test_a_square_image_is_the_same_stretched_or_not() -> None:
    items, images = [Item("a", "train", 300, 300)], np.zeros((1, 16, 16), np.uint8)
    assert not Dataset("one", ["x"], items, images, stretched=True).stretched


def test_a_grid_that_is_too_small_is_refused() -> None:
    with pytest.raises(LvcnetError, match=r"image 'a' needs 32 x 8 pixels .* the grid has 16 x 32"):
        Dataset("one", ["x"], [Item("a", "train", 400, 100)], np.zeros((1, 16, 32), np.uint8))


def test_equal_masks_on_another_grid_are_other_labels() -> None:
    wide, high = (
        LabelSet("x", np.zeros((1, 1, *grid), bool), np.ones(1, bool)) for grid in ((8, 32), (32, 8))
    )
    assert labels_digest(wide) != labels_digest(high)


def test_noise_and_votes_leave_the_padding_empty() -> None:
    dataset = panoramics()
    noisy = make_noisy_labels(dataset, target_iou=0.6, family="morphology", bias=1.0, include_test=True)
    assert not noisy.masks[:, :, 8:].any()
    united, found = consensus(dataset, ["clean", "second"], "staple", "both")
    assert not united.masks[:, :, 8:].any()
    assert found["per_category"]["bar"]["disputed_px"] == 2 * 3 * 4


def test_distances_are_in_pixels_of_the_image() -> None:
    """The second bar ends 4 grid pixels, that is 20 pixels of the image, further right."""
    dataset = panoramics()
    assert dataset.pixel_sizes(np.arange(2)).tolist() == [[5, 5], [5, 5]]
    rows = np.arange(2)
    found = evaluate_masks(
        dataset.labels("second").masks,
        dataset.labels("clean").masks,
        ["a", "b"],
        ["bar"],
        counts=dataset.labels("clean").valid(rows),
        sizes=dataset.pixel_sizes(rows),
        frames=dataset.frames,
    )
    assert (found["hd95"], found["unit"], found["tolerance"]) == (20.0, "px", 5.0)
    assert found["iou"] == pytest.approx(42 / 54)
    background = (8 * 32 - 54) / (8 * 32 - 42)
    assert found["miou"] == pytest.approx((42 / 54 + background) / 2), "padding is no background"
    agreed = agreement(dataset, "clean", "second")
    stretched = agreement(panoramics(stretched=True), "clean", "second")
    assert agreed["distance_px"]["mean"] == pytest.approx(agreed["per_image"][0]["distance_px"])
    assert stretched["distance_px"]["mean"] != agreed["distance_px"]["mean"], (
        "the grid's rows are 1.25 px high"
    )


def batch(noise: int | None, augmented: bool = False) -> Batch:
    """Two panoramics with a bright bar; with a number, noise in the padding of images and labels."""
    generator = torch.Generator().manual_seed(1)
    images = torch.rand(2, 1, 32, 64, generator=generator)
    labels = torch.zeros(2, 1, 32, 64)
    labels[:, :, 5:12, 10:50] = 1
    images = 0.3 * images + 0.7 * labels
    within = inside_of(torch.tensor([[17, 64], [20, 60]]), (32, 64))
    if noise is not None:
        other = torch.Generator().manual_seed(noise)
        images = torch.where(within > 0, images, torch.rand(images.shape, generator=other))
        labels = torch.where(within > 0, labels, (torch.rand(labels.shape, generator=other) > 0.5).float())
    return Batch(images, labels, torch.arange(2), 0.5, within, within)


def made(name: str) -> Method:
    torch.manual_seed(0)
    optimisation = Optimisation(precision="fp32", ema=0.0, learning_rate=0.05)
    options = {"evidence": 1} if name == "lvcnet" else {}
    return create_method(name, Trunk(1, width=4, depth=2), options, optimisation, CPU)


@pytest.mark.parametrize("name", ["unet", "lvcnet", "lvcnet-plus", "lvcnet-paper"])
@pytest.mark.parametrize("noise", [1, 2])
def test_noise_in_the_padding_changes_no_loss_gradient_cue_or_prediction(name: str, noise: int) -> None:
    plain, noisy = made(name), made(name)
    for progress in (0.05, 0.25, 0.5):
        terms = [
            method.step(replace(batch(n), progress=progress)) for method, n in ((plain, None), (noisy, noise))
        ]
        for term, value in terms[0].items():
            assert torch.equal(value, terms[1][term]), (term, progress)
    for key, weight in plain.weights().items():
        assert torch.equal(weight, noisy.weights()[key]), key
    one, other = (predict_inside(plain, given.images, given.inside) for given in (batch(None), batch(noise)))
    assert torch.equal(one.prediction, other.prediction)
    assert one.prediction[0, 0, 17:].max() == 0
    for key, value in one.named.items():
        assert torch.equal(value, other.named[key]), key
        assert value[0, ..., 17:, :].abs().max() == 0, f"{key} says something in the padding"


@pytest.mark.parametrize("name", ["lvcnet", "lvcnet-plus", "lvcnet-paper"])
def test_where_no_padding_is_a_mask_of_ones_changes_nothing(name: str) -> None:
    given = batch(None)
    one, other = made(name), made(name)
    ones = torch.ones_like(given.images)
    first = one.step(Batch(given.images, given.labels, given.rows, 0.2))
    second = other.step(Batch(given.images, given.labels, given.rows, 0.2, ones, ones))
    for term, value in first.items():
        torch.testing.assert_close(value, second[term], rtol=1e-4, atol=1e-5)


def test_padding_has_no_say_in_what_is_bright() -> None:
    given = batch(3)
    assert given.inside is not None
    seen = standardise(given.images, given.inside)
    cut = standardise(given.images[:1, :, :17])
    torch.testing.assert_close(seen[:1, :, :17], cut)
    assert seen[0, 0, 17:].abs().max() == 0


def test_the_border_of_an_image_is_no_edge_and_no_boundary() -> None:
    """A bar that reaches over the border of its image: an edge on its upper side only, as if the image went on."""
    within = inside_of(torch.tensor([[17, 64]]), (32, 64))
    image = torch.zeros(1, 1, 32, 64)
    image[:, :, 8:17] = 1
    edges = initial_edges(image, inside=within)
    whole = image.clone()
    whole[:, :, 17:] = 1
    cut = initial_edges(whole[:, :, :17])
    torch.testing.assert_close(edges[:, :, :17], cut)
    assert edges[:, :, 17:].max() < 1e-5
    assert edges[0, 0, 13:].max() < 1e-3, "none along the border"
    assert initial_edges(image)[0, 0, 16].min() > 0.5, "as there is without a mask"
    normals = inward_normals(continued(image, within))
    assert normals[0, 0, :, 15:17].abs().max() < 1e-3


def test_windows_of_region_evidence_leave_padding_out() -> None:
    within = inside_of(torch.tensor([[17, 64]]), (32, 64))
    generator = torch.Generator().manual_seed(0)
    image, drawn = (
        torch.randn(1, 1, 32, 64, generator=generator),
        torch.rand(1, 1, 32, 64, generator=generator),
    )
    found = weigh_regions(drawn, image, 2, inside=within)[:, :, :17]
    other = torch.where(within > 0, image, 7.0), torch.where(within > 0, drawn, 0.99)
    assert torch.equal(found, weigh_regions(other[1], other[0], 2, inside=within)[:, :, :17])
    # far from the border it is as ever
    torch.testing.assert_close(found[:, :, :2], weigh_regions(drawn, image, 2)[:, :, :2])


def test_repaired_masks_cover_as_much_as_was_drawn_in_the_image() -> None:
    within = inside_of(torch.tensor([[2, 4]]), (4, 4))
    logits = torch.full((1, 1, 4, 4), -4.0)
    logits[..., 0, :2] = 4.0  # 2 pixels drawn
    logits[..., 2:, :] = 4.0  # and what the trunk says in the padding
    moved = torch.linspace(0.1, 0.9, 16).view(1, 1, 4, 4)
    output = LVCOutput(
        TrunkOutput(logits, [], logits), logits, logits, None, logits, logits, warped=[moved], inside=within
    )
    repaired = repaired_masks(output).int()
    assert repaired[0, 0].tolist() == [[0, 0, 0, 0], [0, 0, 1, 1], [0] * 4, [0] * 4]


def test_a_method_that_knows_no_padding_still_works() -> None:
    class Bright(Method):
        def step(self, batch: Batch) -> dict[str, torch.Tensor]:
            return {"loss": batch.images.mean()}

        def predict(self, images: torch.Tensor, details: bool = True) -> Maps:
            return Maps(torch.ones_like(images), {"offsets": torch.ones(2, 1, 2, 32, 64)})

    method = Bright(torch.nn.Conv2d(1, 1, 1), Optimisation(), CPU)
    given = batch(None)
    maps = predict_inside(method, given.images, given.inside)
    assert maps.prediction.sum() == 17 * 64 + 20 * 60
    assert maps.named["offsets"].sum() == 2 * maps.prediction.sum()
    assert predict_inside(method, given.images, None).prediction.min() == 1


def test_a_turn_is_a_turn_on_a_grid_that_is_wider_than_high() -> None:
    """In pixels, without zoom the map of a 2 x 4 grid turns; in the units of the grid it shears."""
    square = affine_matrices(8, True, torch.Generator().manual_seed(0))
    wide = affine_matrices(8, True, torch.Generator().manual_seed(0), (2, 4))
    pixels = torch.tensor([[4.0, 0], [0, 2]]) / 2
    in_pixels = pixels @ wide[:, :, :2] @ pixels.inverse()
    torch.testing.assert_close(in_pixels, square[:, :, :2])


def test_a_mirrored_image_stays_where_it_was_and_its_padding_counts_nowhere() -> None:
    within = inside_of(torch.tensor([[16, 64]]).repeat(64, 1), (32, 64))
    images = torch.zeros(64, 1, 32, 64)
    images[:, :, :16, :] = 0.5
    images[:, :, 4:12, 8:24] = 1
    labels = (images == 1).float()
    moved, moved_labels, where = augment(images, labels, torch.Generator().manual_seed(0), inside=within)
    assert where is not None
    centres = torch.stack([(where[:, 0].sum(2) * torch.arange(32)).sum(1) / where.sum((1, 2, 3))])
    assert (centres - 7.5).abs().max() < 3, "images are turned about their own centre"
    assert (moved_labels * where).sum() > 0.9 * moved_labels.sum()
    left = (moved_labels[..., :32].sum((1, 2, 3)) > moved_labels[..., 32:].sum((1, 2, 3))).float().mean()
    assert 0.25 < left < 0.75, "about half of them are mirrored"
    assert moved.shape == images.shape


def test_where_no_image_has_padding_nothing_is_said_about_it() -> None:
    assert inside(np.array([[4, 8], [4, 8]]), (4, 8)) is None
    assert json.dumps(panoramics().grid) == "[16, 32]"


SHARED = Path(os.environ.get("LVCNET_SHARED_DATA", "/nonexistent")) / "mandible"


@pytest.mark.skipif(not SHARED.is_dir(), reason="LVCNET_SHARED_DATA names no folder with the mandible data")
def test_panoramic_radiographs_come_in_and_go_out_in_their_proportions(tmp_path: Path) -> None:
    dataset = import_coco("mandible", SHARED / "images", SHARED / "dentist1_test.json", test_fraction=0)
    assert dataset.grid[1] == 128
    assert dataset.grid[0] < 128
    for row, item in enumerate(dataset.items):
        height, width = dataset.image(row).shape
        assert width / height == pytest.approx(item.width / item.height, rel=0.02)
    write_coco(dataset, "clean", tmp_path / "out.json")
    again = import_coco("again", SHARED / "images", tmp_path / "out.json", test_fraction=0)
    np.testing.assert_array_equal(again.labels("clean").masks, dataset.labels("clean").masks)
