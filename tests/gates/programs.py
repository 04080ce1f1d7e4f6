"""Every program the gates look at: the examples, and the programs that deploy every row of the table of pairs.

Input: an empty folder. Output: one folder of templates a program, as `klotho build` makes them, in process.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from klotho.application import Application, ConstructId, Directive
from klotho.application.files import ProgramFiles
from klotho.catalogue.foreign import ForeignConstruct
from klotho.catalogue.policy import EnvironmentPolicy
from klotho.diagnostics import Report, Severity
from klotho.emit import Bundle, render
from klotho.engine import resolve
from klotho.sdk.program import run
from tests.examples.deployment import EXAMPLES
from tests.localcloud.pairs import harness

PAIRS = Path(harness.__file__).parent
PROTECTED = EnvironmentPolicy(protect=True, alarms=True, alarm_emails=("alarms@example.com",))


LAYERED = "guestbook-layered"
"""An example whose functions have layers, as `up` would find out of large packages."""


def with_layers(application: Application) -> Application:
    """As klotho.lock would have it."""
    functions = [item.id for item in application.constructs if item.kind == "Compute.Function"]
    assert functions
    added = (Directive(item, "use", "lambda-layer") for item in functions)
    return replace(application, directives=(*application.directives, *added))


class Template(NamedTuple):
    """One stack's template."""

    program: str
    file: Path

    @property
    def resources(self) -> Mapping[str, dict[str, Any]]:
        found: Mapping[str, dict[str, Any]] = json.loads(self.file.read_text(encoding="utf-8"))["Resources"]
        return found


def names() -> list[str]:
    """Of every program, sorted."""
    examples = [path.parent.name for path in EXAMPLES.glob("*/infra.py")]
    return sorted([*examples, *(file.stem for file in PAIRS.glob("test_*.py"))])


def compile_all(folder: Path) -> list[Template]:
    """The templates of every program, written into `folder/<program>/`: the pairs as a protected environment with
    alarms has them, which is more than others have; the examples both ways."""
    examples = {path.parent.name for path in EXAMPLES.glob("*/infra.py")}
    wanted = [(name, name, None if name in examples else PROTECTED) for name in names()]
    wanted += [(name, f"{name}-protected", PROTECTED) for name in sorted(examples)]
    wanted.append((LAYERED.removesuffix("-layered"), LAYERED, PROTECTED))
    return [
        Template(title, file)
        for name, title, policy in wanted
        for file in sorted(_compile(name, folder / title, policy))
    ]


def _compile(name: str, folder: Path, policy: EnvironmentPolicy | None = None) -> Iterator[Path]:
    made = bundle(name, folder, policy)
    for stack in made.manifest.stacks:
        file = folder / "templates" / stack.template
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(made.files[f"cloudformation/{stack.template}"])
        yield file


def application(name: str, folder: Path) -> Application:
    """What a program says; what is no example is written into `folder/program/` before."""
    return _run(_program(name, folder))[0]


def bundle(
    name: str,
    folder: Path,
    policy: EnvironmentPolicy | None = None,
    foreign: Mapping[ConstructId, ForeignConstruct] | None = None,
) -> Bundle:
    """A program compiled; what is no example is written into `folder/program/` before."""
    program = _program(name, folder)
    application, report = _run(program)
    if folder.name == LAYERED:
        application = with_layers(application)
    files = ProgramFiles(program.parent)
    resolution = resolve(application, environment="gates", files=files, report=report, policy=policy, foreign=foreign)
    assert [item for item in report.diagnostics if item.severity is Severity.ERROR] == []
    return render(resolution.graph, resolution.setting, region="us-east-1")


def _program(name: str, folder: Path) -> Path:
    program = EXAMPLES / name / "infra.py"
    return program if program.is_file() else _write(name, folder / "program")


def _run(program: Path) -> tuple[Application, Report]:
    application, report = run(program)
    assert application is not None and not report.errors, report.errors
    return application, report


def _write(name: str, folder: Path) -> Path:
    module = import_module(f"tests.localcloud.pairs.{name}")
    for path, text in harness.files_of(module.PROGRAM, getattr(module, "FILES", None)).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return folder / "infra.py"
