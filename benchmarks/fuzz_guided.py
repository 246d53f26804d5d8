"""Fuzz one parser guided by coverage (atheris): `python benchmarks/fuzz_guided.py TARGET EXECUTIONS SEED FOLDER`.

Writes `FuzzResult` to FOLDER/result.pickle after so many executions, and keeps the corpus in FOLDER/corpus. Needs
`pip install atheris`. libFuzzer itself ends the process at a crash, a hang or too much memory, and leaves the input in FOLDER.
"""

import os
import pickle
import random
import sys
import time
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["lvcnet.data", "lvcnet.files", "lvcnet.training.bounded_yaml"]):
    from fuzz_targets import TARGETS

import fuzzing

MEMORY_MB = 4096
"""Of the whole process, its imports included."""


def guided(name: str, executions: int, seed: int, folder: Path) -> None:
    """Fuzz until the executions are done; never returns."""
    target, result, started = TARGETS[name], fuzzing.FuzzResult(name), time.monotonic()
    corpus = folder / "corpus"
    corpus.mkdir(parents=True)
    for number, content in enumerate(target.seeds()):
        (corpus / f"seed-{number}").write_bytes(content)

    def one(content: bytes) -> None:
        good, fault = fuzzing.judge(target, content)
        result.executions += 1
        result.accepted += good
        if fault is not None:
            fuzzing.add_fault(result.faults, fault)
        if result.executions >= executions:
            result.seconds = time.monotonic() - started
            (folder / "result.pickle").write_bytes(pickle.dumps(result))
            os._exit(0)

    def mutated(content: bytes, largest: int, drawn: int) -> bytes:
        return target.mutate(content, random.Random(drawn))[:largest]

    limits = [f"-timeout={fuzzing.STILL}", f"-rss_limit_mb={MEMORY_MB}", "-len_control=0"]
    options = [*limits, f"-max_len={fuzzing.LARGEST}", f"-seed={seed + 1}", f"-artifact_prefix={folder}/"]
    atheris.Setup([sys.argv[0], str(corpus), *options], one, custom_mutator=mutated)
    atheris.Fuzz()


if __name__ == "__main__":
    guided(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
