"""The glossary: one entry for every map, metric and level, short, and with working links."""

import re

import pytest

from lab import glossary
from lab.inspection.explain import EXPLANATIONS, explain
from lab.ui.navigation import ENTRIES
from lvcnet.masks.metrics import METRICS
from lvcnet.models.maps import MAP_TITLES
from lvcnet.noise.levels import LEVEL_TARGETS
from tests.app.conftest import OpenPage

TERMS = [term for terms in glossary.SECTIONS.values() for term in terms()]
WANTED = (
    *(
        "Local visual cues (LVC)",
        MAP_TITLES["guidance"],
        MAP_TITLES["offsets"],
        "Warp",
        "Gate",
        "Region evidence",
        "Second head",
    ),
    *("Repaired outline", "Retention", "Label IoU", "Noise level", "Label recovery", "Best minus last epoch"),
)


@pytest.mark.parametrize("term", TERMS, ids=lambda term: term.title)
def test_an_entry_is_short_and_leads_to_a_page(term: glossary.Term) -> None:
    assert 1 <= len(re.findall(r"\.(?= |$)", term.text)) <= 2
    assert term.text.endswith(".")
    assert term.page in ENTRIES
    assert term.equation.count("{") == term.equation.count("}")


def test_no_word_is_missing_and_none_is_there_twice() -> None:
    titles = [term.title for term in TERMS]
    assert set(WANTED) <= set(titles)
    assert len(titles) == len(set(titles))
    assert [term.title for term in glossary.metrics()] == [metric.title for metric in METRICS.values()]
    assert all(metric.text for metric in METRICS.values())
    assert (
        set(EXPLANATIONS) - {"prediction"}
        <= set(glossary.MAPS)
        <= {*EXPLANATIONS, "warp1"} & {*MAP_TITLES, "warp1"}
    )


def test_maps_and_levels_say_what_the_rest_of_the_lab_says() -> None:
    by_title = {term.title: term for term in TERMS}
    guidance = by_title[MAP_TITLES["guidance"]]
    assert (guidance.text, guidance.equation) == (explain("guidance").sentence, explain("guidance").equation)
    assert by_title["Local visual cues (LVC)"].equation == r"L = g\, y_s"
    assert all(
        f"level {level}: {value:.2f}" in by_title["Noise level"].text
        for level, value in LEVEL_TARGETS.items()
    )


def test_the_page_shows_all_and_finds_some(open_page: OpenPage) -> None:
    page = open_page("glossary")
    shown = "\n".join(element.value for element in page.markdown)
    assert all(f"**{term.title}**" in shown for term in TERMS)
    page.text_input(key="glossary-find").set_value("HAUSDORFF distance").run()
    shown = "\n".join(element.value for element in page.markdown)
    assert [metric.title for metric in METRICS.values() if f"**{metric.title}**" in shown] == ["HD95 (px)"]
    assert [heading.value for heading in page.header] == ["Metrics"]
    page.text_input(key="glossary-find").set_value("no such word").run()
    assert "'no such word'" in page.info[0].value
