"""Zips of annotated images: what is recognised in them, and what must never be unpacked."""

import contextlib
import io
import json
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lvcnet.data.importing import archive
from lvcnet.data.importing.annotated import import_warnings
from lvcnet.data.importing.archive import import_zip, inspect_zip, unpack
from lvcnet.data.importing.importer import ImportProblems, import_coco, import_labelme, import_masks
from lvcnet.errors import LvcnetError
from tests.data.conftest import CocoFolder

Entries = dict[str, bytes | str]


def packed(entries: Entries) -> io.BytesIO:
    """A zip with these files."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as written:
        for name, content in entries.items():
            written.writestr(name, content)
    stream.seek(0)
    return stream


def png(value: int = 51, width: int = 40, height: int = 20) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.full((height, width), value, dtype=np.uint8)).save(stream, "PNG")
    return stream.getvalue()


def images(folder: str, names: str = "abcd") -> Entries:
    """The images of `CocoFolder`."""
    return {f"{folder}{name}.png": png(40 * "abcd".index(name)) for name in names}


def labelme(name: str, **more: Any) -> str:
    rectangle = {"label": "bone", "points": [[4, 2], [24, 12]], "shape_type": "rectangle"}
    content = {"shapes": [rectangle], "imagePath": f"{name}.png", "imageData": None}
    return json.dumps({**content, "imageHeight": 20, "imageWidth": 40, **more})


def problems_of(entries: Entries) -> list[str]:
    with pytest.raises(ImportProblems) as caught:
        import_zip("set", packed(entries), size=20)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize("top", ["", "jaws/", "a/b/"], ids=["flat", "one folder", "two folders"])
def test_a_zip_of_coco_files_is_imported_like_the_paths(coco: CocoFolder, top: str) -> None:
    train, test = coco.write(coco.content("ab")), coco.write(coco.content("cd"), "test.json")
    entries = {f"{top}train.json": train.read_bytes(), f"{top}test.json": test.read_bytes()}
    dataset = import_zip("set", packed(entries | images(f"{top}images/")), size=20)
    assert dataset.fingerprint() == import_coco("set", coco.images, train, test, size=20).fingerprint()
    assert dataset.source["train"] == f"{top}train.json"
    assert "/tmp" not in json.dumps([dataset.source, dataset.manifest("clean")])


def test_annotators_and_splits_are_told_by_the_names(coco: CocoFolder) -> None:
    files = {f"{who}_{split}.json": json.dumps(coco.content(names)) for who in ("ann", "bob") for split, names in
             (("train", "ab"), ("test", "cd"))}  # fmt: skip
    found = inspect_zip(packed(files | images("images/") | {"README.md": "hello"}))
    assert (found.kind, found.count) == ("coco", 4)
    assert found.train is not None
    assert found.test is not None
    assert (found.train.name, found.test.name) == ("ann_train.json", "ann_test.json")
    assert {name: [path.name for path in paths] for name, paths in found.labels.items()} == {
        "bob": ["bob_test.json", "bob_train.json"]
    }
    assert {
        "Part": "ann_test.json",
        "What": "COCO, clean labels",
        "Content": "2 images, 2 outlines, to test",
    } in (found.rows)
    assert "README.md" in str(found.warnings[0])
    dataset = import_zip("set", packed(files | images("images/") | {"README.md": "hello"}), size=20)
    assert dataset.label_names() == ["clean", "bob"]
    assert dataset.labels("bob").covered.all()
    assert "README.md" in str(import_warnings(dataset.source)[0])


def test_folders_of_splits_with_a_coco_file_each_are_joined(coco: CocoFolder) -> None:
    entries: Entries = {
        f"{split}/_annotations.coco.json": json.dumps(coco.content(names))
        for split, names in (("train", "ab"), ("test", "c"), ("valid", "d"))
    }
    for split, names in (("train", "ab"), ("test", "c"), ("valid", "d")):
        entries |= images(f"{split}/", names)
    dataset = import_zip("set", packed(entries), size=20)
    assert [(item.source, item.split) for item in dataset.items] == [
        ("train/a.png", "train"),
        ("train/b.png", "train"),
        ("test/c.png", "test"),
    ]
    assert "valid/_annotations.coco.json: is left out" in str(import_warnings(dataset.source)[0])


def test_a_zip_of_labelme_files_is_imported_like_the_folder(tmp_path: Path) -> None:
    entries = images("set/train/", "ab") | images("set/test/", "cd")
    entries |= {f"set/train/{name}.json": labelme(name) for name in "ab"}
    entries |= {f"set/test/{name}.json": labelme(name) for name in "cd"} | {"set/about.json": "{}"}
    dataset = import_zip("set", packed(entries), size=20)
    assert [item.split for item in dataset.items] == ["test", "test", "train", "train"]
    assert dataset.labels("clean").masks[:, 0].sum(axis=(1, 2)).tolist() == [50] * 4  # 20 x 10, halved
    unpack(
        packed({name: content for name, content in entries.items() if "about" not in name}),
        tmp_path / "on-disk",
    )
    same = import_labelme("set", tmp_path / "on-disk" / "set", size=20)
    assert dataset.fingerprint() == same.fingerprint()
    assert "about.json" in str(import_warnings(dataset.source)[0])


def test_a_zip_of_images_and_masks_is_imported_like_the_folders(tmp_path: Path) -> None:
    masks = {f"x/Masks/{name}.png": png(255 if name == "a" else 0) for name in "abcd"}
    entries = images("x/images/") | masks
    dataset = import_zip("set", packed(entries), size=20)
    unpack(packed(entries), tmp_path / "on-disk")
    same = import_masks("set", tmp_path / "on-disk/x/images", tmp_path / "on-disk/x/Masks", size=20)
    assert dataset.fingerprint() == same.fingerprint()
    assert dataset.labels("clean").masks.any(axis=(1, 2, 3)).tolist() == [True, False, False, False]


def test_all_problems_are_listed_with_places_in_the_zip(coco: CocoFolder) -> None:
    content = coco.content("abc")
    content["annotations"][0]["category_id"] = 9
    found = problems_of({"z/train.json": json.dumps(content)} | images("z/images/", "ab"))
    assert len(found) == 2
    assert "z/images/c.png does not exist" in found[0]
    assert "unknown category 9" in found[1]
    assert not any("/tmp" in line for line in found)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"a.txt": "x"}, "no image was found"),
        (images("x/"), "no annotations were found"),
        ({**images(""), "a.json": labelme("a"), "c.json": json.dumps({"images": [], "annotations": []})}, "keep one"),
        ({**images("p/images/"), **images("p/masks/"), **images("q/images/"), **images("q/masks/")}, "both look like"),
        ({"train.json": "{", **images("images/")}, "not valid JSON"),
        ({"p/train.json": '{"images": [], "annotations": []}', "q/train.json": '{"images": [], "annotations": []}'},
         "both look like the train annotations"),
        ({"__MACOSX/a.png": png(), ".DS_Store": "x"}, "holds no file"),
        ({}, "holds no file"),
    ],
)  # fmt: skip
def test_what_cannot_be_recognised_is_explained(entries: Entries, message: str) -> None:
    with pytest.raises(LvcnetError, match=message):
        inspect_zip(packed(entries))


EVIL_NAMES = (
    "../evil.png",
    "/etc/evil.png",
    "a/../../evil.png",
    "..\\evil.png",
    "C:\\evil.png",
    "a/..",
    "x" * 300,
)


@pytest.mark.parametrize("name", EVIL_NAMES)
def test_names_that_lead_out_are_refused_and_nothing_is_written(tmp_path: Path, name: str) -> None:
    target = tmp_path / "deep" / "down" / "content"
    with pytest.raises(ImportProblems):
        unpack(packed({"good.png": png(), name: png()}), target)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_all_unsafe_entries_are_listed_at_once(tmp_path: Path) -> None:
    with pytest.raises(ImportProblems) as caught:
        unpack(packed({"../a": "x", "/b": "x", "fine": "x", "c": "x", "c/d": "x"}), tmp_path / "content")
    assert len(caught.value.problems) == 3


@given(st.text(alphabet="./\\ab: ", min_size=1, max_size=12))
def test_no_name_whatsoever_writes_outside(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    outer = tmp_path_factory.mktemp("zip")
    with contextlib.suppress(LvcnetError):
        unpack(packed({name: "x"}), outer / "inner" / "content")
    written = [path for path in outer.rglob("*") if path.is_file()]
    assert all(path.is_relative_to(outer / "inner" / "content") for path in written)
    assert not any(path.is_symlink() for path in outer.rglob("*"))


@given(st.binary(max_size=400), st.integers(0, 300))
def test_damaged_zips_end_in_an_error_for_people(
    tmp_path_factory: pytest.TempPathFactory, noise: bytes, position: int
) -> None:
    good = packed({"images/a.png": png(), "masks/a.png": png(255)}).getvalue()
    damaged = good[:position] + noise + good[position + len(noise) :]
    content = tmp_path_factory.mktemp("zip") / "content"
    with contextlib.suppress(LvcnetError):  # nothing else may come out of it
        unpack(io.BytesIO(damaged), content)
    assert {path.name for path in content.parent.iterdir()} <= {"content"}


def entry_with(change: Callable[[zipfile.ZipInfo], None]) -> io.BytesIO:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as written:
        entry = zipfile.ZipInfo("link.png")
        change(entry)
        written.writestr(entry, "/etc/passwd")
    stream.seek(0)
    return stream


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFBLK])
def test_links_and_devices_are_refused(tmp_path: Path, kind: int) -> None:
    with pytest.raises(ImportProblems, match="link or device"):
        unpack(
            entry_with(lambda entry: setattr(entry, "external_attr", (kind | 0o777) << 16)),
            tmp_path / "content",
        )
    assert not (tmp_path / "content").exists()


def test_encrypted_entries_are_refused(tmp_path: Path) -> None:
    content = bytearray(packed({"a.png": png()}).getvalue())
    content[content.index(b"PK\x01\x02") + 8] |= 1  # flags of the central directory
    with pytest.raises(ImportProblems, match="encrypted"):
        unpack(io.BytesIO(bytes(content)), tmp_path / "content")


def test_bombs_are_refused_before_and_while_they_unpack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bomb = packed({f"{number}.bmp": bytes(100_000) for number in range(5)})
    assert len(bomb.getvalue()) < 5_000
    monkeypatch.setattr(archive, "MOST_BYTES", 499_999)
    with pytest.raises(LvcnetError, match="unpacks to"):
        unpack(bomb, tmp_path / "one")
    monkeypatch.setattr(archive, "MOST_ENTRY_BYTES", 99_999)
    with pytest.raises(ImportProblems, match="unpacks to"):
        unpack(bomb, tmp_path / "two")
    monkeypatch.setattr(archive, "MOST_ENTRIES", 4)
    with pytest.raises(LvcnetError, match="5 entries"):
        unpack(bomb, tmp_path / "three")
    assert list(tmp_path.iterdir()) == []


def test_a_size_that_lies_stops_the_unpacking(tmp_path: Path) -> None:
    content = bytearray(packed({"masks/a.bmp": bytes(100_000)}).getvalue())
    place = content.index(b"PK\x01\x02") + 24  # uncompressed size in the central directory
    content[place : place + 4] = (10).to_bytes(4, "little")
    with pytest.raises(LvcnetError, match="cannot be unpacked, masks"):
        unpack(io.BytesIO(bytes(content)), tmp_path / "content")
    assert sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()) <= 10


def test_a_name_that_occurs_twice_is_refused(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as written:
        written.writestr("a.png", png())
        with pytest.warns(UserWarning, match="Duplicate"):
            written.writestr("a.png", png(7))
    with pytest.raises(ImportProblems, match="more than once"):
        unpack(stream, tmp_path / "content")


def test_what_is_no_zip_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LvcnetError, match="cannot be read as a zip"):
        inspect_zip(io.BytesIO(b"no zip at all"))
    with pytest.raises(LvcnetError, match="does not exist"):
        inspect_zip(tmp_path / "absent.zip")


def test_a_zip_in_a_zip_is_left_out(coco: CocoFolder) -> None:
    inner = packed(images("more/")).getvalue()
    entries = {"train.json": json.dumps(coco.content("abcd")), "more.zip": inner} | images("")
    found = inspect_zip(packed(entries))
    assert found.count == 4
    assert "more.zip" in str(found.warnings[0])


@pytest.mark.parametrize("path", ["../images/{}.png", "..\\images\\{}.png"])
def test_labelme_files_in_a_folder_beside_their_images(path: str) -> None:
    entries = images("set/images/", "ab")
    entries |= {f"set/json/{name}.json": labelme(name, imagePath=path.format(name)) for name in "ab"}
    dataset = import_zip("set", packed(entries), size=20)
    assert [item.source for item in dataset.items] == ["images/a.png", "images/b.png"]
