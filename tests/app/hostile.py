"""A workspace whose every name is markup that asks a foreign address, runs a script, or looks like something else."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from lvcnet.correction.folds import labels_digest
from lvcnet.correction.judge import judge_batch
from lvcnet.correction.store import CorrectionWriter
from lvcnet.data.dataset import Dataset
from lvcnet.data.importing.importer import import_coco
from lvcnet.evaluation.protocol import evaluate_run
from lvcnet.noise.calibrate import make_noisy_labels
from lvcnet.runs.about import write_about
from lvcnet.runs.directory import RunDirectory
from lvcnet.training.run import create_run, train
from tests.tiny import tiny_config

SIZE = 32
IMAGES = 12


@contextmanager
def counting_server() -> Iterator[tuple[str, list[str]]]:
    """A server whose address is in the names; yields HOST:PORT and the list of what it was asked for."""
    asked: list[str] = []

    class Counting(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Counting)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}", asked
    server.shutdown()


def attacks(address: str) -> list[str]:
    """What a name may hold: HTML, Markdown, Streamlit's and Plotly's own markup, mathematics, entities."""
    return [
        f'<img src="http://{address}/html" onerror="alert(1)">',
        f"![x](http://{address}/markdown)",
        f"[a](javascript:alert(1)) [b](http://{address}/link)",
        f'<a href="http://{address}/anchor">a</a> <b>b</b><br>',
        ":material/home: :streamlit: :smile:",
        ":red[x] :color[y]{foreground=red} :help[z]",
        "$\\frac{1}{2}$ `c` **b** _i_ ~~s~~ a|b",
        f"&lt;img src=http://{address}/entities&gt; &amp; \\*",
        f'<!-- c --><svg onload="alert(1)"><image href="http://{address}/svg"/></svg>',
        f"<style>@import url(http://{address}/css);</style>",
        f'</script><script>fetch("http://{address}/script")</script> %{{x}} ${{alert(1)}}',
        f'<iframe src="http://{address}/frame"></iframe> https://{address}/auto www.example.com',
    ]


def file_names(address: str) -> list[str]:
    """The same in names of files, where a slash is an entity and a backslash would be a slash."""
    return [f"{attack.replace('/', '&#47;').replace(chr(92), '')}.png" for attack in attacks(address)]


def categories(address: str) -> list[str]:
    """The same in two names of categories."""
    found = attacks(address)
    return [" ".join(found[:6]), " ".join(found[6:])]


def annotations(address: str) -> dict[str, Any]:
    """COCO content: every image has a square of both categories."""
    names = file_names(address)
    squares = [
        {"id": 2 * number + part, "image_id": number, "category_id": part, "segmentation": [_square(part)]}
        for number in range(IMAGES)
        for part in (0, 1)
    ]
    return {
        "images": [
            {"id": number, "file_name": name, "width": SIZE, "height": SIZE}
            for number, name in enumerate(names)
        ],
        "categories": [{"id": part, "name": name} for part, name in enumerate(categories(address))],
        "annotations": squares,
    }


def _square(part: int) -> list[int]:
    low, high = (4, 20) if part == 0 else (14, 28)
    return [low, low, high, low, high, high, low, high]


def write_files(folder: Path, address: str) -> Path:
    """The images, and the COCO file beside them."""
    (folder / "images").mkdir(parents=True)
    for number, name in enumerate(file_names(address)):
        pixels = np.full((SIZE, SIZE), 40 + number, np.uint8)
        pixels[4:20, 4:20] = 200
        Image.fromarray(pixels).save(folder / "images" / name)
    path = folder / "annotations.json"
    path.write_text(json.dumps(annotations(address)))
    return path


def make_hostile(folder: Path, address: str) -> None:
    """In the current workspace: the data set `bad`, noise, two evaluated runs with title and note, a correction."""
    path = write_files(folder, address)
    dataset = import_coco("bad", folder / "images", path, size=SIZE, test_fraction=0.34)
    dataset.save()
    dataset = Dataset.load("bad")
    for level in (1, 4):
        dataset.add_labels(make_noisy_labels(dataset, level))
    for method in ("unet", "lvcnet"):
        snapshots = {"snapshot_every": 1, "snapshot_images": 2}
        config = tiny_config("bad", labels="level4", method=method, epochs=2, **snapshots)
        run = create_run(config, f"bad-{method}")
        assert train(run) == "done"
        evaluate_run(run, device="cpu")
        _name_run(run, address)
    _make_correction(dataset, address)


def _name_run(run: RunDirectory, address: str) -> None:
    write_about(run, attacks(address)[0][:100], "\n".join(attacks(address)))


def _make_correction(dataset: Dataset, address: str) -> None:
    """Proposes the clean masks for the labels `level4`; one decision is signed by a hostile reviewer."""
    rows = dataset.indices("train")
    labels, clean = dataset.labels("level4"), dataset.labels("clean").masks[dataset.indices("train")]
    probability = np.where(clean, 0.9, 0.1).astype(np.float32)
    writer = CorrectionWriter("repair", clean.shape)
    writer.write(np.arange(len(rows)), probability)
    judged = judge_batch(probability, labels.masks[rows], dataset.categories)
    images = [
        {"key": dataset.items[row].key, "run": "none", "confident": 1.0, **one}
        for row, one in zip(rows, judged, strict=True)
    ]
    head = {"dataset": "bad", "labels": "level4", "labels_digest": labels_digest(labels), "method": "unet"}
    correction = writer.finish(
        {**head, "seed": 0, "folds": 2, "runs": ["none"], "clean": None, "images": images}
    )
    correction.decisions.decide(images[0]["key"], "accept", attacks(address)[0], None, {})
