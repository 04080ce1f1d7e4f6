"""Builds what the templates name by parameter: functions' zips, and images of containers and functions.

Input: the manifest's assets, an `ImageBuilder` (the driver hands it in) and a packager. Output: values for the
parameters. What can be known to fail is refused for all assets together before the first is built (`ProgramError`).
Then all build at once in their own threads; a stack waits only for those it uses, and a zip is uploaded only when a
stack that uses it is deployed and the bucket does not hold it yet.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from klotho.deploy.events import AssetDone, AssetFailed, AssetProgress, AssetStarted, AssetType, Sink
from klotho.deploy.functions.package import FunctionPackager, FunctionZip
from klotho.deploy.functions.size import MAX_IMAGE_BYTES, MAX_UNZIPPED_BYTES
from klotho.deploy.place import Clients, translated
from klotho.deploy.target import Target
from klotho.diagnostics import Diagnostic, Failure, Label, Report, Span, said_once
from klotho.resources import PackageAsset
from klotho.stacks import AssetSource

Log = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class BuiltAsset:
    """A built asset; exactly one of `uri` and `zip` is set."""

    uri: str | None = None
    """Of an image, pinned by its content."""
    zip: FunctionZip | None = None
    architecture: str | None = None
    """Of a function: Lambda's name of the processor it was packed for."""


class ImageBuilder(Protocol):
    """Builds an image from an asset's properties: of a container `context`, `dockerfile`, `build_args` and
    `architecture`; of a function `base` and `handler`."""

    def __call__(self, asset: PackageAsset, log: Log, package: FunctionZip | None = None) -> str:
        """The image's URI: equal content gives an equal URI, and an image built before is not built again.

        `package`: what is in it, of a function's.
        """


class ImageValidator(Protocol):
    """Reads what an image would be built from, without building it."""

    def __call__(self, properties: Mapping[str, Any]) -> None:
        """Failure, at the Dockerfile's line, for what the image builder is certain to refuse."""


class Assets(Protocol):
    """What the deployer asks of assets, built now or long ago."""

    def future(self, construct: str) -> Future[BuiltAsset]:
        """The build of an asset; fails with `Failure`."""

    def value(self, source: AssetSource, bucket: str) -> str:
        """A parameter's value; waits for the build."""

    def upload(self, constructs: Iterable[str], clients: Clients) -> None:
        """Make sure the bucket holds the zips of these assets."""


