"""What a site consists of: every file with the headers it is stored with.

Input: a folder, and values for the pages. Output: `SiteFile`s by key. Refuses (`Failure`) a folder that is not there or
lacks the pages named, links that lead out of it, and names that can't be keys. Left out, and said so: what begins with
a dot except `.well-known`, because `.env` and `.git` are no pages.
"""

from __future__ import annotations

import hashlib
import json
import mimetypes
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from klotho.diagnostics import Failure

CONFIGURATION = "klotho-config.js"
"""The file the values of `environment` are served in."""
IMMUTABLE = "public, max-age=31536000, immutable"
"""For a file whose name holds a digest of its content: another content has another name."""
REVALIDATE = "no-cache"
"""For pages and their values: kept, and asked about before each use."""
SHARED = "public, max-age=0, s-maxage=31536000, must-revalidate"
"""For the rest: the CDN keeps it until it is told to forget it, a browser asks each time (and mostly hears 304)."""

_PAGES = (".html", ".htm", ".xhtml")
_BLOCK = 1024 * 1024
_HEX = re.compile(r"(?=.*[0-9])(?=.*[a-f])[0-9a-f]{8,64}")
_BASE64 = re.compile(r"(?=.*[0-9])(?=.*[a-z])(?=.*[A-Z])[A-Za-z0-9_-]{8,43}|(?=.*[0-9])(?=.*[A-Z])[A-Z2-7]{8}")
_TYPES = {
    ".avif": "image/avif", ".js": "text/javascript", ".json": "application/json", ".map": "application/json",
    ".md": "text/markdown", ".mjs": "text/javascript", ".wasm": "application/wasm", ".webp": "image/webp",
    ".webmanifest": "application/manifest+json", ".woff": "font/woff", ".woff2": "font/woff2",
}  # fmt: skip
_known_types = mimetypes.MimeTypes(filenames=())


@dataclass(frozen=True, slots=True)
class SiteFile:
    """One file as it is to lie in the bucket."""

    key: str
    md5: str
    """Of its content, in hexadecimal: what S3 gives as the ETag of an object that is not encrypted by KMS."""
    content_type: str
    cache_control: str
    path: Path | None = None
    content: bytes = b""
    """Where it is neither a file here nor kept."""
    sha256: str = ""
    """Of its content, in hexadecimal: by which it is kept. Empty for what is made up when a site is published."""
    kept: str = ""
    """Its key in the artifact bucket, for a file of an earlier deployment."""

    @property
    def is_page(self) -> bool:
        return self.key.endswith(_PAGES)

    @property
    def headers(self) -> str:
        """What it is stored with, to be compared."""
        return f"{self.content_type}|{self.cache_control}"


def site_files(
    folder: Path, shown: str, pages: Iterable[str], values: Mapping[str, str], log: Callable[[str], None]
) -> dict[str, SiteFile]:
    """The files by key; `shown` is the folder as the program names it."""
    if not folder.is_dir():
        raise Failure(
            "site-incomplete",
            f"the folder `{shown}` does not exist",
            helps=("see that the build command writes it, or name the folder it writes: `directory=`",),
        )
    found = {key: _file(key, path) for key, path in _paths(folder, shown, log)}
    for page in pages:
        if page not in found:
            raise Failure(
                "site-incomplete",
                f"`{shown}` has no `{page}`",
                notes=(f"it holds {len(found)} {'file' if len(found) == 1 else 'files'}",),
                helps=("see that the build command writes it, or name another page",),
            )
    if values:
        found[CONFIGURATION] = configuration_file(values)
    return dict(sorted(found.items()))


def _paths(folder: Path, shown: str, log: Callable[[str], None]) -> Iterable[tuple[str, Path]]:
    """Keys and files below the folder, links followed as long as they stay in it."""
    top = folder.resolve()
    pending = [top]
    while pending:
        here = pending.pop()
        for path in sorted(here.iterdir()):
            key = path.relative_to(top).as_posix()
            if path.name.startswith(".") and key != ".well-known":
                log(f"left out: {key} (of what begins with a dot only .well-known is published)")
                continue
            if path.is_symlink() and not path.resolve().is_relative_to(top):
                raise Failure(
                    "site-link-leaves",
                    f"`{shown}/{key}` is a link that leads out of the site's folder",
                    notes=("it would publish what lies elsewhere on this machine",),
                    helps=("copy what it leads to into the folder, or remove the link",),
                )
            if path.is_symlink() and path.is_dir():
                raise Failure(
                    "site-link-leaves",
                    f"`{shown}/{key}` is a link to a folder",
                    helps=("make it a folder of its own: links to files inside the site are followed",),
                )
            if path.is_dir():
                pending.append(path)
            elif path.is_file():
                yield _key(key, shown), path


def _key(key: str, shown: str) -> str:
    try:
        size = len(key.encode())
    except UnicodeEncodeError:
        size = 0
    if not 0 < size <= 1024 or not key.isprintable():
        raise Failure(
            "site-incomplete",
            f"a file in `{shown}` has a name that can't be part of an address",
            notes=(ascii(key)[:120],),
            helps=("rename it",),
        )
    return key


def _file(key: str, path: Path) -> SiteFile:
    md5, sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            md5.update(block)
            sha256.update(block)
    return SiteFile(key, md5.hexdigest(), content_type(key), cache_control(key), path, sha256=sha256.hexdigest())


def configuration_file(values: Mapping[str, str]) -> SiteFile:
    """A script, so that it works with a plain page as well as with a bundler, and before any other script."""
    text = json.dumps(dict(sorted(values.items())), indent=2)
    content = f"globalThis.klotho = Object.freeze({text});\n".encode()
    digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
    return SiteFile(CONFIGURATION, digest, content_type(CONFIGURATION), REVALIDATE, None, content)


def content_type(key: str) -> str:
    """By the name's ending, the same on every machine; text is UTF-8."""
    ending = Path(key).suffix.lower()
    found = _TYPES.get(ending) or _known_types.guess_type(f"file{ending}")[0] or "application/octet-stream"
    return f"{found}; charset=utf-8" if found.startswith("text/") else found


def cache_control(key: str) -> str:
    """How long browsers and the CDN may keep it."""
    if key.endswith(_PAGES) or key == CONFIGURATION:
        return REVALIDATE
    return IMMUTABLE if has_digest(key) else SHARED


def has_digest(key: str) -> bool:
    """Whether the name holds a digest, as bundlers write it: `main.3f2a1b9c.js`, `index-BkT3_9xY.js`.

    Only what can't be a word or a number counts: a file kept for a year by mistake can't be taken back.
    """
    stem = key.rpartition("/")[2].split(".")
    parts = [part for piece in stem[:-1] for part in (piece, piece.partition("-")[2], piece.rpartition("-")[2])]
    return any(_HEX.fullmatch(part) or _BASE64.fullmatch(part) for part in parts[1:] if part)
