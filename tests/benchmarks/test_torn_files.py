"""The harness that tears files: it damages each in every way, and tells words from faults."""

import random
import sys

import torn_files


def test_every_mutation_is_another_file() -> None:
    found = dict(torn_files.mutations(b'{"a": 1}' * 50, random.Random(0)))
    assert len({b'{"a": 1}' * 50, *found.values()}) == 6


def test_words_are_no_fault_and_all_else_is() -> None:
    def refuse() -> None:
        sys.stderr.write("lvcnet: it is damaged\n")
        sys.exit(2)

    def crash() -> None:
        raise KeyError("images")

    assert torn_files.call(["runs"], refuse) is None
    assert "KeyError" in (torn_files.call(["runs"], crash) or "")
    assert "status 2" in (torn_files.call(["runs"], lambda: sys.exit(2)) or "")
