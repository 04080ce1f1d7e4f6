"""The Dockerfile of a unit that runs in a container.

Input: the unit's files and the packages it does not need. Output: `Dockerfile` and `.dockerignore`. TypeScript is built
by esbuild, pinned, as functions are; what is in node_modules stays outside of the bundle. Sources:
hub.docker.com/_/node (slim images, user node); esbuild.github.io/api (packages, format).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from klotho.annotations.languages.javascript.modules import BUILT
from klotho.annotations.languages.javascript.rewriting import FOLDER

BASE = "node:22-slim"
ESBUILD = "0.28.2"
_CONTAINER = f"{FOLDER}/container.cjs"
_REQUIRE = f"{FOLDER}/require.mjs"


class _Packages(NamedTuple):
    """How a lock file's tool installs."""

    lock: str
    install: str
    remove: str


_TOOLS = (
    _Packages("package-lock.json", "npm ci --omit=dev --no-audit --no-fund", "npm uninstall --no-audit --no-fund"),
    _Packages("pnpm-lock.yaml", "npx --yes pnpm@10 install --prod --frozen-lockfile", "npx --yes pnpm@10 remove"),
    _Packages("yarn.lock", "yarn install --production --frozen-lockfile", "yarn remove"),
)
_NO_LOCK = _Packages("", "npm install --omit=dev --no-audit --no-fund", "npm uninstall --no-audit --no-fund")


class Image(NamedTuple):
    files: dict[str, bytes]
    """What a container engine builds the unit by."""
    start: tuple[str, ...]
    """What the container runs."""


def image(
    unit: str, files: Mapping[str, bytes], unneeded: Iterable[str], as_module: bool, assets: Iterable[str] = ()
) -> Image:
    """`unneeded`: packages that package.json names for other units. `as_module`: whether the unit is of ES modules.
    `assets`: files that no import leads to."""
    packages = _packages(files, list(unneeded)) if "package.json" in files else []
    bundle = f"{FOLDER}/built.{'mjs' if as_module else 'cjs'}"
    builds = _build(bundle, as_module) if any(path.endswith(BUILT) for path in files) else []
    lines = [f"# Klotho: the unit {unit}.", *packages, *builds]
    lines += [f"FROM {BASE}", "ENV NODE_ENV=production", "WORKDIR /app"]
    if packages:
        lines.append("COPY --from=packages /app/node_modules ./node_modules")
    if builds:
        built = " ".join(f"/app/{path}" for path in (bundle, *([_REQUIRE] if as_module else [])))
        lines += ["COPY package.json ./", f"COPY --from=build {built} ./{FOLDER}/"]
        # One instruction for each folder: several sources would all land in one.
        lines += [f"COPY {json.dumps([path, f'./{path}'])}" for path in sorted(assets)]
    else:
        lines.append("COPY . .")
    require = ("--import", f"./{_REQUIRE}") if builds and as_module else ()
    start = ("node", *require, bundle if builds else _CONTAINER)
    lines += ["USER node", f"CMD {json.dumps(start)}", ""]
    ignored = b"node_modules\nDockerfile\n.dockerignore\n"
    return Image({"Dockerfile": "\n".join(lines).encode(), ".dockerignore": ignored}, start)


def _packages(files: Mapping[str, bytes], unneeded: list[str]) -> list[str]:
    tool = next((item for item in _TOOLS if item.lock in files), _NO_LOCK)
    named = " ".join(("package.json", *([tool.lock] if tool.lock else [])))
    steps = ["mkdir -p node_modules", tool.install]  # the folder is there also where nothing is installed
    steps += [f"{tool.remove} {' '.join(unneeded)}"] if unneeded else []
    # Taking a package away installs the others again: the environment says that those for developers are not wanted.
    begin = [f"FROM {BASE} AS packages", "ENV NODE_ENV=production", "WORKDIR /app"]
    return [*begin, f"COPY {named} ./", f"RUN {' && '.join(steps)}", ""]


def _build(bundle: str, as_module: bool) -> list[str]:
    options = "--bundle --platform=node --target=node22 --packages=external --log-level=warning"
    format_ = "esm" if as_module else "cjs"
    run = f"RUN npx --yes esbuild@{ESBUILD} {_CONTAINER} {options} --format={format_} --outfile={bundle}"
    return [f"FROM {BASE} AS build", "WORKDIR /app", "COPY . .", run, ""]


def package_of(specifier: str) -> str:
    """`@scope/name/deep` is of `@scope/name`."""
    parts = specifier.split("/")
    return "/".join(parts[:2]) if specifier.startswith("@") else parts[0]
