"""Makes a Go module proxy for the tests: `tools/install_go_modules.py FOLDER`.

Input: `tests/golang/modules.lock`; the packages are those of `tests/golang/packages`, or read from `$DEBIAN_MIRROR`
(default: http://deb.debian.org/debian), and checked. Output: FOLDER/proxy, laid out as
go.dev/ref/mod#goproxy-protocol says, and FOLDER/go.sum with its sums.

Debian's packages are sources as they were released, without what is no code; a module's own tests are left out here.
What a module requires is read from its imports, and is what the lock has: Debian builds all of them in one version.
So sums differ from those of sum.golang.org, and versions from those that modules ask for.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import re
import sys
import tarfile
import time
import urllib.request
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import NamedTuple

LOCK = Path(__file__).parents[1] / "tests/golang/modules.lock"
MIRROR = os.environ.get("DEBIAN_MIRROR", "http://deb.debian.org/debian").rstrip("/")
SOURCES = "./usr/share/gocode/src/"
_IMPORT = re.compile(rb'^\s*(?:import\s+)?(?:[\w.]+\s+)?"([^"\s]+)"', re.MULTILINE)


class Module(NamedTuple):
    path: str
    version: str
    package: str
    sha256: str

    @property
    def folders(self) -> tuple[str, ...]:
        """Where Debian may have it: with the major version at the end of its path, or without it."""
        return self.path, re.sub(r"/v\d+$", "", self.path)


def modules() -> list[Module]:
    lines = LOCK.read_text(encoding="utf-8").splitlines()
    return [Module(*line.split()) for line in lines if line and not line.startswith("#")]


def downloaded(url: str) -> bytes:
    """Three times where it fails: a mirror may be busy for a moment."""
    for tries_left in (2, 1, 0):
        try:
            with urllib.request.urlopen(url, timeout=120) as answer:
                return bytes(answer.read())
        except OSError as error:
            if tries_left == 0:
                raise SystemExit(f"{url} can't be read: {error}") from None
            time.sleep(3)
    raise AssertionError("not reached")


def fetched(module: Module) -> dict[str, bytes]:
    """The module's files, by their path in it."""
    kept = LOCK.parent / "packages" / PurePosixPath(module.package).name
    if kept.is_file():
        content = kept.read_bytes()
    else:
        content = downloaded(f"{MIRROR}/{module.package}")
    if hashlib.sha256(content).hexdigest() != module.sha256:
        raise SystemExit(f"{module.package} has another checksum than {LOCK} says")
    inside = dict(_sources(content))
    for folder in module.folders:
        found = {
            path.removeprefix(f"{folder}/"): data for path, data in inside.items() if path.startswith(f"{folder}/")
        }
        if any(path.endswith(".go") for path in found):
            return dict(_kept(found))
    raise SystemExit(f"{module.package} has no {module.path}")


def _sources(package: bytes) -> Iterator[tuple[str, bytes]]:
    """The files below Go's folder of a Debian package: an archive of `ar` that holds one of `tar`."""
    at = len(b"!<arch>\n")
    while at < len(package):
        name, size = package[at : at + 16].decode().strip(), int(package[at + 48 : at + 58])
        if name.startswith("data.tar"):
            with tarfile.open(fileobj=io.BytesIO(package[at + 60 : at + 60 + size])) as archive:
                for item in archive:
                    file = archive.extractfile(item) if item.isreg() else None
                    if file is not None and item.name.startswith(SOURCES):
                        yield item.name.removeprefix(SOURCES), file.read()
        at += 60 + size + size % 2


def _kept(files: dict[str, bytes]) -> Iterator[tuple[str, bytes]]:
    """Without tests, and without modules of their own below it."""
    nested = {PurePosixPath(path).parent for path in files if path.endswith("/go.mod")}
    for path, data in files.items():
        place = PurePosixPath(path)
        is_left_out = {"testdata", "vendor", "_examples"} & set(place.parts) or nested & set(place.parents)
        if not is_left_out and not path.endswith("_test.go"):
            yield path, data


def go_mod(module: Module, files: dict[str, bytes], every: list[Module]) -> bytes:
    said = re.search(rb"^go (\S+)", files.get("go.mod", b""), re.MULTILINE)
    lines = [f"module {module.path}", "", f"go {said[1].decode() if said else '1.16'}", ""]
    imported = {
        match.decode() for path, data in files.items() if path.endswith(".go") for match in _IMPORT.findall(data)
    }
    for other in every:
        if other is not module and any(item == other.path or item.startswith(f"{other.path}/") for item in imported):
            lines.append(f"require {other.path} {other.version}")
    return "\n".join([*lines, ""]).encode()


def sum_of(files: dict[str, bytes]) -> str:
    """As golang.org/x/mod/sumdb/dirhash has it: of the checksums of all files, by name."""
    lines = [f"{hashlib.sha256(data).hexdigest()}  {path}\n" for path, data in sorted(files.items())]
    return f"h1:{base64.b64encode(hashlib.sha256(''.join(lines).encode()).digest()).decode()}"


def write(module: Module, files: dict[str, bytes], every: list[Module], proxy: Path) -> list[str]:
    """The module's four files; its lines of go.sum."""
    manifest = go_mod(module, files, every)
    named = {f"{module.path}@{module.version}/{path}": data for path, data in {**files, "go.mod": manifest}.items()}
    folder = proxy / re.sub(r"[A-Z]", lambda match: f"!{match[0].lower()}", module.path) / "@v"
    folder.mkdir(parents=True)
    (folder / "list").write_text(f"{module.version}\n", encoding="utf-8")
    (folder / f"{module.version}.info").write_text(json.dumps({"Version": module.version}), encoding="utf-8")
    (folder / f"{module.version}.mod").write_bytes(manifest)
    with zipfile.ZipFile(folder / f"{module.version}.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for path, data in sorted(named.items()):
            archive.writestr(zipfile.ZipInfo(path), data, zipfile.ZIP_DEFLATED)
    named_sum, manifest_sum = sum_of(named), sum_of({"go.mod": manifest})
    return [
        f"{module.path} {module.version} {named_sum}\n",
        f"{module.path} {module.version}/go.mod {manifest_sum}\n",
    ]


def main(target: Path) -> None:
    every = modules()
    with ThreadPoolExecutor(4) as pool:
        contents = list(pool.map(fetched, every))
    lines = [
        line
        for module, files in zip(every, contents, strict=True)
        for line in write(module, files, every, target / "proxy")
    ]
    (target / "go.sum").write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
