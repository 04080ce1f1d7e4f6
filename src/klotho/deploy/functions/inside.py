"""Packages that are built inside of a function's image, because nothing of them exists for Lambda's system.

Input: what is to be installed. Output: entries below `FOLDER` in the function's zip, from which `images.function` makes
the image: the words of a command and the files it names. They are no part of what the function ships. Refuses nothing:
what can't be built is told by the engine.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from klotho.deploy.functions.archive import Content
from klotho.deploy.functions.local_packages import source_files
from klotho.deploy.functions.python_pins import Pins

FOLDER = ".klotho-build"
COMMANDS = f"{FOLDER}/commands.json"
"""The words after `pip install --target …` or `npm rebuild …`, of each command to run."""
IN_IMAGE = "/klotho-build"
"""Where the folder lies while the image is built."""


def python_build(pins: Pins, local: Iterable[Path]) -> dict[str, Content]:
    """For pip, which AWS's base images have."""
    (main, content), *included = pins.files
    if main.endswith(".toml"):
        main, content = "requirements.txt", "\n".join(_locked(tomllib.loads(content.decode()))).encode()
    files = [(main, content), *included]
    entries: dict[str, Content] = {f"{FOLDER}/{name}": body for name, body in files}
    folders = []
    for number, folder in enumerate(local):
        entries |= {f"{FOLDER}/local/{number}/{name}": path for name, path in source_files(folder)}
        folders.append(f"{IN_IMAGE}/local/{number}")
    listed = ["--requirement", f"{IN_IMAGE}/{main}"]
    # pip wants hashes of all or of none, and a folder has none.
    apart = pins.complete or any(b"--hash" in body for _, body in files)
    commands = [listed, folders] if apart else [[*listed, *folders]]
    alone = ["--no-deps"] if pins.complete else []
    return {**entries, COMMANDS: json.dumps([[*alone, *words] for words in commands if words]).encode()}


def node_build(packages: Iterable[str]) -> dict[str, Content]:
    """For npm: the packages are shipped, and compile their machine code where they will run."""
    return {COMMANDS: json.dumps([sorted(packages)]).encode()}


def _locked(lock: Mapping[str, Any]) -> Iterable[str]:
    """The lines of a pylock.toml, which the pip of AWS's base images does not read."""
    for item in lock.get("packages", ()):
        files = [*item.get("wheels", ()), *([item["sdist"]] if "sdist" in item else [])]
        hashes = [f"--hash=sha256:{file['hashes']['sha256']}" for file in files if "sha256" in file.get("hashes", {})]
        marker = f" ; {item['marker']}" if "marker" in item else ""
        if "version" in item:  # others are folders of this repository
            yield " ".join((f"{item['name']}=={item['version']}{marker}", *hashes))
