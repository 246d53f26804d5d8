"""Write the sample radiographs that the inference app offers: `python -m lab.samples`.

They are phantoms that belong to no data set: seed and keys are their own.
"""

from pathlib import Path

import numpy as np
import pydicom
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ComputedRadiographyImageStorage, ExplicitVRLittleEndian

from lvcnet import workspace
from lvcnet.data.phantom.make import render

SEED = 2026
SIZE = 512
FIELD_MM = 400.0
"""Width of the field of view that the DICOM sample states, in mm."""


def write_samples(folder: Path) -> list[Path]:
    """Write three PNG radiographs and a DICOM one; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number in range(1, 4):
        path = folder / f"hip-{number}.png"
        Image.fromarray(render(SEED, path.stem, SIZE)[0]).save(path, optimize=True)
        paths.append(path)
    path = folder / "hip-4.dcm"
    write_dicom(path, render(SEED, path.stem, SIZE)[0], FIELD_MM / SIZE)
    return [*paths, path]


def write_dicom(path: Path, pixels: NDArray[np.uint8], spacing_mm: float) -> None:
    """Write a grey image as a 12-bit MONOCHROME1 radiograph, as detectors deliver it.

    Args:
        path: file to write.
        pixels: (H, W) uint8, bright is dense.
        spacing_mm: distance of neighbouring pixels.
    """
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = ComputedRadiographyImageStorage
    meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid(entropy_srcs=["lvcnet", path.stem])
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image = FileDataset(path, {}, file_meta=meta, preamble=b"\0" * 128)
    image.SOPClassUID, image.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    for level in ("Study", "Series"):
        setattr(
            image, f"{level}InstanceUID", pydicom.uid.generate_uid(entropy_srcs=["lvcnet", path.stem, level])
        )
    image.PatientName, image.PatientID = "Phantom^Synthetic", "PHANTOM"
    image.Modality, image.BodyPartExamined, image.ViewPosition = "CR", "PELVIS", "AP"
    image.Rows, image.Columns = pixels.shape
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME1"
    image.BitsAllocated, image.BitsStored, image.HighBit, image.PixelRepresentation = 16, 12, 11, 0
    image.PixelSpacing = [spacing_mm, spacing_mm]
    image.WindowCenter, image.WindowWidth = 2048, 4096
    image.PixelData = (4095 - pixels.astype(np.uint16) * 16).astype("<u2").tobytes()
    image.save_as(path, enforce_file_format=True)


def main() -> None:
    """Write the samples to assets/samples and say where they are."""
    for path in write_samples(workspace.assets_dir() / "samples"):
        print(path)


if __name__ == "__main__":
    main()
