"""The Gradio app: segment a radiograph with a finished run. Mounted by Home.py; alone: `python -m lab.inference_app`.

Programs use its endpoint `/segment` (see `segment_api`).
"""

import os
import shutil
import tempfile
import time
from collections.abc import Callable
from functools import lru_cache, wraps
from pathlib import Path
from typing import Any

import gradio as gr

from lab import overlays, segment
from lvcnet import workspace
from lvcnet.data.images import SUFFIXES, read_image
from lvcnet.errors import LvcnetError

MAX_FILE_SIZE = "200mb"
KEEP_SECONDS = 3600
NOTICE = "Research software, not a medical device: do not use the results for diagnosis or treatment."
ENDPOINT = (
    "Segment one radiograph. file: PNG, JPEG, TIFF or DICOM; run: name of a finished run, as `lvcnet runs` lists it;"
    " threshold: a pixel belongs to the mask from this probability on. Answers with the summary (size, pixel spacing, by"
    " category the area in px and, where the spacing is known, mm2), the mask at the image's own size (PNG, 255 inside;"
    " multi-page TIFF for several categories) and the overlay (PNG)."
)
EMPTY = "Choose a radiograph and a run, then **Segment**."

# The lab shows this app in an iframe of its own origin: make that as tall as the content, so that only the page scrolls.
HEAD = """
<script>
(() => {
  const frame = window.frameElement;
  if (!frame) return;
  document.documentElement.classList.add("framed");
  const grow = () => {
    const content = document.querySelector(".gradio-container .main");
    if (content) frame.style.height = Math.ceil(content.getBoundingClientRect().height + 8) + "px";
  };
  const watch = () => {
    const content = document.querySelector(".gradio-container .main");
    if (!content) return setTimeout(watch, 100);
    new ResizeObserver(grow).observe(content);
  };
  watch();
})();
</script>
"""
CSS = """
.gradio-container .main { padding: 1rem !important; max-width: 1400px !important; flex-grow: 0 !important; }
.framed .gradio-container .main { padding: 0 !important; max-width: none !important; }
.notice p { opacity: 0.8; font-size: 0.9rem; }
.caption-label { font-size: 0.75rem !important; max-width: 100% !important; white-space: normal !important; }
.samples .grid-wrap { height: auto !important; min-height: 0 !important; max-height: none !important; }
.samples .grid-container { grid-template-columns: repeat(4, minmax(0, 1fr)) !important; }
.areas table { width: 100%; border: 0 !important; }
.areas th, .areas td { word-break: normal; padding: 0.4rem 0.5rem 0.4rem 0 !important; border: 0 !important; }
.areas tr { border: 0 !important; border-bottom: 1px solid var(--border-color-primary) !important; }
@media (max-width: 640px) { .picture { height: 370px !important; } }
"""


def theme() -> gr.themes.Base:
    """The lab's colours (see .streamlit/config.toml) and the system's own font: nothing is fetched."""
    fonts = [
        gr.themes.Font(name) for name in ("system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif")
    ]
    mono = [gr.themes.Font(name) for name in ("ui-monospace", "Consolas", "monospace")]
    base = gr.themes.Default(
        primary_hue="sky", neutral_hue="slate", radius_size="sm", font=fonts, font_mono=mono
    )
    return base.set(
        body_background_fill="#FFFFFF",
        body_background_fill_dark="#0F141A",
        body_text_color_subdued="*neutral_600",
        button_primary_background_fill="#1668A8",
        button_primary_background_fill_hover="#12578D",
        button_primary_background_fill_dark="#1668A8",
        button_primary_background_fill_hover_dark="#2A7DBF",
        button_primary_text_color="#FFFFFF",
        button_primary_text_color_dark="#FFFFFF",
        block_background_fill_dark="#151C24",
        block_label_background_fill_dark="#1A222B",
        input_background_fill_dark="#1A222B",
        background_fill_secondary_dark="#1A222B",
        border_color_primary_dark="#2B3642",
        block_border_color_dark="#2B3642",
        slider_color="#1668A8",
        slider_color_dark="#4FA8DE",
    )


def serving_options() -> dict[str, Any]:
    """What both ways of serving the app have in common."""
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


