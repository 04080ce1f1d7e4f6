"""A site's build command: run only when something changed, never through a shell, its output shown when it fails."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from klotho.deploy.sites import build
from klotho.deploy.sites.build import Builds
from klotho.diagnostics import Failure

SCRIPT = """
import pathlib
out = pathlib.Path("dist"); out.mkdir(exist_ok=True)
(out / "index.html").write_text(pathlib.Path("source.txt").read_text())
count = pathlib.Path("../count"); count.write_text(str(int(count.read_text()) + 1))
"""


class Project:
    def __init__(self, folder: Path) -> None:
        self.root = folder / "web"
        self.root.mkdir()
        (folder / "count").write_text("0")
        (self.root / "make.py").write_text(SCRIPT)
        (self.root / "source.txt").write_text("one")
        self.builds = Builds(folder / "cache")
        self.folder = folder

    def run(self, *command: str) -> bool:
        words = command or (sys.executable, "make.py")
        return self.builds.run(words, self.root, self.root / "dist", lambda line: None)

    @property
    def times(self) -> int:
        return int((self.folder / "count").read_text())


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_it_runs_once_for_the_same_input(project: Project) -> None:
    assert project.run() and not project.run()
    assert project.times == 1


def test_it_runs_again_when_the_input_changed(project: Project) -> None:
    project.run()
    (project.root / "source.txt").write_text("two")
    assert project.run() and (project.root / "dist" / "index.html").read_text() == "two"


@pytest.mark.parametrize("harm", ["removed", "changed"])
def test_it_runs_again_when_its_output_is_not_what_it_wrote(project: Project, harm: str) -> None:
    project.run()
    page = project.root / "dist" / "index.html"
    page.unlink() if harm == "removed" else page.write_text("by hand")
    assert project.run() and page.read_text() == "one"


def test_it_runs_again_with_another_command(project: Project) -> None:
    project.run()
    assert project.run(sys.executable, "make.py", "--fast")


def test_what_follows_from_the_lock_file_is_no_input(project: Project) -> None:
    project.run()
    (project.root / "node_modules").mkdir()
    (project.root / "node_modules" / "a.js").write_text("x")
    assert not project.run()


def test_a_failing_command_shows_its_last_lines(project: Project) -> None:
    (project.root / "bad.py").write_text("print('one'); print('it broke'); raise SystemExit(3)")
    with pytest.raises(Failure) as caught:
        project.run(sys.executable, "bad.py")
    assert "ended with exit code 3" in str(caught.value)
    assert caught.value.diagnostic.notes == ("one", "it broke")


def test_a_failed_build_is_not_remembered(project: Project) -> None:
    (project.root / "bad.py").write_text("raise SystemExit(1)")
    for _ in range(2):
        with pytest.raises(Failure):
            project.run(sys.executable, "bad.py")


def test_packages_that_are_not_installed_are_the_first_guess(project: Project) -> None:
    (project.root / "package.json").write_text("{}")
    (project.root / "bad.py").write_text("raise SystemExit(1)")
    with pytest.raises(Failure) as caught:
        project.run(sys.executable, "bad.py")
    assert caught.value.diagnostic.helps == ("run `npm install` in its folder first",)


def test_a_program_that_is_not_there_is_named(project: Project) -> None:
    with pytest.raises(Failure, match="`no-such-program` of the build command"):
        project.run("no-such-program", "run")


def test_no_shell_reads_the_words(project: Project) -> None:
    (project.root / "words.py").write_text("import sys; print(sys.argv[1]); raise SystemExit(1)")
    with pytest.raises(Failure) as caught:
        project.run(sys.executable, "words.py", "$(touch x) && rm -rf *")
    assert caught.value.diagnostic.notes == ("$(touch x) && rm -rf *",)


def test_a_build_that_hangs_is_stopped(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "BUILD_SECONDS", 0.5)
    (project.root / "slow.py").write_text("import time; print('started', flush=True); time.sleep(60)")
    with pytest.raises(Failure) as caught:
        project.run(sys.executable, "slow.py")
    assert "took longer" in str(caught.value)
