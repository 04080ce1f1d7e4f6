"""Builds the zip of one function.

Input: the asset's properties (`root`, `handler`, `runtime`, `architecture` if the program names one, `include` for
files that no import leads to, `layer` if packages are a zip of their own, `build` if they are built in the function's
image, or `package` for a function of Klotho's own), the program's folder, a cache folder and the target. Output: the
zip in the cache and its key in the artifact bucket, `functions/<sha256>.zip`; the same input gives the same bytes,
and an input seen before is not built again. Refuses unknown runtimes, a missing handler file, a file that does not
parse, a lock that does not fit (all these in `validate`, which installs nothing but the bundler), and content beyond
a limit, which is Lambda's of 250 MB unzipped unless it goes into an image (AWS Lambda quotas, "Deployment package").
"""

from __future__ import annotations

import hashlib
import json
import os
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from klotho.application.files import repository_of, written_from
from klotho.deploy.functions.archive import Content, Contents, digest_of
from klotho.deploy.functions.bundle import NodeBundler
from klotho.deploy.functions.dependencies import DependencyCache
from klotho.deploy.functions.esbuild import Esbuild
from klotho.deploy.functions.go_plan import GoPlans
from klotho.deploy.functions.measured import (
    LARGE_BYTES,
    NOTHING,
    Measured,
    measured_of,
    read_measured,
    write_measured,
)
from klotho.deploy.functions.node_plan import NodePlans
from klotho.deploy.functions.own_functions import OWN_FUNCTIONS
from klotho.deploy.functions.plan import How, Log, Plan, Wanted, included_file, input_digest, runtime_sdk
from klotho.deploy.functions.python_plan import PythonPlans
from klotho.deploy.functions.size import MAX_UNZIPPED_BYTES, refuse_too_large, size_of
from klotho.deploy.functions.zips import FunctionZip as FunctionZip
from klotho.deploy.functions.zips import ZipCache
from klotho.deploy.target import Target
from klotho.diagnostics import Failure, Label, Span


@dataclass(frozen=True, slots=True)
class FunctionSources:
    """What of a function's package the user's files decide."""

    root: Path
    read: frozenset[Path]
    """The files themselves."""
    entries: Mapping[str, Content]
    """By path in the package."""
    digest: str
    """Of everything that decides about the package, what is installed included."""


class FunctionPackager:
    """Packages functions of one program, sharing the caches. Building after `validate` goes on with what was read
    then, in any thread."""

    def __init__(self, program_root: Path, cache: Path, target: Target) -> None:
        self._program_root = program_root
        self._target = target
        self._zips = ZipCache(cache / "functions")
        self._measured = cache / "functions" / "measured"
        repository, dependencies = repository_of(program_root.resolve()), DependencyCache(cache / "dependencies")
        self._python = PythonPlans(repository, dependencies)
        self._node = NodePlans(repository, dependencies, NodeBundler(repository, Esbuild(cache)))
        self._go = GoPlans(repository, cache)
        self._plans: dict[str, Plan] = {}
        self._contents: dict[str, Contents] = {}

    def validate(self, properties: Mapping[str, Any], *, again: bool = True) -> None:
        """Failure, at a line relative to the program's folder, for what can be known without building. `again`: also
        what was found to be fine, which may have changed."""
        if again or _name(properties) not in self._plans:
            self._plans[_name(properties)] = self._plan(properties)

    def sources(self, properties: Mapping[str, Any], log: Log) -> FunctionSources:
        """What to put into a package that is there already, so that it is that of the user's files as they are now.

        Refuses what `validate` refuses, but JavaScript that does not parse: asking Node takes as long as starting it.
        """
        plan = self._plan(properties, check=False)
        entries = plan.code
        if entries is None:
            made = self._making(plan, self._root(properties), log)
            entries = made.alone if plan.layered else made.entries
        return FunctionSources(self._root(properties), plan.read, entries, plan.inputs)

    def package(self, properties: Mapping[str, Any], log: Log, *, limit: int = MAX_UNZIPPED_BYTES) -> FunctionZip:
        """`limit`: bytes of what is in it; Failure (`function-too-large`) beyond."""
        plan = self._plans.pop(_name(properties), None) or self._plan(properties)
        for note in plan.notes:
            log(note)
        known = self._zips.lookup(plan.inputs)
        if known is not None and known.unzipped <= limit:
            return known
        contents = self._made(plan, self._root(properties), log)
        self._contents.pop(plan.inputs, None)
        if plan.packages is not None and not plan.built_inside:
            self._note_size(plan, contents, as_image=limit > MAX_UNZIPPED_BYTES)
        refuse_too_large(contents.entries, plan.handler, limit)
        return self._zips.build(plan, contents)

    def measured(self, properties: Mapping[str, Any]) -> Measured | None:
        """How large a validated function was found to be; None when its packages were never looked at here."""
        plan = self._plans.get(_name(properties)) or self._plan(properties)
        if plan.packages is None:
            return NOTHING
        found = read_measured(self._measured / f"{plan.packages}.json")
        # Code changes more often than packages, and what is measured of them still holds.
        return found if found is None or plan.code is None else found.with_code(size_of(plan.code))

    def measure(self, properties: Mapping[str, Any], log: Log) -> Measured:
        """Install the packages of a validated function, and say how large it is. What is made meanwhile is kept."""
        plan = self._plans.get(_name(properties)) or self._plan(properties)
        try:
            contents = self._made(plan, self._root(properties), log)
        except Failure as failure:
            if failure.diagnostic.code != "wheels-missing" or plan.packages is None:
                raise
            said = " ".join(" ".join(failure.diagnostic.notes).split())
            found = Measured(missing=failure.diagnostic.message, said=said)
            write_measured(self._measured / f"{plan.packages}.json", found)
            return found
        return self._looked(plan, contents)

    def _looked(self, plan: Plan, contents: Contents) -> Measured:
        """How large it is, noted for the next time."""
        found = measured_of(contents, size_of(plan.code or {}))
        if size_of(contents.layered) > LARGE_BYTES and not found.too_large:
            found = replace(found, zipped=self._zips.layer(contents).stat().st_size)
        if plan.packages is not None:
            write_measured(self._measured / f"{plan.packages}.json", found)
        return found

    def _note_size(self, plan: Plan, contents: Contents, *, as_image: bool) -> None:
        """For an image, which was packed without having been looked at; and for what has become too large since."""
        note = read_measured(self._measured / f"{plan.packages}.json")
        too_large = size_of(contents.entries) > MAX_UNZIPPED_BYTES
        if (note is None and (as_image or too_large)) or (note is not None and too_large and not note.too_large):
            self._looked(plan, contents)

    def _made(self, plan: Plan, root: Path, log: Log) -> Contents:
        """What goes into the zip, made once for a plan."""
        if plan.inputs not in self._contents:
            self._contents[plan.inputs] = self._making(plan, root, log)
        return self._contents[plan.inputs]

    def _making(self, plan: Plan, root: Path, log: Log) -> Contents:
        try:
            return plan.make(log)
        except Failure as failure:
            raise _seen_from(self._program_root, root, failure) from failure

    def _root(self, properties: Mapping[str, Any]) -> Path:
        return (self._program_root / str(properties.get("root", "."))).resolve()

    def _plan(self, properties: Mapping[str, Any], *, check: bool = True) -> Plan:
        """`check`: whether Node is asked if JavaScript parses."""
        handler = str(properties["handler"])
        if "package" in properties:
            return _own_function(str(properties["package"]), handler)
        root, runtime = self._root(properties), str(properties["runtime"])
        named = properties.get("architecture")
        target = self._target if named is None else replace(self._target, architectures=(named,))
        build = bool(properties.get("build")) and not target.is_host
        how = How(bool(properties.get("layer")), build, bool(properties.get("hosted")))
        try:
            plan = _with(self._of_language(Wanted(root, handler, runtime, target, how, check)), root, properties)
            if self._zips.lookup(plan.inputs) is None:
                plan.check()
        except Failure as failure:
            raise _seen_from(self._program_root, root, failure) from failure
        return plan

    def _of_language(self, function: Wanted) -> Plan:
        if function.runtime.startswith("python"):
            return self._python.plan(function)
        if function.runtime.startswith("nodejs"):
            return self._node.plan(function)
        if function.runtime.startswith("provided"):
            return self._go.plan(function)
        raise Failure("runtime-not-supported", f"functions can't be packaged for the runtime `{function.runtime}` yet")


