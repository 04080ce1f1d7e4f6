"""Images are built from Dockerfiles without a container engine; what can't be honoured is refused with its line."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tarfile
import time
from pathlib import Path
from typing import Any

import pytest
from container_bench import Bench
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from klotho.application.dockerignore import Ignore
from klotho.localcloud.planes.containers import ImageError
from klotho.localcloud.planes.containers.dockerfile import Instruction, expand, parse
from klotho.localcloud.planes.containers.image import load_image
from klotho.localcloud.planes.containers.paths import inside, rewritten

pytestmark = pytest.mark.localcloud  # installs packages

PACKAGE = {
    "setup/pyproject.toml": '[project]\nname = "greeting"\nversion = "1"\n[build-system]\nrequires = []\n'
    'build-backend = "backend"\nbackend-path = ["."]\n',
    "setup/backend.py": """
import zipfile, pathlib
def build_wheel(folder, config_settings=None, metadata_directory=None):
    name = "greeting-1-py3-none-any.whl"
    with zipfile.ZipFile(pathlib.Path(folder) / name, "w") as wheel:
        wheel.writestr("greeting.py", pathlib.Path("words.txt").read_text())
        wheel.writestr("greeting-1.dist-info/METADATA", "Metadata-Version: 2.1\\nName: greeting\\nVersion: 1\\n")
        tag = "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
        wheel.writestr("greeting-1.dist-info/WHEEL", tag)
        wheel.writestr("greeting-1.dist-info/RECORD", "")
    return name
def get_requires_for_build_wheel(config_settings=None): return []
""",
    "setup/words.txt": "word = 'hello'\n",
}
"""A package that installs without any index, so that these tests need no network."""


def built(bench: Bench, files: dict[str, str], **build_args: str) -> Any:
    image = load_image(bench.state / "images", bench.image(files, **build_args).digest)
    assert image is not None
    return image


def refused(bench: Bench, dockerfile: str, files: dict[str, str] | None = None) -> ImageError:
    with pytest.raises(ImageError) as error:
        bench.image({"Dockerfile": dockerfile, **(files or {})})
    assert not list((bench.state / "images").glob("*/image.json"))
    return error.value


def python(image: Any, code: str) -> str:
    shown = subprocess.run(
        [f"{image.config.python_environment}/bin/python", "-c", code],
        cwd=image.root,
        env={"PYTHONPATH": str(image.root / "opt/klotho")},
        capture_output=True,
        text=True,
        check=True,
    )
    return shown.stdout.strip()


def test_the_usual_python_image(bench: Bench) -> None:
    dockerfile = """
# syntax=docker/dockerfile:1
ARG TAG=3-slim
FROM python:${TAG} AS base
ARG MODE=dev
ENV MODE=${MODE} \\
    # a comment between
    DATA="/app/data dir"
