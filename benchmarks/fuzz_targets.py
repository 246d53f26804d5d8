"""What is fuzzed: every parser of files that somebody else made, as a function of bytes, with a corpus made by code.

A target may raise LvcnetError and nothing else. Symbols: the images are of 40 x 20 pixels.
"""

import atexit
import io
import json
import shutil
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import tifffile
from fuzz_mutators import (
    Mutator,
    damaged_json,
    damaged_picture,
    damaged_tags,
    damaged_yaml,
    damaged_zip,
    havoc,
)
from PIL import Image

from lab.samples import write_dicom
from lvcnet.data.formats.coco import read_coco
from lvcnet.data.formats.labelme import read_labelme
from lvcnet.data.formats.mask_folders import read_masks
from lvcnet.data.images import read_image, to_working_grid
from lvcnet.data.importing.annotated import Annotations
from lvcnet.data.importing.archive import inspect_zip
from lvcnet.data.outlines.rings import check_ring
from lvcnet.errors import LvcnetError
from lvcnet.masks.outlines import rasterise
from lvcnet.masks.rle import parse_run_lengths

HEIGHT, WIDTH = 20, 40
RAMP = (np.arange(HEIGHT * WIDTH) % 251).astype(np.uint8).reshape(HEIGHT, WIDTH)
MASK = np.zeros((HEIGHT, WIDTH), np.uint8)
MASK[4:12, 6:30] = 255
SQUARE = [4.0, 2.0, 24.0, 2.0, 24.0, 12.0, 4.0, 12.0]


@dataclass(frozen=True)
class Target:
    """One parser.

    Attributes:
        run: reads bytes; raises LvcnetError or nothing.
        seeds: makes files that it accepts, or nearly so.
        mutate: damages one of them.
    """

    run: Callable[[bytes], None]
    seeds: Callable[[], list[bytes]]
    mutate: Mutator = havoc


@lru_cache(maxsize=1)
def scratch() -> Path:
    """A folder of this process, in memory where that is possible."""
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="lvcnet-fuzz-", dir=memory if memory.is_dir() else None))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for name in ("coco", "labelme", "images", "masks", "run/checkpoints"):
        (folder / name).mkdir(parents=True)
    for name in ("coco/a.png", "coco/b.png", "labelme/a.png", "images/a.png"):
        Image.fromarray(RAMP).save(folder / name)
    return folder


def encoded(picture: Image.Image, format: str, **options: Any) -> bytes:
    """A picture as a file's content."""
    stream = io.BytesIO()
    picture.save(stream, format, **options)
    return stream.getvalue()


def draw_all(annotations: Annotations) -> None:
    """Draw what was read, as an import does once nothing is wrong."""
    for image in annotations.images[:4]:
        height, width = image.height or HEIGHT, image.width or WIDTH
        if height * width > 1_000_000:
            continue
        mask = np.zeros((height, width), dtype=bool)
        for shapes in list(image.shapes.values())[:8]:
            for shape in shapes[:8]:
                try:
                    shape.paint(mask)
                except LvcnetError:
                    continue


def coco(content: bytes) -> None:
    """A COCO file beside its images."""
    path = scratch() / "coco" / "train.json"
    path.write_bytes(content)
    draw_all(read_coco(path, path.parent))


def coco_seeds() -> list[bytes]:
    """Polygons, holes as run lengths, crowds, several categories."""
    images = [
        {"id": number, "file_name": f"{name}.png", "width": WIDTH, "height": HEIGHT}
        for number, name in enumerate("ab", start=1)
    ]
    counts = [50, 700, 50]
    outlines: list[Any] = [
        [SQUARE],
        [SQUARE, [30, 5, 38, 5, 38, 15]],
        {"size": [HEIGHT, WIDTH], "counts": counts},
    ]
    outlines.append({"size": [HEIGHT, WIDTH], "counts": "b1lT1b1"})
    annotations = [
        {
            "id": number,
            "image_id": 1 + number % 2,
            "category_id": 1 + number % 2,
            "iscrowd": 0,
            "segmentation": one,
        }
        for number, one in enumerate(outlines, start=1)
    ]
    categories = [{"id": 1, "name": "bone"}, {"id": 2, "name": "lung", "supercategory": ""}]
    return [json.dumps({"images": images, "annotations": annotations, "categories": categories}).encode()]


def labelme(content: bytes) -> None:
    """A Labelme file beside its image."""
    folder = scratch() / "labelme"
    (folder / "a.json").write_bytes(content)
    draw_all(read_labelme(folder))


