"""Exports of a large application: templates to Pulumi programs, Terraform modules and ejected templates.

Input: none (`python benchmarks/exports.py [services, default 510]`). Output: seconds for each target, reading the
templates included, of an application whose size in resources is printed. In process, without writing files.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from figures import line

AIM_S = 2.0


def program(services: int) -> str:
    lines = ["import klotho", "from klotho import API, Compute, Databases", 'klotho.Application("large")']
    for number in range(services):
        lines += [
            f'd{number} = Databases.KeyValue("things{number}")',
            f'f{number} = Compute.Function("service{number}", handler="app.handler")',
            f"f{number}.read_writes_to(d{number})",
        ]
        if number % 10 == 0:
            lines.append(f'a{number} = API("api{number}")')
        lines.append(f'a{number // 10 * 10}.attach_service(f{number}, route="/s{number}", methods=["GET"])')
    return "\n".join([*lines, ""])


def main() -> int:
    from klotho.application.files import ProgramFiles
    from klotho.emit import render
    from klotho.emit.eject import cloudformation_files
    from klotho.emit.exported import Export, exported
    from klotho.emit.pulumi.folder import pulumi_files
    from klotho.emit.terraform.folder import terraform_files
    from klotho.engine import resolve
    from klotho.sdk.program import run

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "infra.py").write_text(program(int(sys.argv[1]) if len(sys.argv) > 1 else 510))
        (folder / "app.py").write_text("def handler(event, context):\n    return {}\n")
        application, report = run(folder / "infra.py")
        assert application is not None
        resolution = resolve(application, environment="bench", files=ProgramFiles(folder), report=report)
        report.stop_on_errors()
        bundle = render(resolution.graph, resolution.setting, region=REGION)
    targets: dict[str, Callable[[Export], object]] = {
        "Pulumi, Python": lambda export: pulumi_files(export, language="python", single=False),
        "Pulumi, TypeScript": lambda export: pulumi_files(export, language="typescript", single=False),
        "Terraform": lambda export: terraform_files(export, backend="s3"),
        "CloudFormation": lambda export: cloudformation_files(export, bundle.files),
    }
    for title, write in targets.items():
        begun = time.perf_counter()
        write(exported(bundle.files, bundle.manifest))
        line(f"{len(resolution.graph):,} resources as {title}", time.perf_counter() - begun, " s", less_than=AIM_S)
    return 0


REGION = "eu-west-1"

if __name__ == "__main__":
    sys.exit(main())
