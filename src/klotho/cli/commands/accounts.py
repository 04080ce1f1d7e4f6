"""`klotho bootstrap` and `klotho ci init`."""

from __future__ import annotations

import re
from pathlib import Path

from klotho.cli.commands.program import program_at
from klotho.cli.consent import Asked
from klotho.cli.console import Console
from klotho.cli.progress import progress_for
from klotho.deploy.bootstrap import STACK_NAME
from klotho.deploy.deployer_role import GitHub
from klotho.deploy.events import Step
from klotho.diagnostics import ExitCode, Failure
from klotho.driver.accounts import bootstrap_account
from klotho.driver.ci import write_workflow

_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}")


def bootstrap(path: Path, env: str | None, github: list[str], makes_provider: bool, yes: bool, as_json: bool) -> int:
    console = Console(as_json)
    for name in github:
        if not _REPOSITORY.fullmatch(name):
            raise Failure("usage", f"`{name}` is no repository such as `acme/shop`", exit_code=ExitCode.USAGE)
    program = program_at(path, "klotho bootstrap --program")
    trusted = GitHub(tuple(sorted(set(github))), makes_provider) if github else None
    with progress_for(console) as sink:
        agreed = (lambda question: True) if yes else Asked(console, sink).consent.bootstrap
        made = bootstrap_account(program, env, agreed, trusted, lambda line: sink(Step(line)))
    if as_json:
        place = {"account": made.account, "region": made.region}
        console.json({"ok": True, "stack": STACK_NAME, **place, "role": made.role, "repositories": made.repositories})
        return ExitCode.OK
    console.note(f"{STACK_NAME} and a role for this application are there in {made.account}, {made.region}")
    if not made.used:
        console.note(f"to deploy with it: `klotho env set {made.environment} --role {made.role}`")
    console.out(made.role)
    return ExitCode.OK


def ci_init(path: Path, env: str, branch: str, as_json: bool) -> int:
    console = Console(as_json)
    written = write_workflow(program_at(path, "klotho ci init --program"), env, branch)
    if as_json:
        per = {"branch_environment": written.branch_name, "branch_role": written.branch_role}
        console.json({"ok": True, "file": str(written.path), "role": written.role, **per})
        return ExitCode.OK
    console.out(str(written.path))
    console.note(f"workflows deploy as {written.role}; let this repository do so, once:")
    for name in filter(None, (env, written.branch_name)):
        console.note(f"  klotho bootstrap --env {name} --github OWNER/NAME")
    if written.branch_name is None:
        console.note("no environment of klotho.yaml is `per: branch`, so branches get a preview only")
    return ExitCode.OK
