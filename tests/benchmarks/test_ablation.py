"""The ablation benchmark end to end on a tiny data set."""

from pathlib import Path

import ablation
import pytest

from lvcnet.data.phantom.make import make_phantom
from lvcnet.runs.store import find_run, list_runs

SMALL = "--data small --level 4 --workers 1 --set epochs=1 --set width=4 --set depth=2 --set batch_size=4"


def test_switches_are_compared_with_the_method_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LVCNET_HOME", str(tmp_path))
    monkeypatch.setitem(ablation.PARTS, "steps", ("How often", ["lvcnet-plus warps=1 polarity=false"]))
    make_phantom("small", 12, 6, 32).save()
    output = tmp_path / "ablation.md"
    command = f"--workspace {tmp_path} --output {output} {SMALL}".split()
    ablation.main([*command, "--parts", "steps"])
    runs = {
        ablation.method_title(run.config()["method"]): run
        for run in list_runs("small")
        if not run.config().get("options")
    }
    assert set(runs) == {"LVC-Net plus"}, "the plain method is trained for comparison; U-Net is not asked for"
    text = output.read_text()
    row = next(line for line in text.splitlines() if line.startswith("| LVC-Net plus polarity=False warps=1"))
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    switched = next(run for run in list_runs("small") if run.config().get("options"))
    plain, other = (find_run(run.name).evaluation() for run in (runs["LVC-Net plus"], switched))
    assert plain is not None
    assert other is not None
    assert cells[1:3] == [f"{other['iou']:.3f}", f"{100 * (other['iou'] - plain['iou']):+.1f}"]
    assert cells[4:] == ["LVC-Net plus", f"{other['label_recovery']:.3f}", "1"]
    ablation.main([*command, "--parts", "paper", "--report-only"])
    assert "| LVC-Net as printed normalised=False | not trained | — |" in output.read_text()
    assert len(list_runs("small")) == 2


def test_unknown_parts_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        ablation.main(["--workspace", str(tmp_path), "--parts", "luck"])
    assert "unknown part luck: choose of method, cue" in capsys.readouterr().err
