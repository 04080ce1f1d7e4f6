"""`klotho guardrails test`: compiles the programs that a bundle brings and compares which rules they break.

Input: the folder of a bundle. Output: an `Outcome` for each of its tests. Refuses a damaged bundle, and one without
tests. Asks no cloud and writes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from klotho.diagnostics import Diagnostic, Failure, ProgramError, Report, Severity, Span
from klotho.driver import guardrail_sources as sources
from klotho.driver.build import build
from klotho.driver.guardrails import Loaded, parsed
from klotho.driver.program import Program, find_program
from klotho.driver.settings import Environment
from klotho.guardrails import BUNDLE_FILE, Bundle, Fixture


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one test went."""

    fixture: Fixture
    found: tuple[str, ...] = ()
    """Ids of the rules that the program breaks, sorted."""
    mistakes: tuple[Diagnostic, ...] = ()
    """Why it could not be compiled; nothing to do with rules."""

    @property
    def ok(self) -> bool:
        return not self.mistakes and self.found == self.fixture.expect

    @property
    def name(self) -> str:
        return f"{self.fixture.program} in {self.fixture.environment}"


def read_bundle(path: Path) -> Bundle:
    """The bundle in a folder; ProgramError with its mistakes."""
    report = Report()
    bundle = parsed(sources.folder_text(path), BUNDLE_FILE, report)
    report.stop_on_errors()
    assert bundle is not None
    return bundle


def run_tests(path: Path) -> tuple[Bundle, list[Outcome]]:
    bundle = read_bundle(path)
    if not bundle.fixtures:
        raise Failure(
            "guardrail-tests-missing",
            f"the bundle `{bundle.name}` has no tests",
            at=Span(BUNDLE_FILE, 1),
            helps=('add `[[test]]` with `program = "tests/…"` and `expect = ["rule-id"]` to it',),
        )
    folder = path if path.is_dir() else path.parent
    return bundle, [_outcome(bundle, item, folder) for item in bundle.fixtures]


def _outcome(bundle: Bundle, fixture: Fixture, folder: Path) -> Outcome:
    try:
        program = _in_environment(find_program(folder / fixture.program), fixture)
        built = build(program, fixture.environment, guardrails=Loaded((bundle,)))
        said = list(built.diagnostics)
    except ProgramError as error:
        said = list(error.diagnostics)
    except Failure as failure:
        said = [failure.diagnostic]
    mistakes = tuple(item for item in said if item.rule is None and item.severity is Severity.ERROR)
    broken = {item.rule.partition("/")[2] for item in said if item.rule and item.code != "guardrail-excepted"}
    return Outcome(fixture, tuple(sorted(broken)), mistakes)


def _in_environment(program: Program, fixture: Fixture) -> Program:
    """The program with the environment there, as one on AWS unless its own klotho.yaml says what it is."""
    known = program.settings.environments.get(fixture.environment)
    environment = known or Environment(fixture.environment, "aws", alarms=True)
    environment = replace(environment, region=fixture.region or environment.region)
    environments = {**program.settings.environments, fixture.environment: environment}
    return replace(program, settings=replace(program.settings, environments=environments))
