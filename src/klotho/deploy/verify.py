"""Asks CloudFormation itself what it would change: real change sets of stacks that exist, read and deleted again.

Input: the stacks of a preview that would be updated with known inputs. Output: a `Verification` per changed stack.
Allowed effects: change sets named by `Mark`, and the upload of a template too large to send inline. Never for a stack
that does not exist: a change set would leave it behind in REVIEW_IN_PROGRESS.

A run that is killed leaves a change set behind. Its name says whose it is, so that the next run on the same machine
removes it at once, and one on any machine after an hour.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from klotho.deploy.differences import WORDS, ResourceChange
from klotho.deploy.place import Clients, Pace, translated
from klotho.deploy.stacks import Request, StackCalls
from klotho.deploy.threads import workers
from klotho.diagnostics import Diagnostic, Failure, one_of

PARALLEL = 4
"""How many change sets are made at once; CloudFormation throttles sooner than for reads."""
PATIENCE_S = 300.0
"""How long one change set may take."""
ABANDONED_S = 3600.0
"""From this age on a change set of somebody else's run is one that a killed run left behind."""
NO_CHANGES = ("didn't contain changes", "No updates are to be performed")
_PREFIX = "klotho-verify"
_KEPT_SCOPES = {"Metadata", "DeletionPolicy", "UpdateReplacePolicy", "UpdatePolicy", "CreationPolicy"}
"""Attributes that change without the resource being touched."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One resource about which CloudFormation says something else."""

    logical_id: str
    type: str
    preview: str
    """`create`, `update`, `replace`, `delete`, or `nothing`."""
    cloudformation: str
    certain: bool = True
    """False: CloudFormation only can't rule it out, since a value is known to it after deploy."""

    def to_json(self) -> dict[str, Any]:
        return {
            "logical_id": self.logical_id,
            "type": self.type,
            "preview": self.preview,
            "cloudformation": self.cloudformation,
            "certain": self.certain,
        }


@dataclass(frozen=True, slots=True)
class Verification:
    """What CloudFormation says about one stack."""

    stack: str
    result: Literal["agrees", "disagrees", "refused", "not asked"]
    """`refused`: CloudFormation would not begin this update; `not asked`: it can't be asked."""
    reason: str = ""
    disagreements: tuple[Disagreement, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "stack": self.stack,
            "result": self.result,
            "reason": self.reason or None,
            "resources": [item.to_json() for item in self.disagreements],
        }


@dataclass(frozen=True, slots=True)
class Mark:
    """Whose change sets these are."""

    machine: str
    """Letters and digits."""
    process: int
    run: str
    runs: Callable[[int], bool]
    """Whether a process of this machine still runs."""
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    @property
    def name(self) -> str:
        return f"{_PREFIX}-{self.machine}-{self.process}-{self.run}"

    def is_left_behind(self, name: str, made: datetime) -> bool:
        if not name.startswith(f"{_PREFIX}-") or name == self.name:
            return False
        machine, process = [*name.removeprefix(f"{_PREFIX}-").split("-"), "", ""][:2]
        ended = machine == self.machine and process.isdigit() and not self.runs(int(process))
        return ended or (self.now() - made).total_seconds() > ABANDONED_S


@dataclass(frozen=True, slots=True)
class Question:
    """One stack to ask about."""

    stack: str
    """Its short name."""
    request: Request
    changes: tuple[ResourceChange, ...]
    """What the preview says."""