WORKDIR /app
COPY setup ./setup
RUN pip install --no-cache-dir --no-build-isolation ./setup && rm -rf /root/.cache
COPY --chown=app:app . .
RUN mkdir -p data && useradd app
USER app
EXPOSE 8080 9090/tcp
LABEL a=b "c d"=e
HEALTHCHECK CMD curl -f http://localhost:8080
STOPSIGNAL SIGINT
ENTRYPOINT ["python", "-u"]
CMD ["/app/main.py", "--mode", "x"]
"""
    files = {"Dockerfile": dockerfile, "main.py": "1", ".dockerignore": "*.log\nDockerfile\n", "x.log": "1", **PACKAGE}
    image = built(bench, files, MODE="prod")
    config = image.config
    assert (image.root / "app/main.py").read_text() == "1"
    assert not (image.root / "app/x.log").exists()
    assert not (image.root / "app/Dockerfile").exists()
    assert (image.root / "app/data").is_dir()
    assert dict(config.environment) == {"MODE": "prod", "DATA": "/app/data dir"}
    assert (config.workdir, config.user, config.stop_signal) == ("/app", "app", "SIGINT")
    assert list(config.entrypoint) == ["python", "-u"]
    assert list(config.command) == ["/app/main.py", "--mode", "x"]
    assert list(config.exposed) == ["8080", "9090/tcp"]
    assert dict(config.labels) == {"a": "b", "c d": "e"}
    assert config.health_check == "CMD curl -f http://localhost:8080"
    assert python(image, "import greeting; print(greeting.word)") == "hello"
    assert python(image, "import klotho; print(klotho.config.__name__)") == "klotho.runtime.config"


def test_nothing_changed_nothing_is_built_and_a_changed_file_is_another_image(bench: Bench) -> None:
    files = {"Dockerfile": "FROM python:3\nCOPY . /app\nCMD python /app/main.py\n", "main.py": "1"}
    first = bench.image(files)
    begun = time.perf_counter()
    again = bench.image(files)
    took = time.perf_counter() - begun
    assert (again.uri, again.reused, first.reused) == (first.uri, True, False)
    assert first.uri == f"klotho.local/assets@sha256:{first.digest}"
    assert bench.image({**files, "main.py": "2"}).digest != first.digest
    assert took < 1.0


def test_the_digest_does_not_depend_on_where_the_context_lies(bench: Bench) -> None:
    files = {"Dockerfile": "FROM python:3\nCOPY . /app\nCMD python\n", "main.py": "1"}
    assert bench.image(files, "here").digest == bench.image(files, "elsewhere").digest


def test_a_changed_requirement_is_another_environment_and_an_unchanged_one_is_shared(bench: Bench) -> None:
    dockerfile = "FROM python:3\nCOPY setup setup\nRUN pip install --no-build-isolation ./setup\nCOPY . .\nCMD python\n"
    first = built(bench, {"Dockerfile": dockerfile, "main.py": "1", **PACKAGE})
    code = built(bench, {"Dockerfile": dockerfile, "main.py": "2", **PACKAGE})
    words = built(bench, {"Dockerfile": dockerfile, "main.py": "2", **PACKAGE, "setup/words.txt": "word = 'bye'"})
    assert first.config.python_environment == code.config.python_environment != words.config.python_environment
    assert python(words, "import greeting; print(greeting.word)") == "bye"
    assert python(first, "import greeting; print(greeting.word)") == "hello"


def test_an_image_whose_cached_environment_was_cleared_is_built_again(bench: Bench) -> None:
    files = {"Dockerfile": "FROM python:3\nCMD python\n"}
    image = built(bench, files)
    shutil.rmtree(image.config.python_environment)
    again = bench.image(files)
    assert not again.reused
    assert python(load_image(bench.state / "images", again.digest), "print(1)") == "1"


def test_a_virtual_environment_made_in_one_stage_serves_in_the_next(bench: Bench) -> None:
    dockerfile = """FROM python:3 AS builder
WORKDIR /src
COPY setup setup
RUN python -m venv /opt/venv && /opt/venv/bin/pip install --no-build-isolation ./setup
FROM golang:1 AS never-needed
RUN go build
FROM python:3-slim
COPY --from=builder /opt/venv /opt/venv
ENV PATH="/opt/venv/bin:$PATH"
COPY . /app
CMD ["python", "/app/main.py"]
"""
    image = built(bench, {"Dockerfile": dockerfile, "main.py": "1", **PACKAGE})
    assert python(image, "import greeting; print(greeting.word)") == "hello"
    assert (image.root / "opt/venv/bin/python").exists()
    assert not (image.root.parent / "stages").exists()


def test_what_pip_installed_in_a_builder_stage_is_found_where_it_is_copied_to(bench: Bench) -> None:
    dockerfile = """FROM python:3 AS builder
