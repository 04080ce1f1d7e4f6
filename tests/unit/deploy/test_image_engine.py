"""Which container engine is taken, what it is told, and what is said when there is none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from klotho.deploy.images.engine import Credentials, Engine, find_engine
from klotho.diagnostics import Failure


def program(folder: Path, name: str, works: bool = True) -> None:
    """A script that answers the probe, and notes how else it is called and what it reads."""
    script = f"""#!/bin/sh
case "$1" in
  context) echo unix:///somewhere.sock; exit 0;;
  version|info) {"exit 0" if works else 'echo "cannot connect to the daemon" >&2; exit 1'};;
esac
printf '%s\\n' "$@" > {folder}/said
for word in "$@"; do
  if [ -f "$word/config.json" ]; then cat "$word/config.json" > {folder}/read; fi
  if [ "${{word##*/}}" = config.json ]; then cat "$word" > {folder}/read; fi
done
"""
    (folder / name).write_text(script)
    (folder / name).chmod(0o755)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "cat").symlink_to("/bin/cat")
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_the_first_engine_that_works_is_taken(path: Path) -> None:
    for name in ("buildah", "podman"):
        program(path, name)
        assert find_engine().name == name
    program(path, "docker", works=False)  # a client whose daemon does not run
    assert find_engine().name == "podman"
    program(path, "docker")
    assert find_engine().name == "docker"


def test_without_an_engine_each_one_tried_is_named_with_what_it_said(path: Path) -> None:
    program(path, "docker", works=False)
    with pytest.raises(Failure) as failed:
        find_engine()
    assert failed.value.diagnostic.code == "container-engine-missing"
    assert failed.value.diagnostic.notes == (
        "docker: cannot connect to the daemon", "podman: not installed", "buildah: not installed",
    )  # fmt: skip


@pytest.mark.parametrize("name", ["docker", "podman", "buildah"])
def test_an_engine_is_told_the_platform_and_reads_the_password_from_a_file(path: Path, name: str) -> None:
    program(path, name)
    engine = Engine(name, str(path / name))
    engine.build(path, path / "Dockerfile", {"B": "2", "A": "1"}, "linux/arm64", "registry/repo:tag", print)
    words = (path / "said").read_text().split()
    assert words[:3] == ["build", "--platform", "linux/arm64"]
    assert words[-5:] == ["--build-arg", "A=1", "--build-arg", "B=2", str(path)]
    engine.push("registry/repo:tag", Credentials("registry", "AWS", "canary"), print)
    assert "canary" not in (path / "said").read_text()
    assert ("unix:///somewhere.sock" in (path / "said").read_text()) == (name == "docker")
    assert json.loads((path / "read").read_text()) == {"auths": {"registry": {"auth": "QVdTOmNhbmFyeQ=="}}}
