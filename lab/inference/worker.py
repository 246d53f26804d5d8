"""The process that predicts: `python -m lab.inference.worker LINE NICENESS`, started by predicting.py.

It reads radiographs, too: whatever a damaged file does, it does it here.
"""

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from lab.inference import segment
from lvcnet.errors import LvcnetError
from lvcnet.inference.batch import Outcome, segment_files
from lvcnet.inference.download import write_download
from lvcnet.inference.finished import load_predictor
from lvcnet.inference.segmentation import summarise
from lvcnet.priority import step_back

BATCHES: dict[str, Iterator[Outcome]] = {}
"""Batches that were begun, by their folder."""
MOST_BATCHES = 16


def predict(path: str, run: str, folder: str) -> dict[str, Any]:
    """Segment a radiograph for the page: what there is to draw lies in `folder` afterwards."""
    (result,) = segment.segment_runs(Path(path), [run])
    prediction = result.prediction
    np.save(f"{folder}/pixels.npy", result.radiograph.pixels)
    maps: dict[str, Any] = {name: value.numpy() for name, value in prediction.maps.named.items()}
    if prediction.fine is not None:
        np.save(f"{folder}/{run}-fine.npy", prediction.fine)
    np.savez(f"{folder}/{run}-maps.npz", prediction=prediction.maps.prediction.numpy(), **maps)
    np.save(f"{folder}/{run}-working.npy", prediction.working)
    return {
        "method": result.method,
        "spacing": result.radiograph.spacing_mm,
        "notes": result.radiograph.notes,
        "categories": result.categories,
        "outlines": prediction.outlines,
    }


def answer(path: str, run: str, threshold: float, folder: str) -> list[Any]:
    """Segment a radiograph for a program: summary, and the paths of mask and overlay."""
    (found,) = segment.segment_runs(Path(path), [run])
    result = found.at(threshold)
    kinds = {kind: Path(folder) / kind for kind in ("masks", "overlay")}
    for kind in kinds.values():
        kind.mkdir()
    files = [str(write_download([result], kind, 0.35, place)) for kind, place in kinds.items()]
    return [summarise(result), *files]


def batch(
    paths: list[str],
    run: str,
    threshold: float,
    formats: list[str],
    names: list[str],
    folder: str,
    anonymise: bool,
) -> dict[str, Any] | None:
    """Begin a batch, or go on with it: what became of the next file; None at the end."""
    if folder not in BATCHES:
        while len(BATCHES) >= MOST_BATCHES:  # somebody left
            BATCHES.pop(next(iter(BATCHES)))
        BATCHES[folder] = segment_files(
            load_predictor(run),
            list(map(Path, paths)),
            Path(folder),
            threshold,
            formats,
            names,
            anonymise=anonymise,
        )
    outcome = next(BATCHES[folder], None)
    if outcome is None:
        del BATCHES[folder]
        return None
    return asdict(outcome)


DOES: dict[str, Callable[..., Any]] = {"predict": predict, "answer": answer, "batch": batch}


def reply(question: dict[str, Any]) -> dict[str, Any]:
    """Do what is asked, and say what came of it."""
    os.environ["LVCNET_HOME"] = question["home"]
    try:
        return {"answer": DOES[question["do"]](**question["with"])}
    except LvcnetError as error:
        return {"problem": str(error)}
    except MemoryError:
        return {"problem": "there is not enough memory for this radiograph: reduce it first"}
    except Exception as error:
        return {"problem": f"the radiograph could not be segmented ({type(error).__name__}: {error})"}


def main() -> None:
    """Answer until the lab hangs up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the lab, which then hangs up
    step_back(int(sys.argv[2]), starts_others=False)
    line = Connection(int(sys.argv[1]))
    while True:
        try:
            question = json.loads(line.recv_bytes())
            line.send_bytes(json.dumps(reply(question)).encode())
        except (EOFError, OSError):
            return


if __name__ == "__main__":
    main()
