"""How fast the lab answers and whether it grows: `python benchmarks/lab_speed.py --output benchmarks/results/lab-speed.md`.

Starts the lab on the demo data and an empty workspace, and measures for every page
- first content: from asking for the address until a table, picture, figure or field is drawn (browser, scripts cached);
- server: one run of the page's script in a new session, data cached;
- memory: resident memory of the server while page after page is opened, each as a session of its own.
"""

import argparse
import os
import platform
import sys
import tempfile
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from statistics import median

import numpy as np
import psutil
from playwright.sync_api import Browser
from shown import shown_command
from streamlit.testing.v1 import AppTest

from lab.headless import IDLE, open_browser, serve_lab
from lab.ui.navigation import ENTRIES
from lvcnet.comparison.formats import markdown_table
from lvcnet.training.commit import current_commit

FIRST_CONTENT_MS, SERVER_MS, GROWTH_MB = 1000, 300, 10
"""Targets; the last one is megabytes in a hundred page views, once the lab has seen every page a few times."""
PATIENCE = 180_000
USEFUL = ", ".join(
    f"[data-testid=stMain] [data-testid={name}]"
    for name in (
        *("stTable", "stDataFrame", "stImage", "stPlotlyChart", "stMetric", "stSelectbox"),
        *("stTextInput", "stAlert", "stLinkButton"),
    )
)
WATCH = f"""
new MutationObserver((_, observer) => {{
  if (document.querySelector("{USEFUL}")) {{
    window.firstContent = performance.now();
    observer.disconnect();
  }}
}}).observe(document, {{ childList: true, subtree: true }});
"""
TIMED = """
import runpy, time
import streamlit as st
wall, processor = time.perf_counter(), time.thread_time()
try:
    runpy.run_path({path!r})
finally:
    st.session_state["took"] = (1000 * (time.perf_counter() - wall), 1000 * (time.thread_time() - processor))
"""


@dataclass(frozen=True)
class Memory:
    """Resident memory in MB after so many page views."""

    views: list[int]
    mb: list[float]

    def growth(self) -> float:
        """MB in a hundred views, a line through the second half: in the first one, caches fill."""
        half = len(self.views) // 2
        return 100 * float(np.polyfit(self.views[half:], self.mb[half:], 1)[0])


def main() -> None:
    """Measure and report."""
    options = parse_options()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        os.environ["LVCNET_HOME"] = str(home)
        with serve_lab(home, Path(folder) / "log.txt") as address, open_browser() as browser:
            content = {key: first_content(browser, address, key, options.loads) for key in ENTRIES}
            memory = watch_memory(browser, address, server_process(), options.views)
        server = {key: script_time(key, options.loads) for key in ENTRIES}
    text = report(content, server, memory)
    print(text)
    if options.output:
        options.output.write_text(text + "\n", encoding="utf-8")


def parse_options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--loads", type=int, default=7, help="of every page; the median counts")
    parser.add_argument(
        "--views", type=int, default=200, help="pages that are opened while memory is watched"
    )
    parser.add_argument("--output", type=Path, help="write the report there, too")
    return parser.parse_args()


def first_content(browser: Browser, address: str, key: str, loads: int) -> list[float]:
    """Milliseconds to the first useful content, load by load; one load before them fills the browser's cache."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.add_init_script(WATCH)
    found = []
    for _ in range(loads + 1):
        page.goto(f"{address}/{key}", wait_until="commit", timeout=PATIENCE)
        page.wait_for_function("() => window.firstContent", timeout=PATIENCE)
        found.append(float(page.evaluate("window.firstContent")))
        page.wait_for_selector(IDLE, timeout=PATIENCE)
    context.close()
    return found[1:]


def script_time(key: str, loads: int) -> list[tuple[float, float]]:
    """Milliseconds of one run of the page's script without a browser, by the clock and of the processor.

    Each run is a session of its own; one run before them fills the caches.
    """
    found = []
    for _ in range(loads + 1):
        page = AppTest.from_string(TIMED.format(path=str(ENTRIES[key].path)), default_timeout=PATIENCE / 1000)
        page.run()
        assert not page.exception, f"{key}: {page.exception}"
        found.append(page.session_state["took"])
    return found[1:]


def server_process() -> psutil.Process:
    """The lab that this benchmark started."""
    return next(child for child in psutil.Process().children() if "streamlit" in child.cmdline())


def watch_memory(browser: Browser, address: str, server: psutil.Process, views: int) -> Memory:
    """Open page after page and look at the server's memory after each round of all pages."""
    memory = Memory([], [])
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    for number, key in enumerate(islice(cycle(ENTRIES), views), start=1):
        page.goto(f"{address}/{key}", timeout=PATIENCE)
        page.wait_for_selector(IDLE, timeout=PATIENCE)
        if number % len(ENTRIES) == 0:
            memory.views.append(number)
            memory.mb.append(server.memory_info().rss / 2**20)
    context.close()
    return memory


def report(
    content: dict[str, list[float]], server: dict[str, list[tuple[float, float]]], memory: Memory
) -> str:
    """The figures as markdown, with what was asked for."""
    rows = [
        [
            ENTRIES[key].title,
            f"{median(content[key]):.0f}",
            f"{max(content[key]):.0f}",
            f"{_median(server[key], 0):.0f}",
            f"{_median(server[key], 1):.0f}",
            _verdict(median(content[key]) < FIRST_CONTENT_MS and _median(server[key], 1) < SERVER_MS),
        ]
        for key in ENTRIES
    ]
    header = ["Page", "First content ms", "Slowest ms", "Server ms", "of it processor ms", "Targets"]
    loads = len(next(iter(content.values())))
    busy = os.getloadavg()[1] / (os.cpu_count() or 1)
    return "\n".join(
        [
            "# The lab's speed and memory",
            "",
            f"Command: `{shown_command('lab_speed.py', sys.argv[1:])}`; commit {current_commit()};"
            f" {platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()},"
            f" demo data. While it ran, {busy:.1f} processes wanted each core: the browser, the server, and whatever else"
            " the machine did.",
            "",
            f"Medians of {loads} loads. Targets: first content below {FIRST_CONTENT_MS} ms, processor time of the"
            f" server below {SERVER_MS} ms: the clock also counts what else the machine does.",
            "",
            markdown_table(header, rows),
            "",
            f"Memory of the server: {memory.mb[0]:.0f} MB after {memory.views[0]} page views,"
            f" {memory.mb[len(memory.mb) // 2]:.0f} MB after {memory.views[len(memory.mb) // 2]},"
            f" {memory.mb[-1]:.0f} MB after {memory.views[-1]}. Growth over the second half:"
            f" {memory.growth():.1f} MB in 100 views; target: below {GROWTH_MB}:"
            f" {_verdict(memory.growth() < GROWTH_MB)}.",
        ]
    )


def _median(pairs: list[tuple[float, float]], which: int) -> float:
    return median(pair[which] for pair in pairs)


def _verdict(met: bool) -> str:
    return "met" if met else "missed"


if __name__ == "__main__":
    main()
