"""Which folder's program an application was brought up from, and what its last `up` said of it.

Input: one small JSON file per application in the state folder of its environment. Output: `Record` values. Written by
`up`, so that `down`, `status`, `logs` and `outputs` work when the program is broken, moved or gone, and so that two
programs of the same name do not take each other's place. Refuses, by name (`application-elsewhere`), to hand an
application to another folder while the recorded one still holds a program. A file that can't be understood counts as
none: it only ever makes Klotho more careful.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from klotho.diagnostics import Failure
from klotho.driver.machine import state_root
from klotho.driver.program import PROGRAM_NAME
from klotho.localcloud import connect

_FOLDER = "programs"


@dataclass(frozen=True, slots=True)
class Record:
    """One application in one environment on this machine."""

    application: str
    project: str
    environment: str
    region: str
    program: str
    """The absolute path of infra.py."""
    outputs: tuple[tuple[str, str, str], ...] = ()
    """Name people use, stack, output of the stack; as in the manifest of the last `up`."""
    stateful: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Names of the constructs that hold data, by stack."""
    logs: Mapping[str, str] = field(default_factory=dict)
    """Name of the service by log group."""

    @property
    def folder(self) -> Path:
        path = Path(self.program)
        return path if path.is_dir() else path.parent  # annotated code is recorded by its folder

    @property
    def holds_program(self) -> bool:
        """Whether the folder still holds a program, by the recorded name or the usual one."""
        return Path(self.program).exists() or (self.folder / PROGRAM_NAME).is_file()


def read(project: str, environment: str, application: str) -> Record | None:
    return _parsed(_path(project, environment, application))


def of_cloud(project: str, environment: str) -> list[Record]:
    """Every application of one local cloud."""
    return _all(connect.state_folder(project, environment).glob(f"{_FOLDER}/*.json"))


def known() -> list[Record]:
    """Every application of every local cloud of this user."""
    return _all(state_root().glob(f"*/*/{_FOLDER}/*.json"))


def write(record: Record) -> None:
    """Keep the record, atomically; the local cloud's state folder is there already."""
    path = _path(record.project, record.environment, record.application)
    path.parent.mkdir(exist_ok=True, mode=0o700)
    with tempfile.NamedTemporaryFile("wb", dir=path.parent, prefix=".new-", delete=False) as draft:
        try:
            draft.write(_json(record))
            draft.flush()
            Path(draft.name).replace(path)
        except OSError:
            Path(draft.name).unlink(missing_ok=True)
            raise


def remove(project: str, environment: str, application: str) -> None:
    _path(project, environment, application).unlink(missing_ok=True)


def refuse_elsewhere(found: Record | None, folder: Path, *, take_over: bool) -> str | None:
    """Failure (`application-elsewhere`) when the application is another folder's.

    Returns a line for the person when it is taken over: the recorded folder holds no program any more, or they said so.
    """
    if found is None or found.folder == folder:
        return None
    if not found.holds_program:
        return f"taking over {found.application}: {found.folder}, where it was brought up from, holds no program now"
    if take_over:
        return f"taking over {found.application}, which was brought up from {found.folder}"
    raise Failure(
        "application-elsewhere",
        f"`{found.application}` in project `{found.project}` was brought up from another folder",
        notes=(f"it was brought up from {found.folder}", f"this program is in {folder}", "nothing was changed"),
        helps=(
            f"give this one another name or project: {_named_by(folder)}",
            "add `--take-over` if it is the same application",
        ),
    )


def _named_by(folder: Path) -> str:
    """Where the name of a folder's application is said."""
    settings = "`app:` or `project:` in klotho.yaml"
    if (folder / PROGRAM_NAME).is_file():
        return f'{settings}, or `klotho.Application("…", project="…")`'
    return f"{settings}; it has that of its package.json, pyproject.toml, go.mod or .csproj, else the folder's"


def _path(project: str, environment: str, application: str) -> Path:
    name = quote(application, safe="").replace(".", "%2E")
    return connect.state_folder(project, environment) / _FOLDER / f"{name}.json"


def _all(paths: Iterable[Path]) -> list[Record]:
    return [record for path in sorted(paths) if (record := _parsed(path)) is not None]


def _json(record: Record) -> bytes:
    import orjson

    return orjson.dumps(asdict(record), option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS)


def _parsed(path: Path) -> Record | None:
    import orjson

    try:
        data: dict[str, Any] = orjson.loads(path.read_bytes())
        texts = {name: data[name] for name in ("application", "project", "environment", "region", "program")}
        if not all(isinstance(text, str) for text in texts.values()):
            return None
        return Record(
            **texts,
            outputs=tuple((str(name), str(stack), str(output)) for name, stack, output in data["outputs"]),
            stateful={str(stack): tuple(map(str, names)) for stack, names in data["stateful"].items()},
            logs={str(group): str(service) for group, service in data["logs"].items()},
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
