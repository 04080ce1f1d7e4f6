"""Builds an image from a Dockerfile without a container engine: a folder, and how to start what is in it.

Input: a context, its Dockerfile and build arguments. Output: `BuiltImage`, and on disk `<images>/<digest>/root` with
`image.json`. Refuses, as `ImageError` with the Dockerfile's line, what is not carried; nothing of an image ever runs on
this machine silently.

Synchronous, and of the standard library only: the deployer calls it from its own process. The digest covers the
filtered context, the Dockerfile, the arguments and Klotho's runtime SDK, and no path or time of this machine. An image
that exists is returned as it is.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from klotho.application.dockerignore import Ignore
from klotho.localcloud.planes.containers import environments
from klotho.localcloud.planes.containers.bases import base
from klotho.localcloud.planes.containers.copying import Source, context_source
from klotho.localcloud.planes.containers.dockerfile import Dockerfile, ImageError, Stage, expand, pairs, parse
from klotho.localcloud.planes.containers.paths import inside
from klotho.localcloud.planes.containers.plain import IMAGE_PATH, check_program
from klotho.localcloud.planes.containers.stage import StageBuilder, StageResult
from klotho.localcloud.planes.containers.toolchain import Base

REPOSITORY = "klotho.local/assets"
"""What stands before `@sha256:…` in the URI of an image made here."""
FORMAT = "1"
"""Part of the digest: raise it when the same input makes another image."""
RUNTIME_FOLDER = "opt/klotho"
"""Where the runtime SDK lies in an image, below its root."""


@dataclass(frozen=True, slots=True)
class BuiltImage:
    uri: str
    """`klotho.local/assets@sha256:<digest>`: what a task definition names."""
    digest: str
    directory: Path
    reused: bool = False
    """Whether it was there already."""


@dataclass(frozen=True, slots=True)
class Image:
    """A finished image as the plane runs it."""

    digest: str
    root: Path
    config: StageResult


def build_image(
    context: Path,
    dockerfile: Path,
    *,
    build_args: Mapping[str, str],
    images: Path,
    cache: Path,
    log: Callable[[str], None],
) -> BuiltImage:
    """Build the image, or return the one there is.

    `images`: where images of this local cloud are kept (`<state>/images`). `cache`: Klotho's cache folder, shared by
    all projects. `log` gets package managers' output and notes, line by line. Raises `ImageError`.
    """
    if not context.is_dir():
        raise ImageError(0, "context", f"{context} is no folder", "check context= in the program")
    if not dockerfile.is_file():
        raise ImageError(0, "dockerfile", f"{dockerfile} does not exist", "write a Dockerfile, or check dockerfile=")
    ignore = Ignore.of(context, dockerfile)
    source = context_source(context, ignore)
    text = dockerfile.read_bytes()
    digest = _digest(source, text, build_args)
    directory = images / digest
    uri = f"{REPOSITORY}@sha256:{digest}"
    with environments.locked(directory):
        if load_image(images, digest) is not None:
            return BuiltImage(uri, digest, directory, reused=True)
        shutil.rmtree(directory, ignore_errors=True)
        try:
            _build(source, parse(text.decode("utf-8", "replace")), build_args, directory, cache, log)
        except BaseException:
            shutil.rmtree(directory, ignore_errors=True)
            raise
    return BuiltImage(uri, digest, directory)


def load_image(images: Path, digest: str) -> Image | None:
    """A finished image; None when there is none, or its cached environment was cleared away."""
    directory = images / digest
    try:
        found = json.loads((directory / "image.json").read_text())
    except (FileNotFoundError, ValueError):
        return None
    config = StageResult(**{**found, "base": Base(**found["base"])})
    interpreter = config.python_environment
    if interpreter is not None and not os.access(Path(interpreter) / "bin" / "python", os.X_OK):
        return None
    return Image(digest, directory / "root", config)


def _digest(source: Source, dockerfile: bytes, build_args: Mapping[str, str]) -> str:
    parts: list[str | bytes] = [FORMAT, dockerfile]
    for name, value in sorted(build_args.items()):
        parts += [name, value]
    for relative, path in source.entries.items():
        if path.is_symlink():
            parts += [relative, "link", str(path.readlink())]
        elif path.is_file():
            parts += [relative, "x" if os.access(path, os.X_OK) else "-", path.read_bytes()]
    for relative, data in _runtime_files().items():
        parts += [relative, data]
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogateescape") if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()


def _build(
    source: Source,
    dockerfile: Dockerfile,
    build_args: Mapping[str, str],
    directory: Path,
    cache: Path,
    log: Callable[[str], None],
) -> None:
    outer: dict[str, str] = {}
    for instruction in dockerfile.arguments:
        for name, default in pairs(instruction):
            outer[name] = build_args.get(name, expand(default, outer, instruction))
    built: dict[int, tuple[Path, StageResult]] = {}

    def earlier(name: str) -> tuple[Path, StageResult] | None:
        stage = dockerfile.stage(name)
        return make(stage) if stage is not None else None

    def make(stage: Stage, final: bool = False) -> tuple[Path, StageResult]:
        """Build a stage once, and only if the last one needs it."""
        if stage.index in built:
            return built[stage.index]
        root = directory / "root" if final else directory / "stages" / str(stage.index)
        image = expand(stage.base, outer, stage.origin)
        parent = dockerfile.stage(image)
        if parent is not None and parent.index < stage.index:
            parent_root, start = make(parent)
            shutil.copytree(parent_root, root, symlinks=True)
        else:
            found = base(image, stage.origin)
            start = StageResult(found, found.environment, found.workdir)
            inside(root, found.workdir).mkdir(parents=True)
        before = _before(stage, dockerfile, earlier)
        builder = StageBuilder(stage, start, root, source, before, outer, build_args, cache, log)
        built[stage.index] = root, builder.build()
        return built[stage.index]

    root, config = make(dockerfile.stages[-1], final=True)
    shutil.rmtree(directory / "stages", ignore_errors=True)
    check_program(dockerfile.stages[-1], root, config)
    if config.base.language in ("python", "node"):
        _add_runtime(root, config.workdir)
    temporary = directory / "image.json.new"
    temporary.write_text(json.dumps(asdict(config), indent=1, sort_keys=True))
    temporary.rename(directory / "image.json")


def _before(
    stage: Stage, dockerfile: Dockerfile, earlier: Callable[[str], tuple[Path, StageResult] | None]
) -> Callable[[str], tuple[Path, StageResult] | None]:
    """`earlier`, for stages that come before this one: a stage can't copy from itself or a later one."""

    def found(name: str) -> tuple[Path, StageResult] | None:
        named = dockerfile.stage(name)
        return earlier(name) if named is not None and named.index < stage.index else None

    return found