def shows_errors(function: Callable[..., Any]) -> Callable[..., Any]:
    """A user's mistake becomes a message on the screen (and in the API's answer), not a traceback."""

    @wraps(function)
    def wrapper(*arguments: Any, **named: Any) -> Any:
        try:
            return function(*arguments, **named)
        except LvcnetError as error:
            raise gr.Error(str(error), duration=None, print_exception=False, title="Not segmented") from None

    return wrapper


@shows_errors
def segment_api(file: str | None, run: str, threshold: float = 0.5) -> tuple[dict[str, Any], str, str]:
    """Segment one radiograph.

    Args:
        file: PNG, JPEG, TIFF or DICOM.
        run: name of a finished run, as `lvcnet runs` lists it.
        threshold: a pixel belongs to the mask from this probability on, 0 to 1.

    Returns:
        summary (image size, pixel spacing, by category the area in pixels and mm2), mask file at the image's own size
        (PNG; multi-page TIFF if there are several categories), overlay (PNG).
    """
    result = segment.segment(_given(file), run)
    level = _checked_threshold(threshold)
    folder = _output_folder()
    return (
        segment.summary(result, level),
        str(segment.write_masks(result, level, folder)),
        str(segment.write_overlay(result, level, 0.35, folder)),
    )


@shows_errors
def on_segment(
    file: str | None, run: str | None, progress: gr.Progress = gr.Progress()
) -> segment.Segmentation:
    """The button: predict once; threshold and opacity only draw again.

    A click that comes before the page has listed its runs means the run that the list will open with.
    """
    path = _given(file)
    progress(0.2, desc="Segmenting")
    return segment.segment(path, run or first_run() or "")


@shows_errors
def on_draw(result: segment.Segmentation | None, threshold: float, opacity: float) -> tuple[Any, ...]:
    """Overlay, before and after, table and downloads for what was predicted."""
    if result is None:
        return None, None, EMPTY, *(gr.DownloadButton(interactive=False) for _ in range(3))
    folder = _output_folder()
    files = [
        segment.write_masks(result, threshold, folder),
        segment.write_overlay(result, threshold, opacity, folder),
        segment.write_coco(result, threshold, folder),
    ]
    before = overlays.fit(overlays.to_rgb(result.radiograph.pixels))
    after = overlays.fit(segment.overlay(result, threshold, opacity))
    table = area_table(segment.summary(result, threshold))
    return (
        after,
        (before, after),
        table,
        *(gr.DownloadButton(value=str(path), interactive=True) for path in files),
    )


def on_maps(result: segment.Segmentation | None) -> list[tuple[overlays.Rgb, str]]:
    """The gallery of maps."""
    return segment.map_pictures(result) if result else []


def on_load(request: gr.Request) -> gr.Dropdown:
    """Runs may have finished since the page was opened last; `?run=NAME` in the address chooses one."""
    choices = segment.run_choices()
    asked = request.query_params.get("run")
    known = asked in [name for _, name in choices]
    return gr.Dropdown(choices=choices, value=asked if known else first_run())


def first_run() -> str | None:
    """The run that is chosen unless somebody chooses another."""
    return next((name for _, name in segment.run_choices()), None)


def on_sample(event: gr.SelectData) -> str:
    """A click on a sample chooses its file."""
    return str(segment.samples()[event.index])


def area_table(answer: dict[str, Any]) -> str:
    """The summary as a markdown table."""
    lines = ["| Category | Area (px) | Area (mm²) | Share of the image |", "|---|--:|--:|--:|"]
    for row in answer["categories"]:
        area = f"{row['area_mm2']:,.0f}" if row["area_mm2"] is not None else "spacing unknown"
        lines.append(f"| {row['name']} | {row['area_px']:,} | {area} | {row['fraction']:.1%} |")
    size = f"{answer['width']} x {answer['height']} px"
    spacing = answer["spacing_mm"]
    known = f", pixels of {spacing[0]:.3g} x {spacing[1]:.3g} mm" if spacing else ""
    return "\n".join([f"**{answer['image']}** ({size}{known}), run `{answer['run']}`", "", *lines])


