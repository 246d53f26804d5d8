"""Where the lab serves others, forms read only what its operator allows."""

from pathlib import Path

import pytest

from lab.serving.paths import readable
from lab.serving.settings import Serving
from lvcnet.errors import LvcnetError


@pytest.fixture
def allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "root"
    (root / "images").mkdir(parents=True)
    (root / "images" / "a.png").touch()
    (tmp_path / "root-of-others").mkdir()
    (tmp_path / "secret.png").touch()
    serve(monkeypatch, Serving(auth=tmp_path / "users.json", import_roots=(root,)))
    return root


def serve(monkeypatch: pytest.MonkeyPatch, serving: Serving) -> None:
    for name, value in serving.to_environment().items():
        monkeypatch.setenv(name, value)


def test_the_allowed_folder_and_what_is_below(allowed: Path) -> None:
    assert readable(str(allowed)) == allowed
    assert readable(f"{allowed}/images/../images/a.png") == allowed / "images" / "a.png"


@pytest.mark.parametrize(
    "way", ["/etc", "~", "../secret.png", "ROOT/../secret.png", "ROOT-of-others", "ROOT/../absent", ".", "/"]
)
def test_nothing_else(allowed: Path, way: str) -> None:
    """A file that exists is answered like one that does not."""
    with pytest.raises(LvcnetError, match="is not below a folder"):
        readable(way.replace("ROOT", str(allowed)))


def test_links_do_not_lead_out(allowed: Path) -> None:
    (allowed / "door.png").symlink_to(allowed.parent / "secret.png")
    with pytest.raises(LvcnetError, match="is not below a folder"):
        readable(f"{allowed}/door.png")
    with pytest.raises(LvcnetError, match=r"the link door\.png"):
        readable(str(allowed))


def test_without_a_folder_only_uploads_and_alone_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(monkeypatch, Serving(auth=tmp_path / "users.json"))
    with pytest.raises(LvcnetError, match="uploads only"):
        readable(str(tmp_path))
    serve(monkeypatch, Serving())
    assert readable(str(tmp_path)) == tmp_path
