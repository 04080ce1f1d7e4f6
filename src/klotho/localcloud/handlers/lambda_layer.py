"""`AWS::Lambda::LayerVersion` in the local cloud.

Input: the resource's properties. Output: a version of a layer, which functions see unpacked; the identifier is its ARN.
Refuses what is no zip, an empty one, more than 250 MB, and by name: LayerName (each version here is the first of a name
that is made up, as CloudFormation makes it up without one), versions of objects.

Recorded but without effect on this machine: CompatibleArchitectures, CompatibleRuntimes (AWS lists layers by them, and
runs a function of another runtime all the same), Description, LicenseInfo.
"""

from __future__ import annotations

import asyncio
from typing import ClassVar

from klotho.localcloud.handler import Handler, HandlerError, Outcome, Request
from klotho.localcloud.identity import arn, physical_name
from klotho.localcloud.planes.functions.package import PackageError

_NAME_LIMIT = 140
"""AWS: Lambda API Reference, PublishLayerVersion, LayerName."""


class LayerVersion(Handler):
    """Every property is create-only: a change is a new version, and the one before is deleted afterwards."""

    type_name: ClassVar[str] = "AWS::Lambda::LayerVersion"
    carries: ClassVar[frozenset[str]] = frozenset(
        (
            "CompatibleArchitectures", "CompatibleRuntimes", "Content.S3Bucket", "Content.S3Key", "Description",
            "LicenseInfo",
        )
    )  # fmt: skip

    async def create(self, request: Request) -> Outcome:
        name = physical_name(request.stack_name, request.logical_id, request.token, _NAME_LIMIT)
        identifier = arn("lambda", f"layer:{name}:1", self.cloud.region)
        content = request.properties["Content"]
        bucket, key = str(content["S3Bucket"]), str(content["S3Key"])
        try:
            found = self.cloud.objects.package(bucket, key)
            # Megabytes are copied: other requests of the local cloud go on meanwhile.
            await asyncio.to_thread(self.cloud.functions.layers.publish, identifier, found)
        except (KeyError, FileNotFoundError) as error:
            reason = f"Error occurred while GetObject. S3 Error Code: NoSuchKey. s3://{bucket}/{key} does not exist"
            raise HandlerError(reason, "InvalidParameterValueException") from error
        except PackageError as error:
            raise HandlerError(str(error), "InvalidParameterValueException") from error
        return Outcome(identifier, {"LayerVersionArn": identifier})

    async def update(self, request: Request) -> Outcome:
        raise HandlerError("a version of a layer can't be changed", "InvalidRequest")

    async def delete(self, request: Request) -> None:
        if request.identifier is not None:
            self.cloud.functions.layers.delete(request.identifier)
