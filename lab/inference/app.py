"""The Gradio app: segment radiographs with finished runs. Mounted by Home.py; alone: `python -m lab.inference.app`.

Here is where its controls are; what they do is in inference_events.py, what is computed in segment.py, the endpoints for
programs in inference_api.py.
"""

import os
from typing import Any, NamedTuple

import gradio as gr
import uvicorn
from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.routing import Mount

from lab.inference import segment
from lab.inference.api import BATCH_FORMATS, KEEP_SECONDS, add_endpoints
from lab.inference.events import (
    DOWNLOADS,
    EMPTY,
    EMPTY_BATCH,
    RADIOGRAPH,
    on_batch,
    on_batch_choice,
    on_cancel,
    on_download,
    on_draw,
    on_file,
    on_files,
    on_load,
    on_maps,
    on_predicted,
    on_preview,
    on_runs,
    on_sample,
    on_segment,
    on_start,
)
from lab.inference.queue import BoundedQueue, keep_no_copy
from lab.inference.style import CSS, HEAD, theme
from lab.serving import layers
from lab.serving.files import OnlyUploads
from lab.serving.settings import Serving
from lab.ui.content_policy import ContentPolicy
from lvcnet import workspace
from lvcnet.data.images import SUFFIXES, read_image
from lvcnet.drawing import overlays
from lvcnet.inference.export import FORMATS
from lvcnet.noise.levels import levels_in_words
from lvcnet.scratch import scratch_folder
from lvcnet.thresholds import THRESHOLD

PORT = 7860
LAST_SECONDS = 5
"""That open streams are waited for when the server is to stop."""
MAX_FILE_SIZE = "200mb"
NOTICE = "Research software, not a medical device: do not use the results for diagnosis or treatment."
SAVE = """(file) => {
  const link = document.createElement("a");
  link.href = file.url;
  link.download = file.orig_name || "";
  document.body.append(link);
  link.click();
  link.remove();
}"""
HIDDEN: dict[str, Any] = {"api_visibility": "private"}


def serving_options() -> dict[str, Any]:
    """How the app is served, wherever it is mounted."""
    return {
        "theme": theme(),
        "css": CSS,
        "head": HEAD,
        "allowed_paths": [str(workspace.assets_dir() / "samples")],
        "max_file_size": MAX_FILE_SIZE,
        "footer_links": [],
        "show_error": True,
        "ssr_mode": False,
        "run_history": False,
    }


def build() -> gr.Blocks:
    """The app's layout and what its controls do."""
    os.environ["GRADIO_TEMP_DIR"] = str(scratch_folder())
    with gr.Blocks(
        title="LVC-Net Lab: inference", analytics_enabled=False, delete_cache=(600, KEEP_SECONDS)
    ) as app:
        gr.Markdown(NOTICE, elem_classes="notice")
        with gr.Tab("One radiograph"):
            runs = _single_tab()
        with gr.Tab("Several files"):
            run = _batch_tab()
        app.load(on_load, None, [runs, run], **HIDDEN)
        add_endpoints()
    BoundedQueue.guard(app)
    return app


def mounted(path: str) -> FastAPI:
    """The app, served below `path` of a host that has nothing else."""
    app = build()
    host = gr.mount_gradio_app(FastAPI(openapi_url=None), app, path=path, **serving_options())
    # Gradio checks the paths that clients name only in an app that was launched, and a mounted one never is: without this
    # any file of the server can be read.
    app.has_launched = True
    mount = host.routes[-1]
    assert isinstance(mount, Mount)
    mount.app = OnlyUploads(mount.app)
    return host


class Asked(NamedTuple):
    """Left half of the tab for one radiograph: what is to be segmented."""

    file: gr.File
    sample: gr.Gallery
    runs: gr.Dropdown
    start: gr.Button
    stop: gr.Button


class Shown(NamedTuple):
    """Right half: how it is drawn, the results, and what can be downloaded."""

    threshold: gr.Slider
    opacity: gr.Slider
    stale: gr.Markdown
    single: gr.Image
    compared: gr.Gallery
    left: gr.Dropdown
    right: gr.Dropdown
    slider: gr.ImageSlider
    shown: gr.Dropdown
    maps: gr.Gallery
    table: gr.HTML
    downloads: dict[str, gr.Button]
    anonymise: gr.Checkbox
    no_seg: gr.Markdown


def _single_tab() -> gr.Dropdown:
    """One radiograph, one or several runs; returns the choice of runs."""
    with gr.Row():
        with gr.Column(scale=2, min_width=300):
            asked = _asked()
        with gr.Column(scale=4, min_width=300):
            shown = _shown()
    _connect(asked, shown)
    return asked.runs