def _with(plan: Plan, root: Path, properties: Mapping[str, Any]) -> Plan:
    """The plan with further files that the program names."""
    names = sorted(str(name) for name in properties.get("include", ()))
    if not names:
        return plan
    further: dict[str, Content] = {name: included_file(root, name, plan.handler) for name in names}

    def make(log: Log) -> Contents:
        made = plan.make(log)
        alone = {**made.alone, **further} if made.layered or made.alone else made.alone
        return replace(made, entries={**made.entries, **further}, alone=alone)

    return replace(
        plan,
        inputs=hashlib.sha256(f"{plan.inputs} {digest_of(further)}".encode()).hexdigest(),
        make=make,
        read=plan.read | {root / name for name in names},
        code=None if plan.code is None else {**plan.code, **further},
    )


def _own_function(package: str, handler: str) -> Plan:
    """A function of Klotho's own, from what is installed."""
    entries, sdk = OWN_FUNCTIONS[package](), runtime_sdk(python=True)
    return Plan(handler, input_digest(digest_of(entries), sdk, None), lambda log: Contents({**entries, **sdk}))


def _name(properties: Mapping[str, Any]) -> str:
    return json.dumps(dict(properties), sort_keys=True, default=str)


def _seen_from(program_root: Path, root: Path, failure: Failure) -> Failure:
    """The failure with files named from the program's folder, where they were named from the function's root; those
    that compiling wrote, by the files they were written from, each line once."""
    prefix, found = os.path.relpath(root, program_root.resolve()), failure.diagnostic

    def seen(span: Span) -> Span:
        file = posixpath.normpath(posixpath.join(prefix, span.file))
        own = written_from(program_root, file)
        return span._replace(file=own) if own == file else _within(program_root, span._replace(file=own))

    labels = dict[Span, Label]()
    for label in found.labels:
        labels.setdefault(seen(label.span), replace(label, span=seen(label.span)))
    failure.diagnostic = replace(found, labels=tuple(labels.values()))
    return failure


def _within(program_root: Path, span: Span) -> Span:
    """A place in a file that compiling may have added to: what stands behind the file's end is told at its end."""
    try:
        lines = (program_root / span.file).read_text(encoding="utf-8", errors="replace").rstrip().splitlines()
    except OSError:
        return span
    if lines and span.line > len(lines):
        end = len(lines[-1])
        return Span(span.file, len(lines), max(end, 1), len(lines), end + 1)
    if lines and span.column > len(lines[span.line - 1]) + 1:
        return Span(span.file, span.line)  # of an edited line
    return span
