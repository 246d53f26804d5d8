"""Documents: every link leads somewhere, in the repository and on the site, and every page can be found."""

import doctest
import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = [
    *(path for path in ROOT.glob("*.md")),
    *(path for path in ROOT.glob("docs/*.md")),
    *(path for path in ROOT.glob("benchmarks/results/*.md")),
]
LINK = re.compile(r"\]\((?![a-z]+:)([^)#\s]*)(?:#([^)\s]+))?\)")


def tool(name: str) -> ModuleType:
    """A module of docs/tools, which is no package."""
    pytest.importorskip("mkdocs")
    found = importlib.util.spec_from_file_location(f"docs_{name}", ROOT / "docs" / "tools" / f"{name}.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def anchors(path: Path) -> set[str]:
    """The ids that a forge, and mkdocs, give to headings."""
    headings = re.findall(r"^#+ (.+)$", path.read_text("utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", text.lower()).strip().replace(" ", "-") for text in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_to_files_and_headings(document: Path) -> None:
    for target, anchor in LINK.findall(document.read_text("utf-8")):
        path = (document.parent / target).resolve() if target else document
        assert path.exists(), f"{document.name} links to {target}"
        if anchor and path.suffix == ".md":
            assert anchor in anchors(path), f"{document.name} links to {target}#{anchor}"


def test_every_document_is_in_the_navigation() -> None:
    listed = re.findall(r"[\w/-]+\.md", (ROOT / "mkdocs.yml").read_text("utf-8"))
    assert len(listed) == len(set(listed))
    assert {path.name for path in ROOT.glob("docs/*.md")} <= set(listed)
    assert yaml.safe_load((ROOT / "mkdocs.yml").read_text("utf-8"))["theme"]["font"] is False


@pytest.mark.parametrize("name", ["site", "doctests"])
def test_examples_of_the_tools(name: str) -> None:
    found = doctest.testmod(tool(name))
    assert (found.failed, found.attempted > 0) == (0, True)


def test_a_link_to_nothing_stops_the_build() -> None:
    site = tool("site")
    with pytest.raises(site.PluginError, match=r"docs/files.md links to \.\./nothing.md, which is not there"):
        site.for_site("[a](../nothing.md)", "docs/files.md")


def test_what_a_page_would_fetch_is_seen() -> None:
    foreign = tool("site").FOREIGN
    for text in (
        b'<script async src="https://cdn.example/x.js">',
        b'<link rel="stylesheet" href="//fonts.example/a.css">',
        b"background: url(https://e.org/a.png)",
    ):
        assert foreign.search(text)
    assert not foreign.search(b'<a href="https://example.org"><script src="assets/x.js">')


def test_every_equation_is_marked_where_it_is_computed() -> None:
    """The table of docs/method.md names files for each equation; there is a comment `# Eq. N` in each of them."""
    page = (ROOT / "docs" / "method.md").read_text("utf-8")
    rows = re.findall(r"^\| (\d) \|.*\| ([^|]+) \|$", page, flags=re.MULTILINE)
    assert [int(number) for number, _ in rows] == [1, 2, 3, 4, 5, 6, 7]
    for number, files in rows:
        named = re.findall(r"`([\w/]+\.py)`", files)
        assert named, f"no file for Eq. {number}"
        for file in named:
            comments = re.findall(r"# Eq\. (\d)(?: and (\d))?:", (ROOT / "lvcnet" / file).read_text("utf-8"))
            assert number in {one for found in comments for one in found}, f"Eq. {number} in {file}"
