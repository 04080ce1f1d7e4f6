"""`klotho bootstrap` and `klotho ci init`."""

from __future__ import annotations

import re
from pathlib import Path

from klotho.cli.commands.program import program_at
from klotho.cli.consent import Asked
from klotho.cli.console import Console
from klotho.cli.progress import progress_for
from klotho.deploy.bootstrap import STACK_NAME, GitHub
from klotho.deploy.events import Step
from klotho.diagnostics import ExitCode, Failure
from klotho.driver.accounts import bootstrap_account
from klotho.driver.ci import write_workflow

_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}")


def bootstrap(path: Path, env: str | None, github: list[str], provider: str | None, yes: bool, as_json: bool) -> int:
    console = Console(as_json)
    for name in github:
        if not _REPOSITORY.fullmatch(name):
            raise Failure("usage", f"`{name}` is no repository such as `acme/shop`", exit_code=ExitCode.USAGE)
    program = program_at(path, "klotho bootstrap --program")
    trusted = GitHub(tuple(sorted(set(github))), provider) if github else None
    with progress_for(console) as sink:
        agreed = (lambda question: True) if yes else Asked(console, sink).consent.bootstrap
        made = bootstrap_account(program, env, agreed, trusted, lambda line: sink(Step(line)))
    role = made.stack.outputs.get("DeployRoleArn", "")
    if as_json:
        place = {"account": made.account, "region": made.region}
        console.json({"ok": True, "stack": STACK_NAME, **place, "role": role, "repositories": made.repositories})
        return ExitCode.OK
    console.note(f"{STACK_NAME} is there in {made.account}, {made.region}")
    console.out(role)
    return ExitCode.OK


def ci_init(path: Path, env: str, branch: str, as_json: bool) -> int:
    console = Console(as_json)
    written = write_workflow(program_at(path, "klotho ci init --program"), env, branch)
    if as_json:
        per = written.branch_environment.name if written.branch_environment else None
        console.json({"ok": True, "file": str(written.path), "role": written.role, "branch_environment": per})
        return ExitCode.OK
    console.out(str(written.path))
    console.note(f"workflows deploy as {written.role}; let this repository do so, once:")
    console.note(f"  klotho bootstrap --env {env} --github OWNER/NAME")
    if written.branch_environment is None:
        console.note("no environment of klotho.yaml is `per: branch`, so branches get a preview only")
    return ExitCode.OK