def labelme_seeds() -> list[bytes]:
    """Polygon, rectangle, circle and mask; an image embedded."""
    import base64

    patch = base64.b64encode(encoded(Image.fromarray(MASK[4:12, 6:30]), "PNG")).decode()
    shapes: list[dict[str, Any]] = [
        {"label": "bone", "shape_type": "polygon", "points": np.reshape(SQUARE, (-1, 2)).tolist()},
        {"label": "bone", "shape_type": "rectangle", "points": [[1, 2], [8, 9]]},
        {"label": "head", "shape_type": "circle", "points": [[20, 10], [25, 10]]},
        {"label": "head", "shape_type": "mask", "points": [[6, 4], [29, 11]], "mask": patch},
    ]
    head = {"version": "5.5.0", "flags": {}, "imageHeight": HEIGHT, "imageWidth": WIDTH, "imageData": None}
    embedded = {**head, "imageData": base64.b64encode(encoded(Image.fromarray(RAMP), "PNG")).decode()}
    return [
        json.dumps({**head, "imagePath": "a.png", "shapes": shapes}).encode(),
        json.dumps({**embedded, "imagePath": "gone.png", "shapes": shapes[:1]}).encode(),
    ]


def masks(content: bytes) -> None:
    """A mask beside its image."""
    folder = scratch()
    (folder / "masks" / "a.png").write_bytes(content)
    draw_all(read_masks(folder / "images", folder / "masks"))


def masks_seeds() -> list[bytes]:
    """Grey, one bit, palette, alpha, 16 bit and TIFF."""
    grey = Image.fromarray(MASK)
    alpha = Image.merge("LA", (Image.new("L", grey.size), grey))
    tiff = io.BytesIO()
    tifffile.imwrite(tiff, (MASK > 0).astype(np.float32))
    wide = Image.fromarray((MASK > 0).astype(np.uint16) * 3)
    pictures = (grey, grey.convert("1"), grey.convert("P"), alpha, wide)
    return [*(encoded(picture, "PNG") for picture in pictures), tiff.getvalue(), encoded(grey, "BMP")]


def archive(content: bytes) -> None:
    """A zip of whatever it holds."""
    inspect_zip(io.BytesIO(content))


def archive_seeds() -> list[bytes]:
    """COCO, Labelme and masks."""
    picture, mask = encoded(Image.fromarray(RAMP), "PNG"), encoded(Image.fromarray(MASK), "PNG")
    contents: list[dict[str, bytes]] = [
        {"images/a.png": picture, "images/b.png": picture, "train.json": coco_seeds()[0]},
        {"a.png": picture, "a.json": labelme_seeds()[0]},
        {"images/a.png": picture, "masks/a.png": mask},
    ]
    packed = []
    for files in contents:
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as written:
            for name, data in files.items():
                written.writestr(zipfile.ZipInfo(name), data)
        packed.append(stream.getvalue())
    return packed


def dicom(content: bytes) -> None:
    """A DICOM file, to the working grid."""
    to_working_grid(read_image(content, "x.dcm").pixels, (16, 16))


def dicom_seeds() -> list[bytes]:
    """A radiograph as detectors write it: plain, deflated, in run lengths, without meta information, of 32 bits, coloured."""
    path = scratch() / "seed.dcm"
    write_dicom(path, RAMP, 0.2)
    plain = path.read_bytes()
    found = [plain]
    for syntax in (pydicom.uid.DeflatedExplicitVRLittleEndian, pydicom.uid.ImplicitVRLittleEndian):
        found.append(_saved(plain, syntax))
    header = pydicom.dcmread(io.BytesIO(plain))
    header.compress(pydicom.uid.RLELossless)
    found.append(_written(header))
    header = pydicom.dcmread(io.BytesIO(plain))
    header.BitsAllocated, header.BitsStored, header.HighBit = 32, 32, 31
    header.PixelData = RAMP.astype(np.uint32).tobytes()
    header.WindowCenter, header.WindowWidth, header.RescaleSlope, header.RescaleIntercept = 100, 200, 1, -5
    found.append(_written(header))
    header = pydicom.dcmread(io.BytesIO(plain))
    header.BitsAllocated, header.BitsStored, header.HighBit, header.SamplesPerPixel = 8, 8, 7, 3
    header.PhotometricInterpretation, header.PlanarConfiguration = "RGB", 0
    header.PixelData = np.repeat(RAMP[..., None], 3, axis=2).tobytes()
    return [*found, _written(header), plain[132:]]


