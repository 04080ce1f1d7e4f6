"""Which of the user's own files a function is made of, and whether they parse, without building anything.

Input: a zip asset's properties and the program's folder. Output: `FunctionSources`. Refuses, at a line relative to the
program's folder, what `package` refuses of them: a missing handler file, a file that does not parse, TypeScript.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from klotho.deploy.functions.dependencies import node_dependencies, python_dependencies
from klotho.deploy.functions.javascript_closure import javascript_closure
from klotho.deploy.functions.javascript_syntax import check_javascript
from klotho.deploy.functions.package import handler_file
from klotho.deploy.functions.python_closure import python_closure
from klotho.diagnostics import Failure

_PYTHON, _NODE = (".py",), (".js", ".mjs", ".cjs")


@dataclass(frozen=True, slots=True)
class FunctionSources:
    """The user's own files of one function."""

    root: Path
    files: Mapping[str, Path]
    """Path in the package -> file of this machine."""
    packages: str
    """Digest of what is installed beside them; empty when nothing is."""


def function_sources(program_root: Path, properties: Mapping[str, Any], *, check: bool = False) -> FunctionSources:
    """Reads the files, which must be valid Python; JavaScript is given to Node with `check` only, which takes time."""
    root = (program_root / str(properties.get("root", "."))).resolve()
    python = str(properties["runtime"]).startswith("python")
    try:
        entry = handler_file(root, str(properties["handler"]), _PYTHON if python else _NODE)
        own = python_closure(root, entry) if python else javascript_closure(root, entry, lambda note: None)
        wanted = python_dependencies(root, entry) if python else node_dependencies(root, entry)
        if check and not python:
            check_javascript(root, own)
    except Failure as failure:
        raise _seen_from(program_root, root, failure) from failure
    files = {file.relative_to(root).as_posix(): file for file in own}
    return FunctionSources(root, files, wanted.key if wanted else "")


def _seen_from(program_root: Path, root: Path, failure: Failure) -> Failure:
    """The failure with files named from the program's folder, where they were named from the function's root."""
    prefix = os.path.relpath(root, program_root.resolve())
    found = failure.diagnostic
    labels = tuple(
        replace(label, span=label.span._replace(file=posixpath.normpath(posixpath.join(prefix, label.span.file))))
        for label in found.labels
    )
    failure.diagnostic = replace(found, labels=labels)
    return failure