def _runtime_files() -> dict[str, bytes]:
    from klotho.runtime.assets import node_files, python_files

    return {**{f"{RUNTIME_FOLDER}/{path}": data for path, data in python_files().items()}, **node_files()}


def _add_runtime(root: Path, workdir: str) -> None:
    """Put the runtime SDK where every program of the image finds it, before any that the user installed.

    Python looks along PYTHONPATH. Node's `import` does not know NODE_PATH, but looks into `node_modules` of every
    folder above the program, of which the image's root is one.
    """
    shutil.rmtree(root / workdir.strip("/") / "node_modules" / "@klotho" / "runtime", ignore_errors=True)
    for relative, data in _runtime_files().items():
        target = root / relative
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)


def search_path(image: Image) -> str:
    """PATH for a program of the image: its own PATH where it exists, then this machine's interpreter and system."""
    own = image.config.environment.get("PATH", IMAGE_PATH).split(":")
    found = [f"{image.root}{folder}" for folder in own if (image.root / folder.strip("/")).is_dir()]
    if image.config.python_environment:
        found.append(f"{image.config.python_environment}/bin")
    if image.config.base.language in ("node", "dotnet"):
        found.append(str(Path(image.config.base.interpreter).parent))
    return ":".join([*found, "/usr/local/bin", "/usr/bin", "/bin"])
