"""The durable part of CloudFormation: stacks, their resources, events, change sets and the journal of operations.

Everything lives in the local cloud's one SQLite file. Callers group what must be seen together in
`Store.transaction()`. Ids are derived from names and counters kept here, so that two runs of the same requests on
fresh data give the same ids.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from sqlite3 import Connection, Row
from typing import Any, ClassVar, TypeVar

from klotho.localcloud.database import Database

T = TypeVar("T")

_TABLES = """
create table if not exists cf_stacks (
    stack_id text primary key, name text not null, status text not null, body text not null
);
create index if not exists cf_stacks_by_name on cf_stacks (name);
create table if not exists cf_resources (
    stack_id text not null, logical_id text not null, body text not null, primary key (stack_id, logical_id)
);
create table if not exists cf_operations (
    operation_id text primary key, stack_id text not null, finished integer not null, body text not null
);
create index if not exists cf_operations_by_stack on cf_operations (stack_id);
create table if not exists cf_steps (
    operation_id text not null, name text not null, body text not null, primary key (operation_id, name)
);
create table if not exists cf_events (
    number integer primary key autoincrement, stack_id text not null, body text not null
);
create index if not exists cf_events_by_stack on cf_events (stack_id, number);
create table if not exists cf_change_sets (
    change_set_id text primary key, stack_id text not null, name text not null, body text not null
);
create table if not exists cf_refactors (refactor_id text primary key, body text not null);
"""


def now() -> str:
    """The time as AWS writes it: UTC, milliseconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


@dataclass(slots=True)
class Inputs:
    """What a template is deployed with."""

    template: str
    parameters: dict[str, str] = field(default_factory=dict)
    """As text, before list types are split; secret ones in clear (the file is readable by its owner only)."""
    tags: dict[str, str] = field(default_factory=dict)
    capabilities: list[str] = field(default_factory=list)


@dataclass(slots=True)
class StackResource:
    """A stack's resource: what it is now, and what the engine needs to change or delete it."""

    stack_id: str
    logical_id: str
    type_name: str
    status: str
    reason: str | None = None
    physical_id: str | None = None
    properties: dict[str, Any] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)
    no_echo: bool = False
    """Whether the attributes are secret."""
    token: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    depends_on: list[str] = field(default_factory=list)
    """Logical ids it refers to or waits for."""
    deletion_policy: str = "Delete"
    update_replace_policy: str = "Delete"
    metadata: Any = None
    updated: str = ""
    drift: dict[str, Any] | None = None
    """What the last drift detection found; None: not checked since it was last changed."""


@dataclass(slots=True)
class Stack:
    stack_id: str
    name: str
    status: str
    inputs: Inputs
    reason: str | None = None
    description: str | None = None
    outputs: list[dict[str, Any]] = field(default_factory=list)
    shown_parameters: dict[str, str] = field(default_factory=dict)
    created: str = ""
    updated: str | None = None
    deleted: str | None = None
    termination_protection: bool = False
    role_arn: str | None = None
    """The service role of its operations, once one was given."""
    express: bool = False
    """Whether its last operation was in express mode."""
    change_set_id: str | None = None
    drift: dict[str, Any] | None = None
    """Id, result and time of the last drift detection."""


@dataclass(slots=True)
class Operation:
    """One stack operation: everything needed to carry it on after a crash."""

    operation_id: str
    stack_id: str
    kind: str
    """`create`, `update` or `delete`."""
    inputs: Inputs
    previous_inputs: Inputs
    previous: dict[str, StackResource] = field(default_factory=dict)
    """The stack's resources when the operation began."""
    phase: str = ""
    client_token: str | None = None
    request_digest: str = ""
    retain: list[str] = field(default_factory=list)
    """Logical ids a delete leaves behind (`RetainResources`)."""
    skip: list[str] = field(default_factory=list)
    """Logical ids a continued rollback leaves as they are (`ResourcesToSkip`)."""
    keep_on_failure: bool = False
    """Whether a failed creation leaves what it made (`DisableRollback`, `OnFailure: DO_NOTHING`)."""
    express: bool = False
    """Whether it is complete once configurations are applied (`DeploymentConfig`, mode EXPRESS)."""
    change_set_id: str | None = None
    finished: bool = False
    role_arn: str | None = None
    """With whose rights it works; None: everybody's."""
    user: str = ""
    """The ARN that a denial names."""


