"""Shoot every page of the lab: `python benchmarks/screenshots.py --variants wide-light` renews docs/images.

Starts the lab on a free port with the given workspace, opens every page wide and on a phone, in the light and the dark
theme, and writes PAGE-WIDTH-THEME.png. With `--views` every other view of a page, too, as PAGE-VIEW-WIDTH-THEME.png.
Fails if a page shows an error, is wider than its window, or asks for anything outside this machine.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlencode

from PIL import Image
from playwright.sync_api import Browser, Page

from lab.headless import foreign_requests, open_browser, serve_lab, sideways, wait_until_idle
from lab.ui.navigation import ENTRIES
from lvcnet import workspace

WIDTHS = {"wide": (1440, 900), "phone": (390, 844)}
THEMES = ("light", "dark")
TALLEST = 2600
"""Longest screenshot in pixels; longer pages are cut there."""
RUN = {"run": "hips-lvcnet-plus-level3-s0"}
FIRST: dict[str, dict[str, str]] = {"inspect": RUN, "runs": RUN}
"""What a page is asked for where its own first choice shows less."""
VIEWS: dict[str, dict[str, dict[str, str]]] = {
    "data": {
        "image": {"labels": "level3", "image": "train-0001", "beside": "level3"},
        "statistics": {"view": "statistics"},
        "agreement": {"view": "agreement"},
        "export": {"view": "export"},
        "import": {"view": "import"},
        "phantom": {"view": "phantom"},
    },
    "noise": {"disagreement": {"draw": "disagreement", "family": "shift", "level": "4"}},
    "train": {"sweep": {"form": "sweep"}},
    "compare": {
        "side-by-side": {"view": "side-by-side"},
        "image-by-image": {"view": "image-by-image"},
        "planner": {"view": "planner"},
        "tables": {"view": "tables"},
        "export": {"view": "export"},
    },
    "inspect": {
        "maps": {**RUN, "part": "maps"},
        "film": {**RUN, "part": "film"},
        "checkpoint": {**RUN, "source": "checkpoint"},
    },
    "correct": {"edit": {"mode": "edit"}, "use": {"view": "use"}, "new": {"view": "new"}},
}
"""The other views of a page and what its address says then."""


def main() -> int:
    """Parse the options, shoot, report; returns the exit status."""
    options = parse_options()
    options.output.mkdir(parents=True, exist_ok=True)
    problems: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        home = options.workspace or Path(folder) / "home"
        with serve_lab(home, Path(folder) / "log.txt") as address, open_browser() as browser:
            for variant in options.variants:
                for name, place in places(options.pages, options.views).items():
                    path = options.output / f"{name}-{variant}.png"
                    problems += shoot(browser, f"{address}/{place}", variant, path)
                    print(path, flush=True)
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
    parser.add_argument("--views", action="store_true", help="the other views of the pages, too")
    parser.add_argument("--variants", nargs="+", choices=variants, default=variants)
    return parser.parse_args()


def places(pages: list[str], views: bool) -> dict[str, str]:
    """What to shoot: names of pictures, and the place in the lab that each shows.

    >>> places(["train"], views=True)
    {'train': 'train?', 'train-sweep': 'train?form=sweep'}
    """
    found: dict[str, str] = {}
    for page in pages:
        found[page] = f"{page}?{urlencode(FIRST.get(page, {}))}"
        if views:
            others = VIEWS.get(page, {}).items()
            found |= {f"{page}-{view}": f"{page}?{urlencode(query)}" for view, query in others}
    return found


def shoot(browser: Browser, address: str, variant: str, path: Path) -> list[str]:
    """Open one page in one variant and write its picture; returns what was wrong with it."""
    width, theme = variant.split("-")
    size = WIDTHS[width]
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, color_scheme="dark" if theme == "dark" else "light"
    )
    page = context.new_page()
    foreign = foreign_requests(page)
    page.goto(address)
    wait_until_drawn(page)
    if "/inference?" in address:
        segment_sample(page)
    fit_height(page, size[0], size[1])
    page.screenshot(path=path, animations="disabled")
    shrink(path)
    errors = page.locator("[data-testid='stException']").all_inner_texts()
    if (excess := sideways(page)) > 0:
        errors.append(f"{excess} px wider than the window")
    context.close()
    return [f"{path.name}: {problem}" for problem in [*errors, *foreign]]


def shrink(path: Path) -> None:
    """Reduce the picture to 256 colours, the many near-white greys of the page among them: a third of the size."""
    with Image.open(path) as picture:
        small = picture.convert("RGB").quantize(256, method=Image.Quantize.MEDIANCUT)
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
    """Make the window as tall as the page's content, which grows while it loads: Streamlit scrolls inside of it."""
    script = (
        "() => document.querySelector('[data-testid=stMainBlockContainer]').getBoundingClientRect().height"
    )
    before = 0
    while (tall := int(page.evaluate(script))) != before:
        before = tall
        page.set_viewport_size({"width": width, "height": min(TALLEST, max(least, tall))})
        wait_until_drawn(page)


def wait_until_drawn(page: Page) -> None:
    """Until no part of the page is a grey box any more: on a busy machine they stay longer than the script runs."""
    wait_until_idle(page)
    page.wait_for_function("() => !document.querySelector('[data-testid=stSkeleton]')", timeout=60_000)
    page.wait_for_timeout(1000)


if __name__ == "__main__":
    sys.exit(main())
