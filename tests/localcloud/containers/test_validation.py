"""A Dockerfile that can't be built here is refused by reading it."""

from __future__ import annotations

from pathlib import Path

import pytest

from klotho.localcloud.planes.containers.dockerfile import ImageError
from klotho.localcloud.planes.containers.validation import validate_image

EXAMPLES = Path(__file__).parents[3] / "examples"
BASE = "FROM python:3.12-slim\n"


def validated(folder: Path, text: str) -> int | None:
    """The line that is refused, None if it is fine."""
    (folder / "Dockerfile").write_text(text)
    try:
        validate_image(folder, folder / "Dockerfile")
    except ImageError as error:
        return error.line
    return None


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (BASE + "WORKDIR /app\nRUN apt-get update && apt-get install -y curl\n", 3),
        (BASE + "RUN pip install flask && make\n", 2),
        (BASE + 'RUN ["gcc", "main.c"]\n', 2),
        (BASE + "RUN curl x | sh\n", 2),
        (BASE + "RUN python setup.py install\n", 2),
        (BASE + 'SHELL ["bash"]\n', 2),
        ("FROM postgres:16\n", 1),
        ("FRM python\n", 1),
        (BASE + "ARG TOOL=apt\nRUN $TOOL install x\n", 3),
        (BASE.replace("\n", " AS a\n") + "RUN make\n" + BASE + "COPY --from=a /x /x\n", 2),
        (BASE.replace("\n", " AS a\n") + "RUN make\nFROM a\n", 2),
        (BASE.replace("\n", " AS unused\n") + "RUN make\n" + BASE, None),
        (BASE + "RUN python3 -m pip install -r requirements.txt && rm -rf /x && useradd me\n", None),
        (BASE + "ENV A=1\nRUN cd /app && uv sync && poetry install\nCMD python -m app\n", None),
        (BASE + "RUN python -m venv /opt/venv\nRUN python -m compileall .\nRUN pip3 install x\n", None),
    ],
)
def test_the_line_that_needs_a_container_engine_is_named(tmp_path: Path, text: str, line: int | None) -> None:
    assert validated(tmp_path, text) == line


@pytest.mark.parametrize("dockerfile", sorted(EXAMPLES.rglob("Dockerfile")), ids=lambda path: path.parent.name)
def test_what_the_examples_build_from_is_fine(dockerfile: Path) -> None:
    validate_image(dockerfile.parent, dockerfile)


def test_a_missing_context_or_dockerfile_is_said(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="is no folder"):
        validate_image(tmp_path / "gone", tmp_path / "Dockerfile")
    with pytest.raises(ImageError, match="does not exist"):
        validate_image(tmp_path, tmp_path / "Dockerfile")


@pytest.mark.parametrize(
    "line",
    [
        "RUN pip install --target=/x flask",
        "RUN pip download flask",
        "RUN uv lock",
        "RUN poetry build",
        "RUN venv /x",
        "COPY --from=nginx:1 /a /a",
        "COPY --parents a/b /x",
    ],
)
def test_what_a_command_does_not_carry_is_named_too_and_nothing_promises_what_does_not_help(
    tmp_path: Path, line: str
) -> None:
    assert validated(tmp_path, f"{BASE}{line}\n") == 2


def test_a_refusal_says_what_is_carried_and_not_that_an_engine_would_help(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(f"{BASE}RUN apt-get install -y curl\n")
    with pytest.raises(ImageError) as caught:
        validate_image(tmp_path, tmp_path / "Dockerfile", {})
    assert "without a container engine: RUN carries pip" in caught.value.hint
    assert "is needed" not in str(caught.value)
