"""Which environments there are, what lives in them, and which have outlived their time.

Input: a program with its klotho.yaml, a clock's reading. Output: values. An environment with `ttl:` leaves a note in
the account's artifact bucket at each `up`; `expired` finds those that are due. Refuses what accounts refuse.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from klotho.deploy.place import Clients, translated
from klotho.driver import aws, local_cloud
from klotho.driver.build import Build
from klotho.driver.machine import now_ms
from klotho.driver.program import Program, refuse_mistaken_settings, with_region
from klotho.driver.session import Session
from klotho.driver.settings import DEFAULT_ENVIRONMENT, Environment

_FOLDER = "environments"


@dataclass(frozen=True, slots=True)
class Note:
    """One application in one environment that will not stay."""

    application: str
    environment: str
    expires_ms: int
    by: str
    """The ARN of whoever ran the last `up`."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One environment of klotho.yaml."""

    environment: Environment
    state: str
    """`running`, `stopped` or `absent` on this machine; `on AWS` for an account that was not asked."""
    live: tuple[str, ...] = ()
    """Names of those deployed, by the project's stacks; empty where nobody asked."""
    notes: tuple[Note, ...] = ()


def configured(program: Program) -> list[Environment]:
    """Every environment of klotho.yaml, and `local`."""
    refuse_mistaken_settings(program.folder)
    settings = program.settings
    found = dict(settings.environments)
    found.setdefault(DEFAULT_ENVIRONMENT, settings.environment(DEFAULT_ENVIRONMENT))
    return [with_region(item, None) for _, item in sorted(found.items())]


def listed(program: Program, project: str, *, ask_accounts: bool) -> list[Listed]:
    """Each with its state; what lives in accounts only when asked for, because it needs credentials."""
    return [_listed(item, project, ask_accounts) for item in configured(program)]


def keep_note(built: Build, session: Session) -> None:
    """After an `up`: until when the environment stays. Nothing for one without a `ttl`."""
    environment = built.environment
    if environment.target != "aws" or environment.ttl_seconds is None:
        return
    caller = aws.who_am_i(session.clients)
    note = {
        "application": built.application.name,
        "environment": environment.name,
        "expires_ms": now_ms() + environment.ttl_seconds * 1000,
        "by": caller.arn,
    }
    key = _key(built.application.project, environment.name, built.application.name)
    with translated("noting how long the environment stays"):
        session.clients.s3.put_object(
            Bucket=session.clients.place.artifact_bucket, Key=key, Body=json.dumps(note).encode()
        )


def forget_note(clients: Clients, project: str, environment: str, application: str) -> None:
    """After it was taken down."""
    with translated("forgetting the environment"):
        clients.s3.delete_object(Bucket=clients.place.artifact_bucket, Key=_key(project, environment, application))


def expired(clients: Clients, project: str, template: Environment, at_ms: int) -> list[Note]:
    """Those of one environment of klotho.yaml that are due."""
    return [note for note in _notes(clients, project, template) if note.expires_ms <= at_ms]


def _listed(environment: Environment, project: str, ask_accounts: bool) -> Listed:
    if environment.target == "local":
        running = local_cloud.running_session(project, environment.name) is not None
        there = local_cloud.has_data(project, environment.name)
        return Listed(environment, "running" if running else "stopped" if there else "absent")
    if not ask_accounts:
        return Listed(environment, "on AWS")
    session = aws.session(environment)
    stacks = session.calls.of_project(project)
    names = {stack.tags["klotho:environment"] for stack in stacks if "klotho:environment" in stack.tags}
    mine = {name for name in names if _is_of(name, environment)}
    return Listed(
        environment,
        "deployed" if mine else "absent",
        tuple(sorted(mine)),
        tuple(_notes(session.clients, project, environment)),
    )


def _is_of(name: str, environment: Environment) -> bool:
    return name.startswith(f"{environment.name}-") if environment.per else name == environment.name


def _notes(clients: Clients, project: str, template: Environment) -> Iterator[Note]:
    from botocore.exceptions import ClientError

    bucket, prefix = clients.place.artifact_bucket, f"{_FOLDER}/{project}/{template.name}"
    with translated("reading how long environments stay"):
        try:
            pages = clients.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
            keys = [item["Key"] for page in pages for item in page.get("Contents", ())]
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") == "NoSuchBucket":
                return  # nothing was ever deployed to that account and region
            raise
        bodies = [clients.s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys]
    for body in bodies:
        note = _parsed(body)
        if note is not None and _is_of(note.environment, template):
            yield note


def _parsed(body: bytes) -> Note | None:
    """None for what is no note: somebody else's file is never a reason to remove something."""
    try:
        data: Any = json.loads(body)
        return Note(
            str(data["application"]), str(data["environment"]), int(data["expires_ms"]), str(data.get("by", ""))
        )
    except (ValueError, KeyError, TypeError):
        return None


def _key(project: str, environment: str, application: str) -> str:
    return f"{_FOLDER}/{project}/{environment}/{application}.json"