@dataclass(slots=True)
class Step:
    """One action on one resource within an operation."""

    operation_id: str
    name: str
    """`<phase>/<logical id>`."""
    logical_id: str
    action: str
    """`create`, `update`, `replace`, `delete`, `keep`."""
    token: str
    state: str = "started"
    """`started`, `done`, `failed`."""
    reason: str | None = None
    resource: StackResource | None = None
    """The resource as it is once the step is done."""


@dataclass(slots=True)
class Event:
    stack_id: str
    stack_name: str
    event_id: str
    timestamp: str
    logical_id: str
    physical_id: str
    type_name: str
    status: str
    reason: str | None = None
    client_token: str | None = None
    number: int = 0


@dataclass(slots=True)
class ChangeSet:
    change_set_id: str
    name: str
    stack_id: str
    kind: str
    """`CREATE`, `UPDATE` or `IMPORT`."""
    inputs: Inputs
    status: str = "CREATE_COMPLETE"
    reason: str | None = None
    execution_status: str = "AVAILABLE"
    description: str | None = None
    changes: list[dict[str, Any]] = field(default_factory=list)
    shown_parameters: dict[str, str] = field(default_factory=dict)
    client_token: str | None = None
    created: str = ""
    imports: dict[str, str] = field(default_factory=dict)
    """Of `IMPORT`: physical ids by logical id."""


@dataclass(slots=True)
class StackRefactor:
    """A refactor of stacks, kept until it is executed and after."""

    refactor_id: str
    definitions: dict[str, str]
    """The new templates by stack name."""
    mappings: list[list[str]]
    """What the caller said: destination stack and logical id, source stack and logical id."""
    create_stacks: bool = False
    description: str | None = None
    moves: list[dict[str, str]] = field(default_factory=list)
    new_stacks: list[str] = field(default_factory=list)
    stack_ids: list[str] = field(default_factory=list)
    operations: list[int] = field(default_factory=list)
    """How many operations each stack had had when the moves were worked out; -1 for a stack to be made."""
    status: str = "CREATE_COMPLETE"
    reason: str | None = None
    execution_status: str = "AVAILABLE"
    execution_reason: str | None = None
    created: str = ""


