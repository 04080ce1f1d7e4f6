"""`klotho down`."""

from __future__ import annotations

from pathlib import Path

from klotho.cli.commands.program import show_notice, where_at
from klotho.cli.consent import agree, ask_about_breaking
from klotho.cli.console import Console, counted
from klotho.cli.failed_stacks import diagnostics_of, exit_code_of
from klotho.cli.interrupts import draining
from klotho.cli.progress import progress_for
from klotho.diagnostics import Diagnostic, ExitCode, Failure, one_of
from klotho.driver import takedown
from klotho.driver.account_takedown import Removal
from klotho.driver.identity import Identity, Where, identify
from klotho.driver.projects import BreakingNeeded


def run(
    path: Path,
    env: str | None,
    yes: bool,
    delete_data: str | None,
    breaking: list[str],
    take_over: bool,
    application: str | None,
    project: str | None,
    as_json: bool,
) -> int:
    console = Console(as_json)
    where = where_at(path, "klotho down", application, project)
    agreed = frozenset(breaking)
    while True:
        try:
            if delete_data is None:
                return _stop(console, where, env, yes, agreed)
            return _delete(console, where, env, delete_data, take_over, agreed)
        except BreakingNeeded as needed:
            if not console.interactive:
                raise
            agreed = ask_about_breaking(console, needed, where.folder, agreed)
            yes = True  # the question was answered by the first time


def _stop(console: Console, where: Where, env: str | None, yes: bool, breaking: frozenset[str]) -> int:
    identity = identify(where, env)
    show_notice(console, identity)
    with progress_for(console) as sink, draining() as drain:
        if identity.environment.target == "aws" and not yes:
            name = f"{identity.application} in {identity.environment.name}"
            question = (
                f"Delete the stacks of {name}? What holds data stays behind; a later `up` does not find it again."
            )
            agree(console, sink, question, "`klotho status` shows what is there")
        result = takedown.stop(identity, sink, drain, breaking)
    return _show(console, result)


def _delete(
    console: Console, where: Where, env: str | None, typed: str, take_over: bool, breaking: frozenset[str]
) -> int:
    identity = identify(where, env)
    show_notice(console, identity)
    names = takedown.data_of(identity, take_over=take_over)
    if typed != identity.application:
        raise _not_its_name(identity, typed, names)
    with progress_for(console) as sink, draining() as drain:
        result = takedown.delete(identity, sink, take_over=take_over, drain=drain, breaking=breaking)
    return _show(console, result)


def _show(console: Console, result: takedown.DownResult) -> int:
    if result.deployment is not None and not result.deployment.ok:
        found = diagnostics_of(result.deployment)
        if result.deployment.drained:
            left = ", ".join(result.deployment.cancelled) or "nothing"
            note, again = f"not begun: {left}", "run it again to go on"
            found.append(Diagnostic("cancelled", "stopped as you asked", notes=(note,), helps=(again,)))
        console.failed(found, result.identity.folder)
        return exit_code_of(result.deployment)
    if console.as_json:
        console.json(
            {
                "ok": True,
                "application": result.identity.application,
                "environment": result.identity.environment.name,
                "was_running": result.was_running,
                "data_deleted": result.data_deleted,
                "other_applications": sorted((*result.running, *result.stopped)),
                "still_running": list(result.running),
                "used_by": list(result.users),
                **_removal_json(result),
            }
        )
    elif result.removal is not None:
        _show_removal(console, result, result.removal)
    else:
        console.note(_said(result))
    return ExitCode.OK


def _removal_json(result: takedown.DownResult) -> dict[str, object]:
    done = result.removal
    if done is None:
        return {}
    return {"kept_stacks": list(done.kept_stacks), "left": [item.to_json() for item in done.left]}


def _show_removal(console: Console, result: takedown.DownResult, done: Removal) -> None:
    name = f"{result.identity.application} in {result.identity.environment.name}"
    if done.deployment is None:
        console.note(f"{name} has no stacks: there is nothing to do")
    else:
        console.note(f"deleted {counted(len(done.deployment.outcomes), 'stack')} of {name}")
    if done.kept_stacks:
        console.note(f"protected from deletion, or needed by what is: {', '.join(done.kept_stacks)}")
    if done.left:
        console.note(f"\nleft behind, with {'its' if len(done.left) == 1 else 'their'} data; to remove it for good:")
    for item in done.left:
        console.out(f"{item.arn}\n  {item.command or f'# no single command removes a {item.what}: see its console'}")


def _not_its_name(identity: Identity, typed: str, names: list[str]) -> Failure:
    """Deleting data takes the application's name, typed: `--yes` is no consent to that."""
    what = f"{one_of(names)} and {'its' if len(names) == 1 else 'their'} data" if names else "all its data"
    return Failure(
        "consent-needed",
        f"`{typed}` is not the name of this application: nothing was deleted",
        notes=(f"it is `{identity.application}` in `{identity.environment.name}`, with {what}",),
        helps=(f"run it with `--delete-data {identity.application}` to delete all that for good",),
        exit_code=ExitCode.USAGE,
    )


def _said(result: takedown.DownResult) -> str:
    name = f"{result.identity.application} in {result.identity.environment.name}"
    others = f"; still running: {', '.join(result.running)}" if result.running else ""
    if result.data_deleted:
        return f"deleted {name} and all its data{others}"
    if not result.was_there:
        return f"{name} was never brought up, or is deleted: there is nothing to do{others}"
    if not result.was_running:
        return f"{name} was not running: there is nothing to do{others}"
    kept = "databases, tables and logs are kept for the next `klotho up`"
    return f"stopped {name}; {kept}{others}{_used(result)}"


def _used(result: takedown.DownResult) -> str:
    if not result.users:
        return ""
    names = " and ".join(filter(None, [", ".join(result.users[:-1]), result.users[-1]]))
    verbs = "uses it, and finds" if len(result.users) == 1 else "use it, and find"
    return f"\n{names} {verbs} it again after the next `klotho up`"
