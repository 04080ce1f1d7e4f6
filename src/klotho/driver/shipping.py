"""Decides how functions are shipped, before anything is deployed: a zip, with a layer, or an image.

Input: a compiled program and its packager. Output: the program compiled again with what was found out, and
klotho.lock. Only functions whose packages were never looked at are packed for it; a changed line of code asks nothing.
What the user says (`use`) is never changed, and an entry of klotho.lock only by what no longer goes: too large for a
zip, or not to be had for Lambda. Refuses (`container-engine-missing`) an image for AWS on a machine that can't build
one.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from klotho.deploy.events import Sink, Step
from klotho.deploy.functions.measured import LARGE_BYTES, Measured
from klotho.deploy.functions.package import FunctionPackager
from klotho.deploy.functions.size import MAX_UNZIPPED_BYTES
from klotho.deploy.threads import workers
from klotho.diagnostics import Failure, Report
from klotho.driver.build import Build
from klotho.driver.lock_file import LOCK_FILE, Shipped, is_recorded, read_lock, write_lock
from klotho.resources import PackageAsset

_MB = 1024 * 1024
_THREADS = 4


@dataclass(frozen=True, slots=True)
class _Function:
    """A function nobody has said `use` of."""

    name: str
    asset: PackageAsset
    recorded: bool

    @property
    def plain(self) -> Mapping[str, object]:
        """The properties of its package as one zip."""
        return {key: item for key, item in self.asset.properties.items() if key not in ("layer", "build", "base")}

    @property
    def is_image(self) -> bool:
        return self.asset.type == "function-image"


def decided(
    built: Build, again: Callable[[Mapping[str, Shipped]], Build], packager: FunctionPackager, sink: Sink
) -> Build:
    """`again` compiles the program with other entries. What is found out is written to klotho.lock, and said."""
    functions = list(_functions(built))
    found = _measured(functions, packager, sink)
    return _applied(built, again, functions, found, sink, write=True)


def foreseen(
    built: Build,
    again: Callable[[Mapping[str, Shipped]], Build],
    packager: FunctionPackager,
    sink: Sink,
    *,
    looks: bool,
) -> Build:
    """The program as `decided` would have it, and nothing is written. `looks`: packages that nobody has looked at are;
    else what is known on this machine has to do."""
    functions = list(_functions(built))
    if looks:
        found = _measured(functions, packager, sink)
    else:
        found = {item.name: known for item in functions if (known := _known(packager, item)) is not None}
    return _applied(built, again, functions, found, lambda event: None, write=False)


def _functions(built: Build) -> Iterator[_Function]:
    pins = {item.subject: is_recorded(item) for item in built.application.directives if item.action == "use"}
    subjects = {str(subject): recorded for subject, recorded in pins.items()}
    for asset in built.manifest.assets:
        if asset.type != "image" and "package" not in asset.properties and subjects.get(asset.construct, True):
            yield _Function(asset.construct.rpartition("/")[2], asset, asset.construct in subjects)


def _known(packager: FunctionPackager, item: _Function) -> Measured | None:
    try:
        packager.validate(item.plain, again=False)
        return packager.measured(item.plain)
    except Failure:
        return None  # told where everything that is wrong with assets is told


def _measured(functions: list[_Function], packager: FunctionPackager, sink: Sink) -> dict[str, Measured]:
    """Of all but images, which take what there is."""

    def measure(item: _Function) -> Measured | None:
        try:
            packager.validate(item.plain, again=False)
            known = packager.measured(item.plain)
            if known is not None or item.is_image:
                return known
            sink(Step(f"looking at the packages of {item.name}, which are new"))
            return packager.measure(item.plain, lambda line: sink(Step(f"{item.name}: {line}")))
        except Failure:
            return None  # told where everything that is wrong with assets is told

    with workers(_THREADS, "measure") as threads:
        answers = threads.map(measure, functions)
        return {item.name: found for item, found in zip(functions, answers, strict=True) if found is not None}


def _applied(
    built: Build,
    again: Callable[[Mapping[str, Shipped]], Build],
    functions: list[_Function],
    found: Mapping[str, Measured],
    sink: Sink,
    *,
    write: bool,
) -> Build:
    new = {item.name: entry for item in functions if (entry := _entry(item, found.get(item.name))) is not None}
    for item in functions:
        if item.name not in new and (advice := _advice(item, found.get(item.name))) is not None:
            sink(Step(advice))
    if not new:
        return built
    images = [name for name, entry in new.items() if entry.ships == "image"]
    if write and images and built.environment.target == "aws":
        _require_engine(built, new, images)
    entries = {**read_lock(built.program.folder, Report()), **new}
    changed = again(entries)
    if write:
        write_lock(built.program.folder, entries)
        for name, entry in sorted(new.items()):
            how = "an image" if entry.ships == "image" else "a zip with a layer"
            sink(Step(f"{name} is shipped as {how}: {entry.reason} ({LOCK_FILE} keeps that)"))
    return changed


def _entry(item: _Function, found: Measured | None) -> Shipped | None:
    """What has to be written of a function; None where everything stays as it is."""
    if found is None or item.is_image:
        return None
    if found.missing is not None:
        named = item.asset.properties.get("architecture")
        return Shipped("image", found.missing, True, None if named is not None else _this_machine())
    if found.too_large:
        size, most = found.total // _MB, MAX_UNZIPPED_BYTES // _MB
        return Shipped("image", f"it is {size} MB unzipped, and Lambda takes {most} MB of a zip: {found.largest}")
    if found.zipped > LARGE_BYTES and not item.asset.properties.get("layer"):
        return Shipped("layer", f"its packages are {found.zipped // _MB} MB zipped: {found.largest}")
    return None


def _advice(item: _Function, found: Measured | None) -> str | None:
    """Said of a function whose packages have become small again."""
    if found is None or not item.recorded or found.missing is not None or found.too_large:
        return None
    if item.is_image:
        return (
            f"{item.name} is an image by {LOCK_FILE}, and at {found.total // _MB} MB would fit a zip: delete its entry "
            "there to have one"
        )
    if found.zipped <= LARGE_BYTES:
        return f"{item.name} has a layer by {LOCK_FILE}, and would not need one: delete its entry there to have one zip"
    return None


def _require_engine(built: Build, new: Mapping[str, Shipped], images: list[str]) -> None:
    from klotho.deploy.images.engine import find_engine

    try:
        find_engine()
    except Failure as failure:
        name = images[0]
        at = next((item.span for item in built.application.constructs if item.name == name), None)
        asked = failure.diagnostic
        smaller = (
            "choose versions that have wheels for Linux"
            if new[name].build
            else "leave out packages it does not need: a manifest beside its handler names what it alone needs"
        )
        message = (
            f"`{name}` has to be an image: {new[name].reason}. No container engine works on this machine to build it"
        )
        raise Failure(
            asked.code,
            message,
            at=at,
            notes=(*asked.notes, "nothing was deployed"),
            helps=(*asked.helps, f"or {smaller}"),
        ) from failure


def _this_machine() -> str:
    """What an image is built for without emulation."""
    return "arm64" if platform.machine().lower() in ("arm64", "aarch64") else "x86_64"
