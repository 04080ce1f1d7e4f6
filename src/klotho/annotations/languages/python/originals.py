"""How a program of Python is run without being compiled, for `klotho verify`: by the server of its framework, with its
packages in an environment of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from klotho.annotations.findings import Original
from klotho.annotations.languages.python.modules import assigned
from klotho.annotations.languages.python.web import App, app_of

if TYPE_CHECKING:
    from klotho.annotations.languages.python.program import PythonProgram

_OF_ITS_OWN = ".klotho-original"


def original_of(program: PythonProgram) -> Original:
    for source, _ in program.code.all("expose"):
        module = program.module(source.path)
        for _, target in source.of("expose"):
            name, value = assigned(target) if target is not None else ("", None)
            if name:
                return _started(program, f"{program.dotted(source.path)}:{name}", app_of(module, name, value))
    return _started(program, "main:app", None)


def _started(program: PythonProgram, app: str, found: App | None) -> Original:
    python = f"{_OF_ITS_OWN}/bin/python"
    framework = found.framework if found is not None else ""
    start, server = _server_of(framework, app)
    manages = (program.code.root / "manage.py").is_file()
    packages = ["-r", "requirements.txt"] if (program.code.root / "requirements.txt").is_file() else []
    if not packages and (program.code.root / "pyproject.toml").is_file():
        packages = ["-r", "pyproject.toml"]
    return Original(
        (python, "-m", *start),
        (
            ("uv", "venv", "--quiet", _OF_ITS_OWN),
            ("uv", "pip", "install", "--quiet", "--python", python, *packages, *server),
            *(((python, "manage.py", "migrate", "--no-input"),) if framework == "django" and manages else ()),
        ),
        listens="see that the annotation stands on its application, and that its packages are in its manifest",
        paths=tuple(base.rstrip("/") for base in program.bases if base),
    )


def _server_of(framework: str, app: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The module that serves an original, with its arguments, and the packages that are needed for it."""
    if framework == "django":
        return ("waitress", "--listen=127.0.0.1:{port}", app), ("waitress",)
    if framework == "flask":
        return ("flask", "--app", app, "run", "--port", "{port}"), ()
    return ("uvicorn", app, "--port", "{port}"), ("uvicorn",)