COPY setup setup
RUN pip install --user --no-build-isolation ./setup
FROM python:3
COPY --from=builder /root/.local /root/.local
CMD python
"""
    image = built(bench, {"Dockerfile": dockerfile, **PACKAGE})
    assert python(image, "import greeting; print(greeting.word)") == "hello"


@pytest.mark.skipif(shutil.which("npm") is None, reason="needs npm")
def test_node_modules_are_installed_once_and_come_from_the_cache_after_that(bench: Bench) -> None:
    package = {"name": "app", "version": "1.0.0", "dependencies": {"greeting": "file:./greeting"}}
    files = {
        "Dockerfile": "FROM node:20\nWORKDIR /app\nCOPY package.json ./\nCOPY greeting greeting\n"
        "RUN npm install --omit=dev\nCOPY . .\nRUN npm run build\nCMD node main.js\n",
        "package.json": json.dumps({**package, "scripts": {"build": "node build.js"}}),
        "greeting/package.json": '{"name": "greeting", "version": "1.0.0", "main": "index.js"}',
        "greeting/index.js": "module.exports = 'hello';",
        "build.js": "require('fs').writeFileSync('built.txt', require('greeting'))",
        "main.js": "console.log(1)",
    }
    first = built(bench, files)
    assert (first.root / "app/built.txt").read_text() == "hello"
    bench.lines.clear()
    second = built(bench, {**files, "main.js": "console.log(2)"})
    assert any("from the cache" in line for line in bench.lines)
    assert (second.root / "app/built.txt").read_text() == "hello"
    assert list(second.config.command) == ["node", "main.js"]
    code = "const k = require('@klotho/runtime'); console.log(typeof k.config)"
    shown = subprocess.run(["node", "-e", code], cwd=second.root / "app", capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "object"


def test_add_unpacks_an_archive_and_globs_copy_what_they_match(bench: Bench) -> None:
    context = bench.context({"a.txt": "a", "b.txt": "b", "c.md": "c", "in/d.txt": "d"})
    with tarfile.open(context / "data.tar.gz", "w:gz") as archive:
        archive.add(context / "in", "in")
    files = {"Dockerfile": "FROM python:3\nADD data.tar.gz /data/\nCOPY *.txt /text/\nCOPY in/d.txt /one\nCMD python\n"}
    image = built(bench, files)
    assert (image.root / "data/in/d.txt").read_text() == "d"
    assert sorted(path.name for path in (image.root / "text").iterdir()) == ["a.txt", "b.txt"]
    assert (image.root / "one").read_text() == "d"


@pytest.mark.parametrize(
    ("dockerfile", "line", "message"),
    [
        ("FROM ubuntu:24.04\nCMD x\n", 1, "the base image `ubuntu:24.04`"),
        (
            "FROM python:3\n\nRUN apt-get update && \\\n  apt-get install -y curl\n",
            3,
            "`apt-get update` is not carried",
        ),
        ("FROM python:3\nRUN curl https://x | sh\n", 2, "`|` needs a shell"),
        ("FROM python:3\nRUN pip install $(cat x)\n", 2, "substitutes the output of a command"),
        ("FROM python:3\nRUN <<EOF\npip install x\nEOF\n", 2, "heredocs"),
        ("FROM python:3\nCOPY missing /x\n", 2, "`missing` is not in the build context"),
        ("FROM python:3\nCOPY ../secret /x\n", 2, "outside of the build context"),
        ("FROM python:3\nCOPY a.txt ../../../x/\nCOPY --from=nowhere /a /b\n", 3, "`nowhere` is no earlier stage"),
        ("FROM python:3\nADD https://example.com/x /x\n", 2, "fetches from the network"),
        ("FROM python:3\nCOPPY . .\n", 2, "did you mean COPY?"),
        ('FROM python:3\nSHELL ["/bin/bash"]\n', 2, "SHELL is not carried"),
        ("RUN x\nFROM python:3\n", 1, "comes before FROM"),
        ("", 1, "there is no FROM"),
        ("FROM python:3\nRUN pip install -r requirements.txt\n", 2, "there is no requirements.txt in the image yet"),
        ("FROM python:3\nRUN pip install --target /x y\n", 2, "installs beside the environment"),
        ("FROM python:3\nRUN npm ci\nRUN make\n", 2, "ended with exit code"),
        ("FROM node:20\nRUN pip install x\n", 1, "installs Python packages into a Node image"),
        ("FROM python:3\nENV A=${B:?no}\n", 2, "needs a value for B"),
        ("FROM python:3\nRUN pip install ./project\nCOPY . .\n", 2, "there is no ./project in the image yet"),
        ("FROM python:3\nCOPY a.txt /project/setup.py\nRUN pip install /project\n", 3, "ended with exit code"),
    ],
)
def test_what_needs_a_container_engine_or_is_wrong_names_its_line(
    bench: Bench, dockerfile: str, line: int, message: str
) -> None:
    error = refused(bench, dockerfile, {"a.txt": "a"})
    assert message in str(error)
    assert error.line == line
    assert error.hint


def test_links_do_not_lead_out_of_the_context_or_the_image(bench: Bench) -> None:
    context = bench.context({"a.txt": "a", "deep/er/x.txt": "x"})
    (context / "out").symlink_to("/etc/passwd")
    assert "leads out of the build context" in str(refused(bench, "FROM python:3\nCOPY out /x\n"))
    (context / "out").unlink()
    (context / "deep/er/up").symlink_to("../../a.txt")
    error = refused(bench, "FROM python:3\nCOPY deep/er /\n")
    assert "leads out" in str(error)
    image = built(bench, {"Dockerfile": "FROM python:3\nCOPY . /app\nCMD python\n"})
    assert (image.root / "app/deep/er/up").read_text() == "a"


def test_a_path_of_the_image_stays_inside(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app/evil").symlink_to("/etc")
    assert inside(tmp_path, "../../x", "/app") == tmp_path / "x"
    with pytest.raises(ValueError, match="leads out"):
        inside(tmp_path, "/app/evil/passwd")


def test_only_paths_that_the_image_has_are_rewritten(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    assert rewritten("/app/x.py", tmp_path) == f"{tmp_path}/app/x.py"
    assert rewritten("--config=/app/c:/app/d", tmp_path) == f"--config={tmp_path}/app/c:{tmp_path}/app/d"
    for untouched in ("http://host/app/x", "http://host:80/app", "/etc/hosts", "//app", "a/app", "./app", "/"):
        assert rewritten(untouched, tmp_path) == untouched


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_a_dockerfile_or_a_named_error(text: str) -> None:
    try:
        dockerfile = parse(text)
    except ImageError as error:
        assert error.line >= 1 and error.reason
    else:
        assert dockerfile.stages


_LINES = """FROM python:3|COPY . .|ENV A=1|ENV A|ARG X|RUN pip install|RUN cd x && ls|RUN|CMD []|CMD [1]|COPY|COPY a
WORKDIR ..|WORKDIR $A|USER|LABEL =x|EXPOSE $A|RUN 'x|RUN (x)|ENTRYPOINT x|COPY --from=0 / /|RUN --mount=type=bind x
VOLUME /v|FROM python:3 AS b|FROM b|RUN pip|RUN chmod z .|RUN rm -rf /|RUN mkdir ../../x|STOPSIGNAL 9|HEALTHCHECK NONE
ENV P=${P#x}|ADD . ."""
_LINE = st.sampled_from(_LINES.replace("\n", "|").split("|"))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(_LINE, max_size=6))
def test_any_sequence_of_instructions_builds_or_is_a_named_error(bench: Bench, lines: list[str]) -> None:
    try:
        image = bench.image({"Dockerfile": "FROM python:3\n" + "\n".join(lines) + "\n", "a": "1"})
    except ImageError as error:
        assert error.line >= 1 and error.reason and error.hint
    else:
        assert (image.directory / "image.json").exists()
    assert (bench.folder / "app" / "a").exists()


