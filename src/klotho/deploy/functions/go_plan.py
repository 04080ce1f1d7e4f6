"""The plan of a Go function: one static binary, compiled when it is packaged.

Input: a `Wanted` whose handler is `path/file.main`: a file of `package main`. Output: a `Plan`; reading what decides
about the program asks `go` for its version and `gofmt` whether it parses, and compiles nothing. Refuses (`Failure`) a
file that is missing or of no program (`go-no-program`), one in no module, and what the compiler refuses once it is
built.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from klotho.deploy.functions.archive import Contents, digest_of
from klotho.deploy.functions.go_build import BINARY, GoProgram, GoPrograms
from klotho.deploy.functions.go_closure import GoFiles, source_of
from klotho.deploy.functions.go_module import go_modules
from klotho.deploy.functions.plan import FORMAT, Log, Plan, Wanted, handler_file, nothing_more
from klotho.diagnostics import Failure, Span

_SUFFIXES = (".go",)


class GoPlans:
    """Of the functions of one repository."""

    def __init__(self, repository: Path, cache: Path) -> None:
        self._repository = repository
        self._programs = GoPrograms(cache)
        self._files = GoFiles()

    def plan(self, function: Wanted) -> Plan:
        root, target, handler = function.root, function.target, function.handler
        entry = handler_file(root, handler, _SUFFIXES)
        _check_program(root, entry, handler)
        modules = go_modules(root, entry, self._repository)
        closure = self._files.closure(entry.parent, modules)
        server = _server() if function.how.hosted else {}
        program = entry.parent.relative_to(modules.folder).as_posix()
        toolchain = self._programs.toolchain(entry.relative_to(root).as_posix())
        parts = (FORMAT, "go", closure.digest, program, *target.go, toolchain, digest_of(server))
        inputs = hashlib.sha256("\n".join(parts).encode()).hexdigest()

        named = GoProgram(root, entry.parent, modules, target, inputs)

        def make(log: Log) -> Contents:
            binary = self._programs.built(named, log)
            if self._files.closure(entry.parent, modules).digest != closure.digest:
                self._programs.forget(binary)
                raise Failure(
                    "go-does-not-compile",
                    f"`{program}` was changed while it was compiled",
                    at=Span(entry.relative_to(root).as_posix(), 1),
                    helps=("run the command again",),
                )
            return Contents({BINARY: binary, **server})

        return Plan(
            handler,
            inputs,
            make,
            read=closure.files,
            layered=function.how.layer,
            check=(lambda: self._programs.check(named, closure.sources)) if function.check else nothing_more,
        )


def _check_program(root: Path, entry: Path, handler: str) -> None:
    package, shown = source_of(entry).package, entry.relative_to(root).as_posix()
    if package == "main" and handler.endswith(".main"):
        return
    if package == "main":
        message = f"a Go program starts at `main`, and the handler is `{handler}`"
    else:
        message = f"the handler `{handler}` names no program: `{shown}` is of `package {package}`"
    raise Failure(
        "go-no-program",
        message,
        at=Span(shown, 1),
        helps=('name the file with `func main()`: `handler="functions/thumb/main.main"`',),
    )


def _server() -> dict[str, bytes]:
    from klotho.deploy.functions.hosted import host_files

    return dict(host_files())
