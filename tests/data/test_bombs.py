"""Small files that ask for much: refused or read within bounds of memory and work."""

import io
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image, TiffImagePlugin

from lab.samples import write_dicom
from lvcnet.data.images import read_image
from lvcnet.data.importing import archive
from lvcnet.errors import LvcnetError
from lvcnet.training.bounded_yaml import load_yaml

PEAK = """
print(1024 * int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]))
"""
"""The most memory since the program began; what getrusage says begins with that of the process which started it."""
MEASURED = (
    """
import sys
from pathlib import Path
from lvcnet.data.images import read_image, to_working_grid
from lvcnet.errors import LvcnetError
try:
    to_working_grid(read_image(Path(sys.argv[1])).pixels, (128, 128))
except LvcnetError as error:
    print(error)
"""
    + PEAK
)


def peak(path: Path) -> tuple[str, int]:
    """What reading a file in a process of its own says, and the most bytes that it held."""
    answer = subprocess.run(
        [sys.executable, "-c", MEASURED, str(path)], capture_output=True, text=True, check=True
    )
    *said, memory = answer.stdout.splitlines()
    return " ".join(said), int(memory)


def test_the_largest_radiograph_takes_less_than_1200_megabytes(tmp_path: Path) -> None:
    path = tmp_path / "large.dcm"
    write_dicom(path, np.zeros((10, 10), np.uint8), 0.2)
    header = pydicom.dcmread(path)
    header.Rows = header.Columns = 10_000
    header.PixelData = np.tile(np.arange(10_000, dtype=np.uint16) % 4096, 10_000).tobytes()
    header.save_as(path)
    said, memory = peak(path)
    assert said == ""
    assert memory < 1.2e9


def test_a_deflated_file_is_inflated_no_further_than_a_radiograph(tmp_path: Path) -> None:
    path = tmp_path / "bomb.dcm"
    write_dicom(path, np.zeros((10, 10), np.uint8), 0.2)
    header = pydicom.dcmread(path)
    header.file_meta.TransferSyntaxUID = pydicom.uid.DeflatedExplicitVRLittleEndian
    header.save_as(path)
    start = path.read_bytes()
    with path.open("rb") as stream:
        from lvcnet.data.dicom_header import read_meta

        read_meta(stream)
        place = stream.tell()
    packer = zlib.compressobj(1, wbits=-zlib.MAX_WBITS)
    zeros = bytes(8 * 1024**2)
    # an element of private use that goes on for 1 GiB
    parts = [packer.compress(b"\x09\x00\x01\x10OB\x00\x00\x00\x00\x00\x40")]
    parts += [packer.compress(zeros) for _ in range(128)]
    path.write_bytes(start[:place] + b"".join(parts) + packer.flush())
    said, memory = peak(path)
    assert "inflates to more than 217 MB" in said
    assert memory < 0.8e9


def test_a_zip_that_is_packed_too_densely_is_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "LEAST_SUSPICIOUS", 1024**2)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as written:
        for number in range(4):
            written.writestr(f"masks/{number}.bmp", bytes(1024**2))
    with pytest.raises(LvcnetError, match="more than 100 times its own size"):
        archive.unpack(stream, tmp_path / "content")
    assert not (tmp_path / "content").exists()


def test_images_without_annotations_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as written:
        written.writestr("photos/a.png", b"x")
    with pytest.raises(LvcnetError, match=r"1 image but no annotations were found \(folders: photos\)"):
        archive.unpack(stream, tmp_path / "content")
    assert not (tmp_path / "content").exists()


def test_pages_of_a_tiff_are_not_walked_through(monkeypatch: pytest.MonkeyPatch) -> None:
    stream, page = io.BytesIO(), Image.new("L", (4, 4))
    page.save(stream, "TIFF", save_all=True, append_images=[page] * 50)
    loads, load = [0], TiffImagePlugin.ImageFileDirectory_v2.load

    def counted(self: object, file: object) -> object:
        loads[0] += 1
        return load(self, file)

    monkeypatch.setattr(TiffImagePlugin.ImageFileDirectory_v2, "load", counted)
    (note,) = read_image(stream.getvalue()).notes
    assert note.startswith("it has several pages")
    assert loads[0] < 10


def tiff_head(height: int, width: int) -> bytes:
    """A TIFF file of 32 bits that declares so many pixels and holds a few."""
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    values = {256: width, 257: height, 258: 32, 259: 1, 262: 1, 273: 8, 277: 1, 278: height, 279: 400, 339: 1}
    for tag, value in values.items():
        tags[tag] = value
    return b"II*\0" + (8).to_bytes(4, "little") + tags.tobytes(8) + bytes(1900)


def test_numbers_that_a_file_cannot_hold_are_refused_before_they_are_sorted() -> None:
    with pytest.raises(LvcnetError, match=r"claims 10000 x 9000 pixels and has 2,\d{3} bytes"):
        read_image(tiff_head(9000, 10_000))
    with pytest.raises(LvcnetError, match="at most 100,000 are allowed on a side"):
        read_image(tiff_head(40, 2_097_172))


@pytest.mark.parametrize("mode", ["I;16", "I", "F"])
def test_an_even_picture_may_be_packed_as_densely_as_png_and_tiff_can(mode: str) -> None:
    for format, options in (("PNG", {}), ("TIFF", {"compression": "tiff_adobe_deflate"})):
        if format == "TIFF" or mode != "F":
            stream = io.BytesIO()
            Image.new(mode, (2000, 2000), 7).save(stream, format, **options)
            assert read_image(stream.getvalue()).pixels.max() == 0


def test_importing_the_largest_radiograph_with_masks_takes_less_than_1200_megabytes(tmp_path: Path) -> None:
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
    Image.linear_gradient("L").resize((10_000, 10_000)).save(tmp_path / "images" / "a.png", compress_level=1)
    mask = np.zeros((10_000, 10_000), np.uint8)
    mask[:5000] = 255
    Image.fromarray(mask).save(tmp_path / "masks" / "a.png", compress_level=1)
    code = (
        """
import sys
from pathlib import Path
from lvcnet.data.importing.importer import import_masks
folder = Path(sys.argv[1])
dataset = import_masks("set", folder / "images", folder / "masks", size=20, test_fraction=0)
print(dataset.labels("clean").masks[0, 0].sum())
"""
        + PEAK
    )
    answer = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    area, memory = map(int, answer.stdout.split())
    assert area == 200
    assert memory < 1.2e9


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "a0: &a0 [x, x]\n" + "".join(f"a{n + 1}: &a{n + 1} [*a{n}, *a{n}]\n" for n in range(40)),
            "10,000 values",
        ),
        ("[" * 100_000, "30 deep"),
        ("a: " + "x" * 300_000, "characters"),
        ("a: " + "9" * 5000, "not valid YAML"),
        ("a: 2001-13-45", "not valid YAML"),
        ("a: !!timestamp x", "not valid YAML"),
    ],
    ids=["laughs", "depth", "length", "digits", "date", "timestamp"],
)
def test_yaml_of_a_few_lines_costs_little(text: str, message: str) -> None:
    with pytest.raises(LvcnetError, match=message):
        load_yaml(text, "a.yaml")
