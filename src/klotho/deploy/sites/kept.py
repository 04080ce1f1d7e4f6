"""Files of sites kept by what they hold, so that a revision can be published again without its source.

Input: clients, the files of a site as they are published. Output: an index of them in the artifact bucket,
`site-indexes/<digest>.json`, whose files are `site-files/<digest>`. Both are written once and never changed: what two
revisions or two sites have in common is kept once. `klotho-config.js` is no part of it: its values are those of the
stacks it is published with. Refuses nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from concurrent.futures import Executor

import orjson

from klotho.deploy.place import Clients
from klotho.deploy.sites.files import CONFIGURATION, SiteFile

MISSING = (403, 404)
"""S3 answers 403 for an object that is not there to who may not list the bucket."""
_INDEXES, _FILES = "site-indexes/", "site-files/"


def index_of(files: Mapping[str, SiteFile]) -> tuple[str, bytes]:
    """The digest of the site's index, and the index."""
    listed = {
        key: [file.sha256, file.md5, file.content_type, file.cache_control]
        for key, file in files.items()
        if key != CONFIGURATION
    }
    body = orjson.dumps(listed, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(body).hexdigest(), body


def index_key(digest: str) -> str:
    """Where an index lies in the artifact bucket."""
    return f"{_INDEXES}{digest}.json"


def object_key(sha256: str) -> str:
    """Where a file lies in the artifact bucket."""
    return f"{_FILES}{sha256}"


class KeptFiles:
    """The files of sites in one place's artifact bucket."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._bucket = clients.place.artifact_bucket

    def read(self, digest: str) -> dict[str, SiteFile]:
        """The files of an index, each to be copied from where it is kept. The service's error when it is gone."""
        body = self._clients.s3.get_object(Bucket=self._bucket, Key=index_key(digest))["Body"].read()
        return {
            key: SiteFile(key, md5, content_type, cache_control, sha256=sha256, kept=object_key(sha256))
            for key, (sha256, md5, content_type, cache_control) in orjson.loads(body).items()
        }

    def objects(self, digest: str) -> set[str]:
        """The keys of everything an index needs, itself included; of one that is gone only itself."""
        from botocore.exceptions import ClientError

        try:
            files = self.read(digest)
        except ClientError as error:
            if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") not in MISSING:
                raise
            return {index_key(digest)}
        return {index_key(digest), *(file.kept for file in files.values())}

    def keep(self, files: Mapping[str, SiteFile], before: Collection[str], executor: Executor) -> str:
        """Keep what is not kept yet; gives the index's digest. `before`: digests of indexes that are whole, the
        files of which need not be looked for."""
        digest, body = index_of(files)
        if digest in before:
            return digest
        known = set().union(*map(self.objects, before))
        named = {object_key(file.sha256): file for file in files.values() if file.path is not None}
        wanted = sorted(named.keys() - known)
        list(executor.map(self._put, wanted, [named[key] for key in wanted]))
        self._clients.s3.put_object(
            Bucket=self._bucket, Key=index_key(digest), Body=body, ContentType="application/json"
        )
        return digest

    def _put(self, key: str, file: SiteFile) -> None:
        assert file.path is not None
        with file.path.open("rb") as body:
            self._clients.s3.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType=file.content_type)