def _saved(content: bytes, syntax: str) -> bytes:
    header = pydicom.dcmread(io.BytesIO(content))
    header.file_meta.TransferSyntaxUID = syntax
    stream = io.BytesIO()
    implicit = syntax == pydicom.uid.ImplicitVRLittleEndian
    pydicom.dcmwrite(stream, header, implicit_vr=implicit, little_endian=True)
    return stream.getvalue()


def _written(header: pydicom.Dataset) -> bytes:
    stream = io.BytesIO()
    pydicom.dcmwrite(stream, header)
    return stream.getvalue()


def picture(content: bytes) -> None:
    """A PNG, TIFF, JPEG or BMP file, to the working grid."""
    to_working_grid(read_image(content, "x.png").pixels, (16, 16))


def picture_seeds() -> list[bytes]:
    """Every format in the kinds that radiographs come in."""
    grey, wide = Image.fromarray(RAMP), Image.fromarray(RAMP.astype(np.uint16) * 200)
    exif = Image.Exif()
    exif[0x0112] = 6
    found = [
        encoded(one, "PNG")
        for one in (grey, wide, grey.convert("1"), grey.convert("P"), grey.convert("RGBA"))
    ]
    found += [encoded(grey, "JPEG", exif=exif), encoded(grey.convert("RGB"), "JPEG", progressive=True)]
    found += [
        encoded(grey, "BMP"),
        encoded(grey.convert("RGB"), "BMP"),
        encoded(grey, "TIFF", compression="tiff_lzw"),
    ]
    found += [
        encoded(grey, "TIFF", save_all=True, append_images=[grey, grey]),
        encoded(grey.convert("CMYK"), "TIFF"),
    ]
    for values, options in (
        (RAMP.astype(np.float64), {}),
        (RAMP.astype(np.int16), {}),
        (RAMP, {"photometric": "miniswhite"}),
        (RAMP.astype(np.float32), {"tile": (16, 16)}),
    ):
        stream = io.BytesIO()
        tifffile.imwrite(stream, values, **options)
        found.append(stream.getvalue())
    return found


def yaml_config(content: bytes) -> None:
    """Settings of a training or a sweep."""
    from lvcnet.jobs.sweep_config import build_sweep
    from lvcnet.training.config import build_config, read_yaml

    path = scratch() / "config.yaml"
    path.write_bytes(content)
    settings = read_yaml(path)
    try:
        build_config({"dataset": "hips"}, settings)
    except LvcnetError:
        build_sweep(settings)


def yaml_seeds() -> list[bytes]:
    """A training and a sweep."""
    training = (
        "epochs: 40\nwidth: 16\nmethod: lvcnet\nlearning_rate: 2.0e-3\noptions: {warps: 2}\naugment: true\n"
    )
    sweep = "dataset: hips\nmethods: [unet, lvcnet-plus]\nlabels: [clean, 3]\nseeds: [0, 1]\nsettings:\n  epochs: 40\n"
    return [training.encode(), sweep.encode(), b"a: &a [1, 2]\nb: *a\nc: {<<: {d: 2001-01-01}}\n"]


def run_lengths(content: bytes) -> None:
    """A COCO mask of run lengths, as JSON or as compressed text alone."""
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        value = {"size": [HEIGHT, WIDTH], "counts": content.decode("latin-1")}
    if isinstance(value, dict):
        parse_run_lengths(value, HEIGHT, WIDTH).raster(HEIGHT, WIDTH)


def run_lengths_seeds() -> list[bytes]:
    """Compressed and not."""
    from lvcnet.masks.rle import encode_run_lengths

    compressed = encode_run_lengths(MASK > 0)
    plain = {"size": [HEIGHT, WIDTH], "counts": [124, 8, 12, 8, HEIGHT * WIDTH - 152]}
    return [json.dumps(compressed).encode(), json.dumps(plain).encode(), compressed["counts"].encode()]