class Store:
    """Reads and writes the tables; one per engine, used from its event loop only."""

    _NESTED: ClassVar[dict[str, type]] = {"inputs": Inputs, "previous_inputs": Inputs, "resource": StackResource}

    def __init__(self, database: Database) -> None:
        self._database = database
        database.connection.executescript(_TABLES)

    def transaction(self) -> AbstractContextManager[Connection]:
        return self._database.transaction()

    # Stacks

    def put_stack(self, stack: Stack) -> None:
        self._write(
            "insert or replace into cf_stacks values (?,?,?,?)", stack.stack_id, stack.name, stack.status, _text(stack)
        )

    def stack_by_id(self, stack_id: str) -> Stack | None:
        return self._one(Stack, "select body from cf_stacks where stack_id=?", stack_id)

    def stack_by_name(self, name: str) -> Stack | None:
        """The live stack of this name; deleted ones are found by id only."""
        return self._one(Stack, "select body from cf_stacks where name=? and status!='DELETE_COMPLETE'", name)

    def stacks(self) -> list[Stack]:
        """All stacks, deleted ones too, newest first."""
        return list(self._many(Stack, "select body from cf_stacks order by rowid desc"))

    def generations(self, name: str) -> int:
        """How many stacks of this name there have been."""
        return self._count("select count(*) from cf_stacks where name=?", name)

    # Resources

    def put_resource(self, resource: StackResource) -> None:
        self._write(
            "insert into cf_resources values (?,?,?) on conflict do update set body=excluded.body",
            resource.stack_id,
            resource.logical_id,
            _text(resource),
        )

    def remove_resource(self, stack_id: str, logical_id: str) -> None:
        self._write("delete from cf_resources where stack_id=? and logical_id=?", stack_id, logical_id)

    def resources(self, stack_id: str) -> dict[str, StackResource]:
        """By logical id, in the order they were first made."""
        query = "select body from cf_resources where stack_id=? order by rowid"
        return {resource.logical_id: resource for resource in self._many(StackResource, query, stack_id)}

    # Operations and their steps

    def put_operation(self, operation: Operation) -> None:
        self._write(
            "insert or replace into cf_operations values (?,?,?,?)",
            operation.operation_id,
            operation.stack_id,
            int(operation.finished),
            _text(operation),
        )

    def unfinished(self) -> list[Operation]:
        return list(self._many(Operation, "select body from cf_operations where finished=0 order by rowid"))

    def operations(self, stack_id: str) -> list[Operation]:
        return list(self._many(Operation, "select body from cf_operations where stack_id=? order by rowid", stack_id))

    def operation_count(self, stack_id: str) -> int:
        return self._count("select count(*) from cf_operations where stack_id=?", stack_id)

    def put_step(self, step: Step) -> None:
        self._write("insert or replace into cf_steps values (?,?,?)", step.operation_id, step.name, _text(step))

    def steps(self, operation_id: str) -> dict[str, Step]:
        query = "select body from cf_steps where operation_id=? order by rowid"
        return {step.name: step for step in self._many(Step, query, operation_id)}

    def forget_failed_steps(self, operation_id: str, phase: str) -> None:
        """What failed in a phase is to be tried again, with the same tokens."""
        for name, step in self.steps(operation_id).items():
            if name.startswith(f"{phase}/") and step.state == "failed":
                self._write("delete from cf_steps where operation_id=? and name=?", operation_id, name)

    # Events

    def add_event(self, event: Event) -> None:
        self._write("insert into cf_events (stack_id, body) values (?,?)", event.stack_id, _text(event))

    def event_count(self, stack_id: str) -> int:
        return self._count("select count(*) from cf_events where stack_id=?", stack_id)

    def events(self, stack_id: str, before: int | None, limit: int) -> list[Event]:
        """Newest first; only those older than event number `before`."""
        query = "select number, body from cf_events where stack_id=? and number<? order by number desc limit ?"
        rows = self._database.connection.execute(query, (stack_id, before if before is not None else 2**62, limit))
        return [_event(row) for row in rows]

    # Change sets

    def put_change_set(self, change_set: ChangeSet) -> None:
        self._write(
            "insert or replace into cf_change_sets values (?,?,?,?)",
            change_set.change_set_id,
            change_set.stack_id,
            change_set.name,
            _text(change_set),
        )

    def remove_change_set(self, change_set_id: str) -> None:
        self._write("delete from cf_change_sets where change_set_id=?", change_set_id)

    def change_sets(self, stack_id: str) -> list[ChangeSet]:
        return list(self._many(ChangeSet, "select body from cf_change_sets where stack_id=? order by rowid", stack_id))

    def change_set_by_id(self, change_set_id: str) -> ChangeSet | None:
        return self._one(ChangeSet, "select body from cf_change_sets where change_set_id=?", change_set_id)

    # Stack refactors

    def put_refactor(self, refactor: StackRefactor) -> None:
        self._write("insert or replace into cf_refactors values (?,?)", refactor.refactor_id, _text(refactor))

    def refactor(self, refactor_id: str) -> StackRefactor | None:
        return self._one(StackRefactor, "select body from cf_refactors where refactor_id=?", refactor_id)

    def refactors(self) -> list[StackRefactor]:
        return list(self._many(StackRefactor, "select body from cf_refactors order by rowid"))

    def next_number(self, name: str) -> int:
        """A counter that never goes back, kept in the `facts` table."""
        with self.transaction() as connection:
            row = connection.execute("select value from facts where name=?", (name,)).fetchone()
            number = int(row["value"]) + 1 if row is not None else 1
            connection.execute("insert or replace into facts values (?,?)", (name, str(number)))
        return number

    def _write(self, statement: str, *values: object) -> None:
        with self.transaction() as connection:
            connection.execute(statement, values)

    def _count(self, query: str, value: str) -> int:
        return int(self._database.connection.execute(query, (value,)).fetchone()[0])

    def _one(self, kind: type[T], query: str, value: str) -> T | None:
        return next(self._many(kind, query, value), None)

    def _many(self, kind: type[T], query: str, *values: object) -> Iterator[T]:
        for row in self._database.connection.execute(query, values).fetchall():
            yield self._build(kind, json.loads(row["body"]))

    def _build(self, kind: type[T], body: dict[str, Any]) -> T:
        names = {item.name for item in fields(kind)}  # type: ignore[arg-type]  # every kind here is a dataclass
        values = {name: value for name, value in body.items() if name in names}
        for name, nested in self._NESTED.items():
            if isinstance(values.get(name), dict):
                values[name] = self._build(nested, values[name])
        if kind is Operation:
            values["previous"] = {name: self._build(StackResource, item) for name, item in values["previous"].items()}
        return kind(**values)


def _text(item: Any) -> str:
    return json.dumps(asdict(item), separators=(",", ":"))


def _event(row: Row) -> Event:
    return Event(**{**json.loads(row["body"]), "number": int(row["number"])})
