"""Images in ECR: built and pushed when the repository does not hold what these inputs give.

Input: an image asset (with its package, if it is a function), clients of the account, the name of its repository.
Output: the image's URI by digest. All images of an account and region lie in one repository, which the bootstrap makes;
tags tell them apart: `<construct>-<inputs>`. Refuses (`Failure`) a repository that is not there
(`image-repository-missing`). Source: Amazon ECR API Reference, GetAuthorizationToken (valid for 12 hours) and
DescribeImages.
"""

from __future__ import annotations

import base64
import re
import threading
from collections.abc import Callable
from pathlib import Path

from klotho.deploy.functions.package import FunctionZip
from klotho.deploy.images.additions import additions_digest, completed
from klotho.deploy.images.engine import Credentials, Engine, find_engine
from klotho.deploy.images.function import (
    dockerfile_for,
    function_context,
    function_inputs,
)
from klotho.deploy.images.inputs import image_inputs
from klotho.deploy.place import Clients, translated
from klotho.diagnostics import Failure, Span
from klotho.resources import PackageAsset

Log = Callable[[str], None]

_PLATFORMS = {"arm64": "linux/arm64", "x86_64": "linux/amd64"}
_INPUT_DIGITS = 40
_NAME_LENGTH = 80
"""A tag has at most 128 characters (ECR, ImageIdentifier); letters, digits, `_`, `.` and `-`."""


class EcrImages:
    """An `ImageBuilder` for AWS. `find_engine` is asked once, when the first image has to be built."""

    def __init__(
        self,
        program_root: Path,
        clients: Clients,
        repository: str,
        *,
        registry: str | None = None,
        engine: Callable[[], Engine] = find_engine,
        reads_only: bool = False,
    ) -> None:
        """`registry`: its host, if it is another than ECR's own of the account and region. `reads_only`: nothing is
        built or pushed, and an image that is not there is named by its tag: enough to know that it is another one."""
        place = clients.place
        suffix = "amazonaws.com.cn" if place.region.startswith("cn-") else "amazonaws.com"
        self._registry = registry or f"{place.account}.dkr.ecr.{place.region}.{suffix}"
        self._program_root = program_root
        self._clients = clients
        self._repository = repository
        self._find_engine = engine
        self._reads_only = reads_only
        self._engine: Engine | None = None
        self._lock = threading.Lock()

    def __call__(self, asset: PackageAsset, log: Log, package: FunctionZip | None = None) -> str:
        return self._container(asset, log) if package is None else self._function(asset, package, log)

    def _container(self, asset: PackageAsset, log: Log) -> str:
        properties = asset.properties
        context = (self._program_root / str(properties["context"])).resolve()
        dockerfile = (self._program_root / str(properties["dockerfile"])).resolve()
        arguments = {str(name): str(value) for name, value in dict(properties.get("build_args") or {}).items()}
        platform = _PLATFORMS[str(properties["architecture"])]
        adapter = properties.get("adapter")

        def build(engine: Engine, reference: str) -> None:
            at = Span(str(properties["dockerfile"]), 1)
            with completed(dockerfile, context, adapter) as used:
                engine.build(context, used.dockerfile, arguments, platform, reference, log, at, used.contexts)

        inputs = image_inputs(context, dockerfile, arguments, f"{platform} {additions_digest(adapter)}")
        return self._kept(image_tag(asset.construct, inputs), build, log)

    def _function(self, asset: PackageAsset, package: FunctionZip, log: Log) -> str:
        dockerfile = dockerfile_for(asset.properties, package.path)
        platform = _PLATFORMS[str(asset.properties.get("architecture") or package.architecture)]

        def build(engine: Engine, reference: str) -> None:
            with function_context(dockerfile, package.path) as context:
                engine.build(context, context / "Dockerfile", {}, platform, reference, log)

        return self._kept(image_tag(asset.construct, function_inputs(dockerfile, package.digest, platform)), build, log)

    def _kept(self, tag: str, build: Callable[[Engine, str], None], log: Log) -> str:
        """The image of this tag, built and pushed if it is not there."""
        known = self._pinned(tag)
        if known is not None:
            log("unchanged")
            return known
        reference = f"{self._registry}/{self._repository}:{tag}"
        if self._reads_only:
            return reference
        engine = self._working_engine()
        build(engine, reference)
        engine.push(reference, self._credentials(), log)
        pushed = self._pinned(tag)
        if pushed is None:
            message = f"{engine.name} said it pushed {reference}, and the repository does not hold it"
            raise Failure("image-not-pushed", message, helps=("run the command again",))
        return pushed

    def _working_engine(self) -> Engine:
        with self._lock:
            if self._engine is None:
                self._engine = self._find_engine()
            return self._engine

    def _pinned(self, tag: str) -> str | None:
        """The URI by digest of what the repository holds under a tag."""
        from botocore.exceptions import ClientError

        with translated(f"looking for the image {tag}"):
            try:
                found = self._clients.ecr.describe_images(repositoryName=self._repository, imageIds=[{"imageTag": tag}])
            except ClientError as error:
                code = error.response.get("Error", {}).get("Code")
                if code == "ImageNotFoundException":
                    return None
                if code == "RepositoryNotFoundException":
                    raise self._missing() from error
                raise
        return f"{self._registry}/{self._repository}@{found['imageDetails'][0]['imageDigest']}"

    def _credentials(self) -> Credentials:
        with translated("asking for the registry's credentials"):
            data = self._clients.ecr.get_authorization_token()["authorizationData"][0]
        user, _, password = base64.b64decode(data["authorizationToken"]).decode().partition(":")
        return Credentials(self._registry, user, password)

    def _missing(self) -> Failure:
        place = self._clients.place
        return Failure(
            "image-repository-missing",
            f"the account {place.account} has no repository `{self._repository}` in {place.region}",
            helps=("run `klotho up`, which offers to prepare the account and region",),
        )


def image_is_there(clients: Clients, repository: str, digest: str) -> bool:
    """Whether a repository still holds an image."""
    from botocore.exceptions import ClientError

    with translated(f"looking for the image {digest}"):
        try:
            clients.ecr.describe_images(repositoryName=repository, imageIds=[{"imageDigest": digest}])
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in ("ImageNotFoundException", "RepositoryNotFoundException"):
                return False
            raise
    return True


def image_tag(construct: str, inputs: str) -> str:
    """`orders-<digest>` of `Compute.Container/orders`."""
    name = re.sub(r"[^A-Za-z0-9_.-]", "-", construct.rpartition("/")[2]).lstrip(".-") or "image"
    return f"{name[:_NAME_LENGTH]}-{inputs[:_INPUT_DIGITS]}"
