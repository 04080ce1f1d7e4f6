"""Handlers in TypeScript: their runtime, and the function that has to be in the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from klotho.application.files import ProgramFiles
from klotho.diagnostics import ProgramError
from klotho.engine import resolve
from tests.conftest import RunProgram

PROGRAM = 'import klotho\nklotho.Application("shop")\nklotho.Compute.Function("pay", handler="functions/pay.main")\n'


@pytest.mark.parametrize(
    ("ending", "source", "code"),
    [
        ("ts", "export const main = async (event: { n: number }): Promise<void> => {};\n", None),
        ("mts", "export async function main(): Promise<void> {}\n", None),
        ("ts", "const pay = async () => 1;\nexport { pay as main };\nexport type { Event } from './types';\n", None),
        ("ts", "export * from './other';\n", None),
        ("ts", "export const mian = async () => 1;\n", "missing-handler"),
    ],
)
def test_a_typescript_handler(
    run_program: RunProgram, tmp_path: Path, ending: str, source: str, code: str | None
) -> None:
    application, report = run_program(PROGRAM, {f"functions/pay.{ending}": source})
    assert application is not None
    try:
        resolved = resolve(application, environment="local", files=ProgramFiles(tmp_path), report=report)
    except ProgramError as error:
        assert [item.code for item in error.diagnostics] == [code]
        return
    assert code is None
    function = resolved.graph["Compute.Function/pay:function"].properties
    assert (function["Runtime"], function["Handler"]) == ("nodejs22.x", "functions/pay.main")
