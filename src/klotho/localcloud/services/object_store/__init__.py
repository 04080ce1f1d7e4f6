"""Buckets and objects on disk, without any protocol: what the S3 API, the resource handlers and the planes work on."""

from klotho.localcloud.services.object_store.model import (
    Bucket,
    Deleted,
    Draft,
    MissingError,
    ObjectHead,
    Page,
    Part,
    Precondition,
    Upload,
)
from klotho.localcloud.services.object_store.store import ObjectStore

__all__ = [
    "Bucket",
    "Deleted",
    "Draft",
    "MissingError",
    "ObjectHead",
    "ObjectStore",
    "Page",
    "Part",
    "Precondition",
    "Upload",
]
