"""`secret set`, `secret ls` and `secret rm`.

Input: a program, an environment, a secret's name, a value as text. Output: states without values. A stopped local
cloud is started for the question and stopped again, as `preview` does. Refuses names the program does not have
(`secret-unknown`), secrets that are not deployed (`secret-not-deployed`), and values Secrets Manager does not take
(`secret-value`). A value is handed to Secrets Manager and kept nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from klotho.deploy.events import Sink
from klotho.deploy.place import Clients
from klotho.deploy.secret_values import MAX_BYTES, put_value, remove_value, state_of
from klotho.diagnostics import ExitCode, Failure, did_you_mean, one_of
from klotho.driver.build import Build, build
from klotho.driver.deployment import shown_outputs
from klotho.driver.machine import runs_in_ci
from klotho.driver.program import Program
from klotho.driver.session import for_a_question
from klotho.driver.unset_secrets import KIND, arns_of, secrets_of


@dataclass(frozen=True, slots=True)
class SecretState:
    """A secret of the program; there is no field for its value."""

    name: str
    deployed: bool
    is_set: bool = False
    changed: datetime | None = None
    """When the current value was set; None when there is none."""


def list_secrets(program: Program, environment: str | None, sink: Sink) -> tuple[SecretState, ...]:
    """Every secret of the program, by name."""
    with _opened(program, environment, sink) as (built, clients, arns):
        return tuple(_state(clients, item.label, arns.get(item.label)) for item in secrets_of(built.application))


def set_secret(program: Program, environment: str | None, name: str, value: str, sink: Sink) -> None:
    """Give a deployed secret its value; services see it once their copy is old (five minutes unless set otherwise)."""
    _check_value(name, value)
    with _opened(program, environment, sink) as (built, clients, arns):
        deployed, arn = _find(built, clients, arns, name)
        put_value(deployed, arn, value)


def remove_secret(program: Program, environment: str | None, name: str, sink: Sink) -> None:
    """Take a secret's value away; the secret stays, empty."""
    with _opened(program, environment, sink) as (built, clients, arns):
        deployed, arn = _find(built, clients, arns, name)
        remove_value(deployed, arn)


@contextmanager
def _opened(
    program: Program, environment: str | None, sink: Sink
) -> Iterator[tuple[Build, Clients | None, Mapping[str, str]]]:
    """The compiled program, clients for its local cloud (None when there is none) and the deployed secrets' ARNs."""
    built = build(program, environment, in_ci=runs_in_ci())
    project, name = built.application.project, built.environment.name
    with for_a_question(built.environment, project, sink) as session:
        if session is None:
            yield built, None, {}
            return
        deployed = session.calls.deployed(project=project, environment=name, application=built.application.name)
        outputs = shown_outputs(built.manifest, {stack.name: stack.outputs for stack in deployed.values()})
        yield built, session.clients, arns_of(built.application, outputs)


def _state(clients: Clients | None, name: str, arn: str | None) -> SecretState:
    if clients is None or arn is None:
        return SecretState(name, deployed=False)
    found = state_of(clients, arn)
    return SecretState(name, True, found.is_set, found.changed)


def _find(built: Build, clients: Clients | None, arns: Mapping[str, str], name: str) -> tuple[Clients, str]:
    known = [item.label for item in secrets_of(built.application)]
    if name not in known:
        raise Failure(
            "secret-unknown",
            f"the program has no secret `{name}`",
            notes=(f"it has {one_of(known)}" if known else "it has no `klotho.Secret(…)` at all",),
            helps=(did_you_mean(name, known),),
            exit_code=ExitCode.NOT_FOUND,
        )
    theirs = next((found for item, found in built.foreign.items() if item == f"{KIND}/{name}"), None)
    if theirs is not None:
        raise Failure(
            "said-by-owner",
            f"the secret `{name}` is made by `{theirs.owner}`, so its value is set there",
            helps=(f"run `klotho secret set {name}` in {theirs.where}",),
        )
    if clients is None or name not in arns:
        raise Failure(
            "secret-not-deployed",
            f"the secret `{name}` is not deployed yet, so there is no place to keep its value",
            helps=(f"run `klotho up`, then `klotho secret set {name}`",),
            exit_code=ExitCode.NOT_FOUND,
        )
    return clients, arns[name]


def _check_value(name: str, value: str) -> None:
    """Failure (`secret-value`) for what Secrets Manager refuses; the message never holds the value."""
    size = len(value.encode("utf-8", "surrogatepass"))
    if not value:
        problem = f"the value given for `{name}` is empty"
    elif size > MAX_BYTES:
        problem = f"the value given for `{name}` has {size} bytes, Secrets Manager keeps at most {MAX_BYTES}"
    else:
        return
    raise Failure("secret-value", problem, helps=(f"pipe it: `klotho secret set {name} < file`",))
