"""What the site has beyond docs/: pages that stand at the top of the repository, results, and the reference of the API.

Links are written for the repository, where they lead to files; here they are turned to lead to pages of the site.
"""

import re
from pathlib import Path, PurePosixPath
from posixpath import normpath, relpath
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent.parent
TOP = {
    "README.md": "index.md",
    "SECURITY.md": "security.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
}
"""File at the top of the repository -> page of the site."""
ROOMS = (
    *("data", "noise", "cues", "masks", "models", "methods", "training", "runs"),
    *("inference", "evaluation", "comparison", "planner", "correction", "jobs"),
)
"""Rooms in the order of the work; each is a page of the reference."""
RESULTS = [
    f"benchmarks/results/{path.name}" for path in sorted((ROOT / "benchmarks" / "results").glob("*.md"))
]
LINK = re.compile(r"(?<=\]\()(?![a-z]+:|#)([^)\s#]+)(#[^)\s]*)?(?=\))")
FOREIGN = re.compile(
    rb"""<(?:script|link|img)[^>]+(?:src|href)=["']?(?:https?:)?//|url\(["']?(?:https?:)?//|@import"""
)
"""What would make a browser ask somebody else when it opens a page; a link waits to be clicked."""


def page_of(path: str) -> str | None:
    """The page, picture or part of the reference that shows a file of the repository; None if there is none.

    >>> page_of("README.md"), page_of("docs/files.md"), page_of("benchmarks/results/load.md")
    ('index.md', 'files.md', 'results/load.md')
    >>> page_of("lvcnet/data/formats/coco.py"), page_of("lvcnet/cli/lab.py")
    ('reference/data.md#lvcnet.data.formats.coco', None)
    """
    parts = PurePosixPath(path).parts
    if path in TOP:
        return TOP[path]
    if parts[0] in ("docs", "assets"):
        return path.removeprefix("docs/")
    if parts[:2] == ("benchmarks", "results") and path.endswith(".md"):
        return f"results/{parts[-1]}"
    if parts[0] == "lvcnet" and len(parts) > 2 and parts[1] in ROOMS and path.endswith(".py"):
        return f"reference/{parts[1]}.md#{'.'.join(PurePosixPath(path).with_suffix('').parts)}"
    return None


def for_site(markdown: str, path: str) -> str:
    """Markdown of a file of the repository, with its links turned.

    A link to a file without a page loses its target; what is not there at all is a mistake.

    Raises:
        PluginError: for a link to nothing.

    >>> for_site("[a](../SECURITY.md#b), [c](../.ci/run), [d](https://e.org)", "docs/files.md")
    '[a](security.md#b), c, [d](https://e.org)'
    """
    here = page_of(path) or path

    def turned(found: re.Match[str]) -> str:
        target, anchor = found[1], found[2] or ""
        file = normpath(f"{PurePosixPath(path).parent}/{target}")
        if not (ROOT / file).exists():
            raise PluginError(f"{path} links to {target}, which is not there")
        page = page_of(file)
        if page is None:
            return NOWHERE
        uri, _, own = page.partition("#")
        return relpath(uri, str(PurePosixPath(here).parent)) + (anchor or (f"#{own}" if own else ""))

    return re.sub(r"\[([^\]]*)\]\(" + NOWHERE + r"\)", r"\1", LINK.sub(turned, markdown))


NOWHERE = "no-page-of-the-site"


def reference(room: str) -> str:
    """The page of a room: its modules, without those that are private."""
    modules = sorted(
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in (ROOT / "lvcnet" / room).rglob("[!_]*.py")
    )
    blocks = "\n\n".join(f"::: {module}" for module in modules)
    package = (
        f"::: lvcnet.{room}\n    options:\n      show_root_heading: false\n      show_root_toc_entry: false"
    )
    return f"# lvcnet.{room}\n\n{package}\n\n{blocks}\n"


def written() -> dict[str, str]:
    """Page of the site -> Markdown, of all pages that have no file of their own in docs/."""
    paths = [*TOP, *RESULTS]
    found = {page_of(path) or path: for_site((ROOT / path).read_text("utf-8"), path) for path in paths}
    return found | {f"reference/{room}.md": reference(room) for room in ROOMS}


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """List the measurements and the rooms where the navigation has only a word for them."""
    lists = {
        "results": [{_title(path): page_of(path)} for path in RESULTS],
        "reference": [{f"lvcnet.{room}": f"reference/{room}.md"} for room in ROOMS],
    }
    entries: list[dict[str, Any]] = config.nav or []
    config.nav = [
        {title: lists.get(what, what) if isinstance(what, str) else what}
        for entry in entries
        for title, what in entry.items()
    ]
    return config


def _title(path: str) -> str:
    """`Label repair` for benchmarks/results/label-repair.md; some of these files have no heading."""
    return PurePosixPath(path).stem.replace("-", " ").capitalize()


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages and the icon that lie elsewhere in the repository."""
    for uri, markdown in written().items():
        files.append(File.generated(config, uri, content=markdown))
    icon = ROOT / "assets" / "icon.svg"
    files.append(File.generated(config, "assets/icon.svg", content=icon.read_bytes()))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn the links of the pages in docs/; those of the others were turned when they were added."""
    if page.file.generated_by:
        return markdown
    return for_site(markdown, f"docs/{page.file.src_uri}")


def on_post_build(config: MkDocsConfig) -> None:
    """Make sure that opening a page asks nobody else.

    Raises:
        PluginError: naming the file that would.
    """
    for path in Path(config.site_dir).rglob("*"):
        if path.suffix in (".html", ".css") and (found := FOREIGN.search(path.read_bytes())):
            raise PluginError(f"{path} fetches from elsewhere: {found[0].decode()}")
