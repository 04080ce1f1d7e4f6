"""The S3 API of the local cloud."""

from klotho.localcloud.services.object_store import ObjectHead, ObjectStore
from klotho.localcloud.services.s3.routing import assets_bucket
from klotho.localcloud.services.s3.service import S3Service

__all__ = ["ObjectHead", "ObjectStore", "S3Service", "assets_bucket"]
