import os
import subprocess
import sys
from pathlib import Path

import pytest

STEPS_BACK = """
import os, subprocess, sys, threading
from pathlib import Path
from lvcnet.jobs.launch import spawn
from lvcnet.priority import at_full, step_back

def nice(pid=0):
    return os.getpriority(os.PRIO_PROCESS, pid)

before = nice()
step_back(int(sys.argv[1]))
seen = []
thread = threading.Thread(target=lambda: seen.append(nice()))
thread.start()
thread.join()
child = subprocess.run([sys.executable, "-c", "import os; print(os.nice(0))"], capture_output=True, text=True)
trainer = spawn([sys.executable, "-c", "import os; print(os.nice(0))"], Path(sys.argv[2]), dict(os.environ))
trainer.wait()
print(*(value - before for value in (nice(), *seen, int(child.stdout), int(Path(sys.argv[2]).read_text()), at_full(nice))))
"""


@pytest.mark.skipif(
    sys.platform != "linux", reason="elsewhere niceness belongs to processes, and none is given"
)
@pytest.mark.parametrize(("by", "seen"), [(0, [0, 0, 0, 0, 0]), (3, [3, 3, 3, 0, 0])])
def test_who_steps_back_takes_threads_and_children_along_but_no_training(
    tmp_path: Path, by: int, seen: list[int]
):
    """Of the process itself, a thread, a child, a process that `spawn` starts, and what is done at full priority."""
    if os.nice(0) + by > 19:
        pytest.skip("these tests run at the lowest priority themselves")
    done = subprocess.run(
        [sys.executable, "-c", STEPS_BACK, str(by), str(tmp_path / "out")],
        capture_output=True,
        text=True,
        check=True,
        start_new_session=True,
    )
    assert [int(word) for word in done.stdout.split()] == seen


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing is kept")
@pytest.mark.parametrize(("starts_others", "threads"), [(True, 2), (False, 1)])
def test_a_thread_is_kept_only_where_something_is_started_later(starts_others: bool, threads: int):
    script = (
        "import threading; from lvcnet.priority import step_back;"
        f"step_back(1, {starts_others}); print(threading.active_count())"
    )
    assert int(subprocess.check_output([sys.executable, "-c", script], text=True)) == threads


GROUP = Path("/proc/self/autogroup")


@pytest.mark.skipif(not GROUP.exists(), reason="this kernel does not group processes by session")
def test_a_session_steps_back_as_a_whole_and_one_that_it_starts_does_not():
    script = (
        "import subprocess; from lvcnet.priority import step_back; step_back(5);"
        "print(subprocess.check_output(['cat', '/proc/self/autogroup'], text=True));"
        "print(subprocess.check_output(['cat', '/proc/self/autogroup'], text=True, start_new_session=True))"
    )
    said = subprocess.check_output([sys.executable, "-c", script], text=True, start_new_session=True)
    own, started = (line.split()[-1] for line in said.splitlines() if line)
    assert (own, started) == ("5", "0")
