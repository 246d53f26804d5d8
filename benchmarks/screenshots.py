"""Shoot every page of the lab: `python benchmarks/screenshots.py --output docs/images`.

Starts the lab on a free port with the given workspace, opens every page wide and on a phone, in the light and the dark
theme, and writes PAGE-WIDTH-THEME.png. Fails if a page shows an error or asks for anything outside this machine.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page

from lab.headless import foreign_requests, open_browser, serve_lab, wait_until_idle
from lab.navigation import ENTRIES
from lvcnet import workspace

WIDTHS = {"wide": (1440, 900), "phone": (390, 844)}
THEMES = ("light", "dark")
TALLEST = 2600
"""Longest screenshot in pixels; longer pages are cut there."""


def main() -> int:
    """Parse the options, shoot, report; returns the exit status."""
    options = parse_options()
    options.output.mkdir(parents=True, exist_ok=True)
    problems: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        home = options.workspace or Path(folder) / "home"
        with serve_lab(home, Path(folder) / "log.txt") as address, open_browser() as browser:
            for variant in options.variants:
                for key in options.pages:
                    path = options.output / f"{key}-{variant}.png"
                    problems += shoot(browser, address, key, variant, path)
                    print(path)
    print(*problems, sep="\n", file=sys.stderr)
    return 1 if problems else 0


def parse_options() -> argparse.Namespace:
    """The command line."""
    variants = [f"{width}-{theme}" for width in WIDTHS for theme in THEMES]
    given = os.environ.get("LVCNET_HOME")
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("docs/images"), help="folder for the pictures")
    parser.add_argument(
        "--workspace",
        type=Path,
        default=workspace.home() if given else None,
        help="default: LVCNET_HOME, else an empty one, so that only the demo data is seen",
    )
    parser.add_argument("--pages", nargs="+", choices=list(ENTRIES), default=list(ENTRIES))
    parser.add_argument("--variants", nargs="+", choices=variants, default=variants)
    return parser.parse_args()


def shoot(browser: Browser, address: str, key: str, variant: str, path: Path) -> list[str]:
    """Open one page in one variant and write its picture; returns what was wrong with it."""
    width, theme = variant.split("-")
    size = WIDTHS[width]
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, color_scheme="dark" if theme == "dark" else "light"
    )
    page = context.new_page()
    foreign = foreign_requests(page)
    page.goto(f"{address}/{key}")
    wait_until_idle(page)
    if key == "inference":
        segment_sample(page)
    fit_height(page, size[0], size[1])
    page.screenshot(path=path, animations="disabled")
    shrink(path)
    errors = page.locator("[data-testid='stException']").all_inner_texts()
    context.close()
    return [f"{path.name}: {problem}" for problem in [*errors, *foreign]]


def shrink(path: Path) -> None:
    """Reduce the picture to 256 colours: a third of the size, and no difference to the eye."""
    with Image.open(path) as picture:
        small = picture.convert("RGB").quantize(
            256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.FLOYDSTEINBERG
        )
    small.save(path, optimize=True)


def segment_sample(page: Page) -> None:
    """Let the inference app segment its DICOM sample, if there is a run that can."""
    if page.get_by_text("There is no finished run yet").count():
        return
    app = page.frame_locator("iframe[src*='/gradio/']")
    # The app lists its runs once it listens; a click before that is lost.
    app.locator(".token").first.wait_for(timeout=60_000)
    app.locator(".samples button").last.click(timeout=60_000)
    app.get_by_text("Longest diameter", exact=True).first.wait_for(timeout=120_000)
    page.wait_for_timeout(1500)  # until the picture is decoded and the frame has grown


def fit_height(page: Page, width: int, least: int) -> None:
    """Make the window as tall as the page's content: Streamlit scrolls inside of it."""
    script = (
        "() => document.querySelector('[data-testid=stMainBlockContainer]').getBoundingClientRect().height"
    )
    tall = int(page.evaluate(script))
    page.set_viewport_size({"width": width, "height": min(TALLEST, max(least, tall))})
    wait_until_idle(page)
    page.wait_for_timeout(1000)


if __name__ == "__main__":
    sys.exit(main())