def _asked() -> Asked:
    file = gr.File(
        label="Radiograph: PNG, JPEG, TIFF or DICOM",
        file_types=list(SUFFIXES),
        type="filepath",
        height=170,
    )
    keep_no_copy(file)
    sample = _sample_gallery()
    runs = gr.Dropdown(
        label="Runs",
        info=f"Several are shown side by side, {segment.MOST_RUNS} at most. The demo runs ship with the lab."
        f" {levels_in_words()}",
        multiselect=True,
        max_choices=segment.MOST_RUNS,
    )
    with gr.Row():
        start = gr.Button("Segment", variant="primary", scale=2)
        stop = gr.Button("Cancel")
    return Asked(file, sample, runs, start, stop)


def _shown() -> Shown:
    with gr.Row():
        threshold = _threshold()
        opacity = gr.Slider(0.0, 1.0, 0.35, step=0.05, label="Opacity", info="Of the overlay; outlines stay.")
    stale = gr.Markdown(visible=False, elem_classes="notice")
    with gr.Tab("Overlay"):
        single = gr.Image(
            show_label=False,
            height=520,
            buttons=["fullscreen"],
            interactive=False,
            elem_classes="picture",
        )
        compared = gr.Gallery(
            show_label=False,
            columns=3,
            height="auto",
            object_fit="contain",
            interactive=False,
            buttons=["fullscreen"],
            visible=False,
            elem_classes="compared",
        )
    with gr.Tab("Before and after"):
        with gr.Row():
            left = gr.Dropdown([("Radiograph", RADIOGRAPH)], label="Left", visible=False)
            right = gr.Dropdown([("Radiograph", RADIOGRAPH)], label="Right", visible=False)
        slider = gr.ImageSlider(show_label=False, max_height=520, buttons=["fullscreen"], interactive=False)
    with gr.Tab("Maps"):
        shown = gr.Dropdown([("", 0)], value=0, label="Maps of", visible=False)
        maps = gr.Gallery(
            show_label=False,
            columns=3,
            height="auto",
            object_fit="contain",
            interactive=False,
            elem_classes=["compared", "maps"],
        )
    table = gr.HTML(f"<p>{EMPTY}</p>", elem_classes="sizes")
    gr.Markdown("**Download**")
    with gr.Row(elem_classes="downloads"):
        downloads = {
            format: gr.Button(what, interactive=False, size="md", min_width=100)
            for format, what in DOWNLOADS.items()
        }
    anonymise = _anonymise()
    no_seg = gr.Markdown(visible=False, elem_classes="notice")
    return Shown(
        threshold, opacity, stale, single, compared, left, right, slider,
        shown, maps, table, downloads, anonymise, no_seg,
    )  # fmt: skip


def _connect(asked: Asked, given: Shown) -> None:
    """What happens in the tab for one radiograph when something is chosen, pressed or done."""
    file, sample, runs, start, stop = asked
    threshold, opacity, stale, single, compared, left, right, slider = given[:8]
    shown, maps, table, downloads, anonymise, no_seg = given[8:]
    results = gr.State(None, time_to_live=KEEP_SECONDS)
    prepared = gr.File(visible=False)
    looks, drawn = [file, results, threshold, opacity, left, right], [single, compared, slider, table]
    seen = [results, *drawn, left, right, shown, maps, no_seg, stale, prepared, *downloads.values()]
    running: list[Any] = [
        control(
            on_draw,
            looks,
            drawn,
            show_progress="hidden",
            trigger_mode="always_last",  # while a picture is drawn, only the newest wish waits
            **HIDDEN,
        )
        for control in (threshold.change, opacity.change, left.input, right.input)
    ]
    running.append(shown.input(on_maps, [file, results, shown], maps, **HIDDEN))
    # What is seen goes before anything new is done, and what is still under way for the file before is dropped. Clicks on
    # samples are answered one after another: "once" loses those that come before an answer, "always_last" repeats the first.
    chosen = sample.select(on_sample, None, [file, *seen], cancels=running, trigger_mode="multiple", **HIDDEN)
    started = start.click(on_start, [file, results], seen, **HIDDEN)
    for event in (started.then, chosen.then):
        predicted = event(
            on_segment,
            [file, runs],
            [results, table],
            show_progress_on=[single, compared],
            trigger_mode="always_last",
            **HIDDEN,
        )
        ready = predicted.success(
            on_predicted,
            [file, runs, results],
            [left, right, shown, no_seg, stale, *downloads.values()],
            trigger_mode="always_last",
            **HIDDEN,
        )
        running += [
            predicted,
            ready,
            ready.success(on_draw, looks, drawn, trigger_mode="always_last", **HIDDEN),
            ready.success(on_maps, [file, results, shown], maps, trigger_mode="always_last", **HIDDEN),
        ]
    for gone in (file.clear, file.delete):
        gone(on_file, None, seen, cancels=running, queue=False, **HIDDEN)
    new = file.upload(on_file, None, seen, cancels=running, queue=False, **HIDDEN)
    previewed = new.then(
        on_preview, file, [single, table], show_progress_on=single, trigger_mode="always_last", **HIDDEN
    )
    runs.input(on_runs, [file, runs, results], stale, queue=False, **HIDDEN)
    stop.click(None, None, None, cancels=[*running, previewed], **HIDDEN)
    for format, download in downloads.items():
        written = download.click(
            on_download, [gr.State(format), file, results, threshold, opacity, anonymise], prepared, **HIDDEN
        )
        written.success(None, prepared, None, js=SAVE)