def polygon(content: bytes) -> None:
    """One outline of an annotation."""
    try:
        values = json.loads(content)
    except (ValueError, RecursionError):
        values = np.frombuffer(content[: len(content) // 8 * 8]).tolist()
    points, _ = check_ring(values, HEIGHT, WIDTH, "fuzz")
    if points is not None:
        from lvcnet.masks.outlines import Ring

        rasterise([Ring(points)], HEIGHT, WIDTH)


def polygon_seeds() -> list[bytes]:
    """A square, one that reaches out of the image, a star, a hundred points."""
    angles = np.linspace(0, 2 * np.pi, 100, endpoint=False)
    circle = np.stack([20 + 8 * np.cos(angles), 10 + 8 * np.sin(angles)], axis=1).ravel().tolist()
    star = [[20, 0], [26, 18], [10, 6], [30, 6], [14, 18]]
    outside = [-5, -5, 50, -5, 50, 30, -5, 30]
    return [json.dumps(one).encode() for one in (SQUARE, outside, star, circle)]


def run_files(content: bytes) -> None:
    """One of a run's JSON files, the first byte says which, read as the list of runs reads them."""
    from lvcnet.runs.directory import RunDirectory
    from lvcnet.runs.summary import summarise

    names = ("config.json", "status.json", "evaluation.json", "about.json", "metrics.jsonl")
    folder = scratch() / "run"
    for name, good in zip(names, run_files_seeds(), strict=True):
        (folder / name).write_bytes(good[1:])
    (folder / names[content[0] % len(names) if content else 0]).write_bytes(content[1:])
    run = RunDirectory(folder)
    run.metrics()
    summarise(run)


@lru_cache(maxsize=1)
def run_files_seeds() -> list[bytes]:
    """What a finished run holds; the first byte is the number of the file."""
    from lvcnet.evaluation.protocol import evaluate_masks

    status = {"state": "running", "epoch": 3, "created": 1.0, "seconds_per_epoch": 2.0, "pid": 1}
    config = {"dataset": "hips", "labels": "clean", "method": "unet", "seed": 0, "epochs": 20}
    row = {"epoch": 1, "loss": 0.3, "validation_iou": 0.5}
    masks = (MASK > 0)[None, None]
    facts = {
        "dataset": "hips",
        "fingerprint": "0",
        "split": "test",
        "against": "clean",
        "epoch": 20,
        "images": 1,
    }
    evaluation = (
        facts | {"parameters": 9, "training_seconds": 1.0} | evaluate_masks(masks, masks, ["a"], ["bone"])
    )
    contents = (config, status, evaluation, {"title": "a", "note": "b"}, row)
    return [bytes([number]) + json.dumps(one).encode() for number, one in enumerate(contents)]


def damaged_run(content: bytes, draw: Any) -> bytes:
    """The number of the file stays."""
    return content[:1] + damaged_json(content[1:], draw)


def checkpoint(content: bytes) -> None:
    """The weights of a small network."""
    from lvcnet.runs.directory import RunDirectory
    from lvcnet.training.checkpoint import load_method

    folder = scratch() / "run"
    (folder / "config.json").write_text(json.dumps(_checkpoint_config()))
    (folder / "checkpoints" / "last.json").write_bytes(_checkpoint_seed()[1])
    (folder / "checkpoints" / "last.safetensors").write_bytes(content)
    load_method(RunDirectory(folder), device="cpu")


def checkpoint_seeds() -> list[bytes]:
    """The weights as a training saves them."""
    return [_checkpoint_seed()[0]]


@lru_cache(maxsize=1)
def _checkpoint_config() -> dict[str, Any]:
    from lvcnet.training.config import build_config

    config = build_config({"dataset": "hips", "method": "unet", "width": 4, "depth": 2})
    return {**config.model_dump(), "data": {"fingerprint": "0", "size": 16, "categories": ["bone"]}}


@lru_cache(maxsize=1)
def _checkpoint_seed() -> tuple[bytes, bytes]:
    import torch

    from lvcnet.runs.directory import RunDirectory
    from lvcnet.training.checkpoint import build_method, config_of, save_weights

    folder = scratch() / "run"
    (folder / "config.json").write_text(json.dumps(_checkpoint_config()))
    run = RunDirectory(folder)
    save_weights(run.checkpoints, "last", build_method(config_of(run), 1, torch.device("cpu")), epoch=1)
    return (run.checkpoints / "last.safetensors").read_bytes(), (run.checkpoints / "last.json").read_bytes()


TARGETS: dict[str, Target] = {
    "coco": Target(coco, coco_seeds, damaged_json),
    "labelme": Target(labelme, labelme_seeds, damaged_json),
    "masks": Target(masks, masks_seeds, damaged_picture),
    "zip": Target(archive, archive_seeds, damaged_zip),
    "dicom-bytes": Target(dicom, dicom_seeds, havoc),
    "dicom-tags": Target(dicom, dicom_seeds, damaged_tags),
    "picture": Target(picture, picture_seeds, damaged_picture),
    "yaml": Target(yaml_config, yaml_seeds, damaged_yaml),
    "run-lengths": Target(run_lengths, run_lengths_seeds, damaged_json),
    "polygon": Target(polygon, polygon_seeds, damaged_json),
    "run-files": Target(run_files, run_files_seeds, damaged_run),
    "checkpoint": Target(checkpoint, checkpoint_seeds, havoc),
}
