"""The recipe benchmark end to end on a tiny phantom: U-Net and MONAI's networks in trainer processes, and a verdict."""

import subprocess
import sys
from pathlib import Path

import monai_networks
import pytest
import torch
from monai.networks.nets import DynUNet

from lvcnet.data.phantom.make import make_phantom
from lvcnet.methods import Batch, MethodSpec, Optimisation, Trunk
from lvcnet.runs.store import list_runs

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "recipe.py"
TINY = (
    "--labels clean --workers 1 --set steps=2 --set epoch_steps=2 --set batch_size=2 --set snapshot_images=0"
)


def test_one_command_trains_the_rivals_and_says_who_is_ahead(workspace_home: Path, tmp_path: Path) -> None:
    make_phantom("tiny", 4, 2, 32).save()
    output = tmp_path / "recipe.md"
    command = [
        sys.executable,
        str(SCRIPT),
        "--workspace",
        str(workspace_home),
        "--data",
        "tiny",
        *TINY.split(),
    ]
    subprocess.run([*command, "--output", str(output)], check=True, timeout=240)
    runs = {run.config()["method"]: run for run in list_runs() if run.config()["dataset"] == "tiny"}
    assert set(runs) == {"unet", "monai-basicunet", "monai-dynunet", "monai-dynunet-nnunet"}
    started = {method: run.status()["started"] for method, run in runs.items()}
    ious = {method: run.evaluation()["iou"] for method, run in runs.items()}
    best = max(value for method, value in ious.items() if method != "unet")
    text = output.read_text()
    (verdict,) = [
        line.split(" | ")
        for line in text.splitlines()
        if line.startswith("| tiny | clean |") and "(MONAI" in line
    ]
    assert verdict[2] == f"{ious['unet']:.3f}"
    assert verdict[3].startswith(f"{best:.3f} (MONAI ")
    assert verdict[5].removesuffix(" |") == ("yes" if ious["unet"] >= best - 0.01 else "no")
    assert runs["monai-dynunet"].config()["options"] == {"halvings": [3, 3]}, "32 px are halved down to 4"
    subprocess.run([*command, "--output", str(output)], check=True, timeout=60)
    assert {method: run.status()["started"] for method, run in runs.items()} == started, (
        "nothing is trained again"
    )


def test_dyn_unet_is_monais_own_with_each_weight_once() -> None:
    torch.manual_seed(0)
    ours = monai_networks.dyn_unet(2, (3, 2)).eval()
    strides = [1, 2, 2, (2, 1)]
    torch.manual_seed(0)
    whole = DynUNet(2, 1, 2, [3] * 4, strides, strides[1:], deep_supervision=True, deep_supr_num=1).eval()
    x = torch.rand(2, 1, 32, 16)
    assert torch.equal(ours(x), whole(x))
    assert torch.equal(ours.train()(x), whole.train()(x))
    state = ours.state_dict()
    assert len({tensor.data_ptr() for tensor in state.values()}) == len(state)
    assert sum(one.numel() for one in state.values()) == sum(one.numel() for one in whole.parameters())


@pytest.mark.parametrize("spec", [monai_networks.DYN_UNET, monai_networks.DYN_UNET_NNUNET])
def test_every_head_is_supervised_with_half_the_weight_of_the_one_before(spec: MethodSpec) -> None:
    method = spec.create(Trunk(1), {"halvings": [4, 4]}, Optimisation(loss="ce+dice"), torch.device("cpu"))
    labels = torch.zeros(1, 1, 4, 4)
    labels[..., :2] = 1
    good, bad = (labels - 0.5) * 20, (0.5 - labels) * 20
    one, other = (method.label_term(head[:, None], labels) for head in (good, bad))
    both = method.label_term(torch.stack([good, bad], dim=1), labels)
    torch.testing.assert_close(both, (one + 0.5 * other) / 1.5)


def test_nnunets_rate_falls_by_a_power_of_what_is_left() -> None:
    method = monai_networks.DYN_UNET_NNUNET.create(
        Trunk(1), {"halvings": [3, 3]}, Optimisation(), torch.device("cpu")
    )
    method.step(Batch(torch.rand(2, 1, 32, 32), torch.ones(2, 1, 32, 32), torch.arange(2), progress=0.5))
    (group,) = method.learner.optimizer.param_groups
    assert group["lr"] == pytest.approx(0.01 * 0.5**0.9)
    assert (group["momentum"], group["nesterov"], group["weight_decay"]) == (0.99, True, 3e-5)