def build() -> gr.Blocks:
    """The app's layout and what its controls do."""
    os.environ.setdefault("GRADIO_TEMP_DIR", _private_folder().name)
    with gr.Blocks(
        title="LVC-Net Lab: inference", analytics_enabled=False, delete_cache=(600, KEEP_SECONDS)
    ) as app:
        result = gr.State(None, time_to_live=KEEP_SECONDS)
        gr.Markdown(NOTICE, elem_classes="notice")
        with gr.Row():
            with gr.Column(scale=2, min_width=300):
                file = gr.File(
                    label="Radiograph: PNG, JPEG, TIFF or DICOM",
                    file_types=list(SUFFIXES),
                    type="filepath",
                    height=170,
                )
                sample = _sample_gallery()
                run = gr.Dropdown(label="Run", info="Finished trainings; the demo runs ship with the lab.")
                button = gr.Button("Segment", variant="primary")
            with gr.Column(scale=3, min_width=300):
                with gr.Tab("Overlay"):
                    picture = gr.Image(
                        show_label=False,
                        height=520,
                        buttons=["fullscreen"],
                        interactive=False,
                        elem_classes="picture",
                    )
                with gr.Tab("Before and after"):
                    slider = gr.ImageSlider(
                        show_label=False, max_height=520, buttons=["fullscreen"], interactive=False
                    )
                with gr.Tab("Maps"):
                    maps = gr.Gallery(
                        show_label=False,
                        columns=3,
                        height=520,
                        object_fit="contain",
                        interactive=False,
                        elem_classes="picture",
                    )
                table = gr.Markdown(EMPTY, elem_classes="areas")
                with gr.Row():
                    threshold = gr.Slider(
                        0.05, 0.95, 0.5, step=0.01, label="Threshold", info="Inside from this probability on."
                    )
                    opacity = gr.Slider(
                        0.0, 1.0, 0.35, step=0.05, label="Opacity", info="Of the overlay; outlines stay."
                    )
                with gr.Row():
                    downloads = [
                        gr.DownloadButton(f"Download {what}", interactive=False, size="md", min_width=140)
                        for what in ("mask", "overlay", "COCO")
                    ]
        drawn = [picture, slider, table, *downloads]
        hidden: dict[str, Any] = {"api_visibility": "private"}
        chosen = sample.select(on_sample, None, file, **hidden)
        for event in (button.click, chosen.then):
            predicted = event(on_segment, [file, run], result, show_progress_on=picture, **hidden)
            predicted.success(on_draw, [result, threshold, opacity], drawn, **hidden)
            predicted.success(on_maps, result, maps, **hidden)
        for control in (threshold, opacity):
            control.change(
                on_draw,
                [result, threshold, opacity],
                drawn,
                show_progress="hidden",
                trigger_mode="always_last",  # while a picture is drawn, only the newest wish waits
                **hidden,
            )
        app.load(on_load, None, run, **hidden)
        _add_endpoint()
    return app


def _add_endpoint() -> None:
    """`/segment` for programs: components that nobody sees give its inputs and outputs their types."""
    with gr.Row(visible=False):
        file = gr.File(label="file", type="filepath")
        run = gr.Textbox(label="run")
        threshold = gr.Number(0.5, label="threshold")
        outputs = [gr.JSON(label="summary"), gr.File(label="mask"), gr.File(label="overlay")]
        gr.Button().click(
            segment_api, [file, run, threshold], outputs, api_name="segment", api_description=ENDPOINT
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


def _given(file: str | None) -> Path:
    if not file:
        raise LvcnetError("no radiograph was given: upload a PNG, JPEG, TIFF or DICOM file, or pick a sample")
    return Path(file)


def _checked_threshold(threshold: float) -> float:
    if not 0.0 <= threshold <= 1.0:
        raise LvcnetError(f"threshold {threshold} is not possible: choose a probability from 0 to 1")
    return float(threshold)


@lru_cache(maxsize=1)
def _private_folder() -> tempfile.TemporaryDirectory[str]:
    """One folder a process that only this user can read, deleted when the process ends: it holds radiographs."""
    return tempfile.TemporaryDirectory(prefix="lvcnet-lab-")


def _output_folder() -> Path:
    """A new folder for one answer; folders of answers that are older than an hour go."""
    parent = Path(_private_folder().name) / "answers"
    parent.mkdir(exist_ok=True)
    for old in parent.iterdir():
        if time.time() - old.stat().st_mtime > KEEP_SECONDS:
            shutil.rmtree(old, ignore_errors=True)
    return Path(tempfile.mkdtemp(dir=parent))


def main() -> None:
    """Serve the app alone on 127.0.0.1."""
    build().queue().launch(server_name="127.0.0.1", share=False, quiet=False, **serving_options())


if __name__ == "__main__":
    main()