@given(
    st.dictionaries(st.from_regex(r"[A-Z][A-Z0-9_]{0,5}", fullmatch=True), st.text(max_size=8)), st.text(max_size=30)
)
def test_expansion_never_fails_but_by_a_named_error(variables: dict[str, str], text: str) -> None:
    instruction = Instruction(1, "ENV", (), text)
    try:
        expanded = expand(text, variables, instruction)
    except ImageError as error:
        assert error.line == 1
    else:
        assert isinstance(expanded, str)
    assert expand("a${X:-d}b", {}, instruction) == "adb"
    assert expand("${X:-d}${X-e}${X:+f}\\$X$X", {"X": "v"}, instruction) == "vvf$Xv"
    assert expand("${X:-d}${X-e}", {"X": ""}, instruction) == "d"


@pytest.mark.parametrize(
    ("rules", "left_out", "kept"),
    [
        ("*.log", ["x.log"], ["a/x.log", "x.txt"]),
        ("**/*.log", ["x.log", "a/b/x.log"], ["x.txt"]),
        ("node_modules", ["node_modules", "node_modules/a/b"], ["a/node_modules"]),
        ("*\n!keep.txt", ["x", "y/z"], ["keep.txt"]),
        ("docs/*\n!docs/a.md", ["docs/b.md"], ["docs/a.md", "docs"]),
        ("# comment\n\n/build/", ["build", "build/x"], ["a/build"]),
        ("temp?", ["temp1"], ["temp", "temp12"]),
        ("[ab].c", ["a.c"], ["c.c"]),
    ],
)
def test_dockerignore_follows_dockers_rules(rules: str, left_out: list[str], kept: list[str]) -> None:
    ignore = Ignore(rules)
    assert [path for path in left_out if not ignore.covers(path)] == []
    assert [path for path in kept if ignore.covers(path)] == []


@given(st.text(max_size=30), st.text(max_size=20))
def test_any_dockerignore_is_taken(rules: str, path: str) -> None:
    assert Ignore(rules).covers(path) in (True, False)


def test_a_build_that_was_killed_is_no_image(bench: Bench) -> None:
    files = {"Dockerfile": "FROM python:3\nCOPY . /app\nCMD python\n", "main.py": "1"}
    image = bench.image(files)
    os.unlink(image.directory / "image.json")
    (image.directory / "root/app/stray").write_text("half-done")
    again = bench.image(files)
    assert not again.reused
    assert not (image.directory / "root/app/stray").exists()
