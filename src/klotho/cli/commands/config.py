"""`klotho config set`, `get` and `ls`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from klotho.cli.console import Console, show_paths_from
from klotho.driver import configuration
from klotho.driver.settings import FILE_NAME


def set_one(key: str, value: str, env: str | None, path: Path, as_json: bool) -> None:
    console, folder = Console(as_json), _folder(path)
    wanted = configuration.key_of(key, env)
    understood = configuration.set_value(folder, wanted, value)
    if as_json:
        console.json({"ok": True, "file": str(folder / FILE_NAME), "key": ".".join(wanted), "value": understood})
    else:
        console.note(f"{'.'.join(wanted)}: {_shown(understood)}")


def get_one(key: str, env: str | None, path: Path, as_json: bool) -> None:
    console = Console(as_json)
    wanted = configuration.key_of(key, env)
    value = configuration.value_at(_folder(path), wanted)
    if as_json:
        console.json({"ok": True, "key": ".".join(wanted), "value": value})
    else:
        console.out(_shown(value))


def list_all(path: Path, as_json: bool) -> None:
    console = Console(as_json)
    found = dict(configuration.values(_folder(path)))
    if as_json:
        console.json({"ok": True, "settings": found})
        return
    console.table([(key, _shown(value)) for key, value in found.items()])
    if not found:
        console.note(f"{FILE_NAME} sets nothing; try `klotho config set project NAME`")


def _folder(path: Path) -> Path:
    folder = path.resolve() if path.is_dir() else path.resolve().parent
    show_paths_from(folder)
    return folder


def _shown(value: Any) -> str:
    """As it is written in YAML."""
    import orjson

    return value if isinstance(value, str) else orjson.dumps(value).decode()