def _batch_tab() -> gr.Dropdown:
    """Several radiographs, one run, one zip; returns the choice of the run."""
    with gr.Row():
        with gr.Column(scale=2, min_width=300):
            files = gr.File(
                label="Radiographs: PNG, JPEG, TIFF or DICOM",
                file_types=list(SUFFIXES),
                file_count="multiple",
                type="filepath",
                height=220,
            )
            keep_no_copy(files)
            run = gr.Dropdown(
                label="Run", info=f"Finished trainings; the demo runs ship with the lab. {levels_in_words()}"
            )
            threshold = _threshold()
            formats = gr.CheckboxGroup(
                [(format.title, name) for name, format in FORMATS.items()],
                value=list(BATCH_FORMATS),
                label="Files in the zip",
                info="COCO and measurements are one file for all radiographs.",
            )
            anonymise = _anonymise()
            with gr.Row():
                button = gr.Button("Segment all", variant="primary", scale=2)
                stop = gr.Button("Cancel")
        with gr.Column(scale=4, min_width=300):
            said = gr.Markdown(visible=False, elem_classes="notice")
            table = gr.HTML(f"<p>{EMPTY_BATCH}</p>", elem_classes="sizes")
            archive = gr.File(label="Zip", interactive=False)
    done = gr.State(None, time_to_live=KEEP_SECONDS)
    seen = [done, said, table, archive]
    cleared = button.click(on_files, None, seen, **HIDDEN)
    started = cleared.then(
        on_batch,
        [files, run, threshold, formats, anonymise],
        [done, table, archive],
        show_progress_on=archive,
        trigger_mode="always_last",
        **HIDDEN,
    )
    for changed in (files.upload, files.clear, files.delete):
        changed(on_files, None, seen, cancels=started, queue=False, **HIDDEN)
    for choice in (run.input, threshold.release, formats.input, anonymise.input):
        choice(on_batch_choice, [done, run, threshold, formats, anonymise], said, queue=False, **HIDDEN)
    # a place of its own: the step that was under way when the button was pressed still writes into the table
    stop.click(on_cancel, None, said, cancels=started, **HIDDEN)
    return run


def _threshold() -> gr.Slider:
    return gr.Slider(
        0.05, 0.95, THRESHOLD, step=0.01, label="Threshold", info="Inside from this probability on."
    )


def _anonymise() -> gr.Checkbox:
    return gr.Checkbox(
        False,
        label="DICOM SEG without the patient",
        info="Only geometry of the radiograph is kept, UIDs are new. No other format holds patient data.",
    )


def _sample_gallery() -> gr.Gallery:
    """The samples as pictures, DICOM included; a click selects one and does not open it."""
    pictures = [
        (overlays.fit(overlays.to_rgb(read_image(path).pixels), 128, 256), path.suffix.lstrip(".").upper())
        for path in segment.samples()
    ]
    gr.Markdown("Or pick a sample (synthetic hip radiographs):", visible=bool(pictures))
    return gr.Gallery(
        pictures,
        show_label=False,
        columns=4,
        height="auto",
        allow_preview=False,
        interactive=False,
        buttons=[],
        elem_classes="samples",
        visible=bool(pictures),
    )


def main() -> None:
    """Serve the app alone on 127.0.0.1, at the port GRADIO_SERVER_PORT or 7860."""
    port = int(os.environ.get("GRADIO_SERVER_PORT", PORT))
    host = mounted("/")
    host.user_middleware = [Middleware(ContentPolicy, scripts=[HEAD]), *layers(Serving.from_environment())]
    print(f"LVC-Net Lab: inference, at http://127.0.0.1:{port}/")
    uvicorn.run(
        host, host="127.0.0.1", port=port, log_level="warning", timeout_graceful_shutdown=LAST_SECONDS
    )


if __name__ == "__main__":
    main()