class Verifier:
    """The change sets of one run."""

    def __init__(self, clients: Clients, pace: Pace, mark: Mark) -> None:
        self._clients = clients
        self._calls = StackCalls(clients, pace)
        self._pace = pace
        self._mark = mark
        self._open: set[str] = set()
        """Stacks that have, or may have, a change set of ours."""
        self._lock = threading.Lock()

    def ask(self, questions: Iterable[Question]) -> dict[str, Verification]:
        """By the stacks' short names. Whatever happens, change sets made here are deleted."""
        try:
            with workers(PARALLEL, "verify") as threads:
                return {item.stack: item for item in threads.map(self._ask, questions)}
        finally:
            for name in sorted(self._open):
                self._delete(name, self._mark.name)

    def sweep(self, stack_names: Iterable[str]) -> int:
        """Delete what killed runs left behind; how many that were."""
        with workers(PARALLEL, "sweep") as threads:
            return sum(threads.map(self._sweep, stack_names))

    def _sweep(self, stack_name: str) -> int:
        count = 0
        with translated(f"listing the change sets of {stack_name}"):
            for page in self._clients.cloudformation.get_paginator("list_change_sets").paginate(StackName=stack_name):
                for item in page["Summaries"]:
                    if self._mark.is_left_behind(item["ChangeSetName"], item["CreationTime"]):
                        self._delete(stack_name, item["ChangeSetName"])
                        count += 1
        return count

    def _ask(self, question: Question) -> Verification:
        name = question.request.stack_name
        with self._lock:
            self._open.add(name)
        try:
            self._calls.propose(question.request, self._mark.name)
            status, reason, changes = self._answer(name)
        except Failure as failure:
            return Verification(question.stack, "refused", "; ".join((str(failure), *failure.diagnostic.notes)))
        finally:
            self._delete(name, self._mark.name)
            with self._lock:
                self._open.discard(name)
        if status != "CREATE_COMPLETE" and not any(text in reason for text in NO_CHANGES):
            return Verification(question.stack, "refused", reason or f"the change set ended in {status}")
        found = tuple(disagreements(question.changes, changes))
        differs = any(item.certain for item in found)
        return Verification(question.stack, "disagrees" if differs else "agrees", "", found)

    def _answer(self, stack_name: str) -> tuple[str, str, list[Mapping[str, Any]]]:
        """Status, its reason and every change, once CloudFormation has worked them out."""
        client, interval, begun = self._clients.cloudformation, self._pace.fastest, self._pace.clock()
        with translated(f"reading the change set of {stack_name}"):
            while True:
                found = client.describe_change_set(StackName=stack_name, ChangeSetName=self._mark.name)
                if found["Status"] not in ("CREATE_PENDING", "CREATE_IN_PROGRESS"):
                    break
                if self._pace.clock() - begun > PATIENCE_S:
                    return "unfinished", f"CloudFormation did not finish it within {PATIENCE_S:.0f} s", []
                self._pace.sleep(interval)
                interval = min(interval * 1.5, self._pace.slowest)
            changes = [item["ResourceChange"] for item in found.get("Changes", ())]
            while token := found.get("NextToken"):
                found = client.describe_change_set(StackName=stack_name, ChangeSetName=self._mark.name, NextToken=token)
                changes += [item["ResourceChange"] for item in found.get("Changes", ())]
        return found["Status"], found.get("StatusReason", ""), list(changes)

    def _delete(self, stack_name: str, name: str) -> None:
        """Gone is gone: deleting what is not there is success."""
        with translated(f"deleting a change set of {stack_name}"):
            self._clients.cloudformation.delete_change_set(StackName=stack_name, ChangeSetName=name)


def objections(verified: Iterable[Verification]) -> list[Diagnostic]:
    """What keeps a preview from being relied on: where CloudFormation says otherwise, or would not begin."""
    known = list(verified)
    found = []
    if differing := [item for item in known if item.result == "disagrees"]:
        resources = [(item.stack, one) for item in differing for one in item.disagreements if one.certain]
        found.append(
            Diagnostic(
                "preview-disagrees",
                f"CloudFormation disagrees about {one_of([item.stack for item in differing])}",
                notes=tuple(
                    f"{one.logical_id} ({one.type}) of {stack}: {one.preview}, CloudFormation says {one.cloudformation}"
                    for stack, one in resources
                ),
                helps=("take CloudFormation's word for it, and report it with the output of `klotho preview --json`",),
            )
        )
    if refused := [item for item in known if item.result == "refused"]:
        found.append(
            Diagnostic(
                "update-refused",
                f"CloudFormation would refuse the update of {one_of([item.stack for item in refused])}",
                notes=tuple(f"{item.stack}: {item.reason}" for item in refused),
                helps=("remove the reason, then run `klotho preview --verify` again",),
            )
        )
    return found


def disagreements(computed: Iterable[ResourceChange], found: Iterable[Mapping[str, Any]]) -> list[Disagreement]:
    """Where two lists of changes of one stack differ, by logical id.

    A replacement that CloudFormation calls conditional agrees with an update and with a replacement; a change that the
    preview is not certain of agrees with none.
    """
    ours = {item.logical_id: item for item in computed}
    theirs = {str(item["LogicalResourceId"]): item for item in found}
    differing = []
    for name in sorted({*ours, *theirs}):
        mine, its = ours.get(name), theirs.get(name)
        said, answer = (WORDS[mine.change] if mine else "nothing"), _word(its)
        conditional = its is not None and its.get("Replacement") == "Conditional"
        if said == answer or (conditional and said in ("update", "replace")) or _is_open(mine, its):
            continue
        type_name = mine.type if mine else str(its["ResourceType"]) if its else ""
        differing.append(Disagreement(name, type_name, said, answer, certain=not (mine is None and _is_possible(its))))
    return differing


def _word(change: Mapping[str, Any] | None) -> str:
    if change is None:
        return "nothing"
    if change["Action"] == "Modify":
        return "replace" if change.get("Replacement") in ("True", "Conditional") else "update"
    return {"Add": "create", "Import": "create", "Remove": "delete"}.get(
        change["Action"], str(change["Action"]).lower()
    )


def _is_open(mine: ResourceChange | None, its: Mapping[str, Any] | None) -> bool:
    """An uncertain change of the preview that CloudFormation does not see; metadata, which touches no resource."""
    if its is None:
        return mine is not None and mine.uncertain
    return mine is None and bool(its.get("Scope")) and set(its["Scope"]) <= _KEPT_SCOPES


def _is_possible(change: Mapping[str, Any] | None) -> bool:
    """Whether all of it depends on what another resource turns out to be."""
    details = change.get("Details", ()) if change else ()
    return bool(details) and all(item.get("Evaluation") == "Dynamic" for item in details)