class AssetStep:
    """The assets of one deployment, started once."""

    def __init__(
        self,
        assets: Iterable[PackageAsset],
        *,
        program_root: Path,
        cache: Path,
        target: Target,
        build_image: ImageBuilder,
        sink: Sink,
        clock: Callable[[], float],
        validate_image: ImageValidator | None = None,
        spans: Mapping[str, Span] | None = None,
        packager: FunctionPackager | None = None,
    ) -> None:
        """`target`: what functions are packaged for. `packager`: one that has read some of them. `spans` are the
        user's lines by construct id. Without `validate_image` images fail when they are built."""
        self._assets = {asset.construct: asset for asset in assets}
        self._packager = packager or FunctionPackager(program_root, cache, target)
        self._build_image = build_image
        self._validate_image = validate_image
        self._spans = spans or {}
        self._sink = sink
        self._clock = clock
        self._validated: set[str] = set()
        self._built: dict[str, Future[BuiltAsset]] = {}
        self._uploaded: set[str] = set()
        self._upload_lock = threading.Lock()

    def start(self, executor: Executor, constructs: Iterable[str] | None = None) -> None:
        """Begin building, all of them unless named; what was begun already goes on.

        ProgramError, and nothing is begun, when one of them is certain not to build.
        """
        fresh = [name for name in (self._assets if constructs is None else constructs) if name not in self._built]
        self.validate(fresh)
        for construct in fresh:
            self._built[construct] = executor.submit(self._build, self._assets[construct])

    def validate(self, constructs: Iterable[str] | None = None) -> None:
        """ProgramError with everything that is known to be wrong with these assets (all unless named); what was
        found to be fine is not looked at again."""
        found = list[Diagnostic]()
        for construct in self._assets if constructs is None else constructs:
            if construct in self._validated:
                continue
            asset = self._assets[construct]
            try:
                if asset.type != "image":
                    self._packager.validate(asset.properties, again=False)
                elif self._validate_image is not None:
                    self._validate_image(asset.properties)
            except Failure as failure:
                found.append(self._explained(asset, failure))
            else:
                self._validated.add(construct)
        report = Report()
        report.extend(said_once(found))
        report.stop_on_errors()

    def future(self, construct: str) -> Future[BuiltAsset]:
        """The build of a started asset; fails with `Failure`."""
        return self._built[construct]

    def value(self, source: AssetSource, bucket: str) -> str:
        """A parameter's value; waits for the build."""
        built = self._built[source.construct].result()
        if source.part == "image":
            assert built.uri is not None, f"{source.construct} is no image"
            return built.uri
        if source.part == "architecture":
            assert built.architecture is not None, f"{source.construct} is no function"
            return built.architecture
        assert built.zip is not None, f"{source.construct} is no zip"
        if source.part == "layer":
            assert built.zip.layer_key is not None, f"{source.construct} has no layer"
            return built.zip.layer_key
        return bucket if source.part == "bucket" else built.zip.key

    def upload(self, constructs: Iterable[str], clients: Clients) -> None:
        """Make sure the bucket holds the zips of these assets."""
        for construct in sorted(set(constructs)):
            built = self._built[construct].result()
            if built.zip is not None:
                with self._upload_lock:
                    if built.zip.key not in self._uploaded:
                        upload_zip(built.zip, clients)
                        self._uploaded.add(built.zip.key)

    def _build(self, asset: PackageAsset) -> BuiltAsset:
        begun = self._clock()
        shown: AssetType = "zip" if asset.type == "zip" else "image"
        self._sink(AssetStarted(asset.construct, shown))
        try:
            built, detail = self._built_as(asset)
        except Failure as error:
            error.diagnostic = self._explained(asset, error)
            self._sink(AssetFailed(asset.construct, str(error), self._clock() - begun))
            raise
        self._sink(AssetDone(asset.construct, shown, self._clock() - begun, detail))
        return built

    def _explained(self, asset: PackageAsset, failure: Failure) -> Diagnostic:
        """The diagnostic with the user's line of the construct beside that of the file."""
        span = self._spans.get(asset.construct)
        found = failure.diagnostic
        if span is None or any(label.span == span for label in found.labels):
            return found
        text = "the container made from it" if asset.type == "image" else "the function made from it"
        return replace(found, labels=(*found.labels, Label(span, text if found.labels else "")))

    def _built_as(self, asset: PackageAsset) -> tuple[BuiltAsset, str]:
        def log(line: str) -> None:
            self._sink(AssetProgress(asset.construct, line))

        if asset.type == "image":
            uri = self._build_image(asset, log)
            return BuiltAsset(uri=uri), uri.rpartition(":")[2][:12]
        limit = MAX_UNZIPPED_BYTES if asset.type == "zip" else MAX_IMAGE_BYTES
        built = self._packager.package(asset.properties, log, limit=limit)
        if asset.type == "function-image":
            uri = self._build_image(asset, log, built)
            return BuiltAsset(uri=uri, architecture=built.architecture), uri.rpartition(":")[2][:12]
        return BuiltAsset(
            zip=built, architecture=built.architecture
        ), f"{built.digest[:12]}{' unchanged' if built.cached else ''}"


def upload_zip(built: FunctionZip, clients: Clients) -> None:
    """It and its layer, each unless the artifact bucket holds it already."""
    from botocore.exceptions import ClientError

    bucket = clients.place.artifact_bucket
    for key, path in built.objects.items():
        with translated(f"uploading {key}"):
            try:
                clients.s3.head_object(Bucket=bucket, Key=key)
            except ClientError as error:
                if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") != 404:
                    raise
                with path.open("rb") as body:
                    clients.s3.put_object(Bucket=bucket, Key=key, Body=body)
