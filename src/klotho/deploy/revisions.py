"""What was deployed, revision by revision, kept so that it can be deployed again without its source.

Input: clients of a place, whose application, what a deployment consisted of. Output: `Revision` values in the artifact
bucket, `revisions/<project>/<environment>/<application>/<number>.json`, written once and never changed. A revision
names templates (`templates/<digest>.json`), the model beside them and assets by digest; what a kept revision needs is
never deleted. Refuses numbers that are not there (`revision-unknown`) and bytes it can't read (`revision-unreadable`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import quote

from klotho.deploy.assets import BuiltAsset
from klotho.deploy.place import Clients, translated
from klotho.deploy.sites.files import SiteFile
from klotho.deploy.sites.kept import MISSING, KeptFiles, index_key
from klotho.deploy.threads import workers
from klotho.diagnostics import ExitCode, Failure
from klotho.stacks import AssetSource, Manifest, StepSource, manifest_from_json, manifest_to_json

KEPT = 50
"""How many revisions can be rolled back to, at least."""
_SWEPT_AT = 60
"""From how many on older ones are removed: not at each deployment, because all others have to be read for it."""
_PARALLEL = 8
_SCHEMA = 1
_ROOT = "revisions/"

Outcome = Literal["succeeded", "failed"]
Values = Mapping[str, Mapping[str, str]]
"""By stack, the values of parameters that assets and deployer steps gave."""


@dataclass(frozen=True, slots=True)
class Version:
    """Of the application's source."""

    commit: str
    dirty: bool
    """Whether files differed from the commit."""

    def shown(self) -> str:
        return f"{self.commit[:9]}{'+' if self.dirty else ''}"


@dataclass(frozen=True, slots=True)
class About:
    """The circumstances of a deployment."""

    when_ms: int
    who: str
    host: str
    command: str
    version: Version | None = None
    """None for an application that is in no git repository."""
    of: int | None = None
    """The revision that was rolled back to."""


@dataclass(frozen=True, slots=True)
class Revision:
    """One deployment that changed something."""

    number: int
    about: About
    outcome: Outcome
    results: Mapping[str, str]
    """What became of each stack, as `StackOutcome.result`."""
    manifest: Manifest
    values: Values = field(default_factory=dict)
    sites: Mapping[str, str] = field(default_factory=dict)
    """Digests of the indexes of sites' files (`sites.kept`), by construct; none of a site that was not published."""
    published: tuple[str, ...] = ()
    """The sites whose files it changed."""
    model: str = ""
    """Digest of what the program said and what was chosen for it, which guardrails judge; empty where none was kept."""

    @property
    def changed(self) -> list[str]:
        """The stacks it touched."""
        return [name for name, result in self.results.items() if result not in ("unchanged", "skipped", "cancelled")]

    @property
    def templates(self) -> dict[str, str]:
        """Where each stack's template lies, by stack."""
        return {stack.name: template_key(stack.digest) for stack in self.manifest.stacks}

    def _sourced(self, part: str) -> dict[str, str]:
        """Values of one part of assets, by construct."""
        return {
            source.construct: self.values[stack.name][name]
            for stack in self.manifest.stacks
            for name, source in stack.parameters.items()
            if isinstance(source, AssetSource) and source.part == part and name in self.values.get(stack.name, {})
        }

    @property
    def zips(self) -> dict[str, str]:
        """The keys of functions' zips, by construct."""
        return self._sourced("key")

    @property
    def layers(self) -> dict[str, str]:
        """The keys of their packages, where those are a layer, by construct."""
        return self._sourced("layer")

    @property
    def images(self) -> dict[str, str]:
        """URIs of images, by construct."""
        return self._sourced("image")

    @property
    def objects(self) -> set[str]:
        """What deploying it again needs in the artifact bucket; the indexes of sites name their files."""
        indexes = map(index_key, self.sites.values())
        models = {template_key(self.model)} if self.model else set()
        return {*self.templates.values(), *models, *self.zips.values(), *self.layers.values(), *indexes}

    @property
    def unknown(self) -> list[str]:
        """Constructs whose asset was never built: the deployment ended before."""
        return sorted(
            {
                source.construct
                for stack in self.manifest.stacks
                for name, source in stack.parameters.items()
                if isinstance(source, AssetSource | StepSource) and name not in self.values.get(stack.name, {})
            }
        )

    def to_json(self) -> dict[str, Any]:
        about = self.about
        version = about.version
        return {
            "schema": _SCHEMA,
            "number": self.number,
            "when_ms": about.when_ms,
            "who": about.who,
            "host": about.host,
            "command": about.command,
            "of": about.of,
            "version": {"commit": version.commit, "dirty": version.dirty} if version else None,
            "outcome": self.outcome,
            "results": dict(self.results),
            "values": {stack: dict(values) for stack, values in sorted(self.values.items())},
            "manifest": manifest_to_json(self.manifest),
            "sites": dict(sorted(self.sites.items())),
            "published": list(self.published),
            "model": self.model,
        }


def template_key(digest: str) -> str:
    """Where a template, or a model, lies in the artifact bucket."""
    return f"templates/{digest}.json"


class StoredAssets:
    """The assets of a revision, built long ago: what the deployer asks instead of an `AssetStep`."""

    def __init__(self, revision: Revision) -> None:
        self._values = {
            source: revision.values[stack.name][name]
            for stack in revision.manifest.stacks
            for name, source in stack.parameters.items()
            if isinstance(source, AssetSource) and name in revision.values.get(stack.name, {})
        }

    def future(self, construct: str) -> Future[BuiltAsset]:
        done: Future[BuiltAsset] = Future()
        done.set_result(BuiltAsset())
        return done

    def value(self, source: AssetSource, bucket: str) -> str:
        return bucket if source.part == "bucket" else self._values[source]

    def upload(self, constructs: Iterable[str], clients: Clients) -> None:
        """They are there: a rollback looks before it begins."""


def step_values(revision: Revision) -> dict[StepSource, str]:
    """What the deployer's steps gave then: ARNs of certificates, ids of zones."""
    return {
        source: revision.values[stack.name][name]
        for stack in revision.manifest.stacks
        for name, source in stack.parameters.items()
        if isinstance(source, StepSource) and name in revision.values.get(stack.name, {})
    }


class Revisions:
    """Those of one application in one environment. Its writes must come from whoever holds the application's lease."""

    def __init__(self, clients: Clients, project: str, environment: str, application: str) -> None:
        self._clients = clients
        self._files = KeptFiles(clients)
        self._prefix = f"{_ROOT}{'/'.join(quote(name, safe='') for name in (project, environment, application))}/"

    def numbers(self) -> list[int]:
        """The kept ones, oldest first; none where no bucket was made yet to keep them in."""
        return sorted(int(key.removeprefix(self._prefix).removesuffix(".json")) for key in self._keys(self._prefix))

    def all(self) -> list[Revision]:
        """Newest first."""
        with workers(_PARALLEL, "revision") as threads:
            return list(threads.map(self.read, reversed(self.numbers())))

    def read(self, number: int) -> Revision:
        from botocore.exceptions import ClientError

        try:
            return _parsed(self._body(self._key(number)), number)
        except ClientError as error:
            if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") in MISSING:
                raise _no_revision(number, self.numbers()) from error
            with translated(f"reading revision {number}"):
                raise

    def record(
        self,
        about: About,
        manifest: Manifest,
        templates: Mapping[str, bytes],
        values: Values,
        outcome: Outcome,
        results: Mapping[str, str],
        sites: Mapping[str, Mapping[str, SiteFile]] | None = None,
        published: tuple[str, ...] = (),
        model: bytes = b"",
    ) -> Revision:
        """Keep what a deployment consisted of, its templates and files first. `templates` by the stacks' `template`,
        `sites`: the files of sites by construct, `published`: whose files it changes, `model`: as `Revision.model`."""
        numbers = self.numbers()
        last = self.read(numbers[-1]) if numbers else None
        number = last.number + 1 if last else 1
        indexes = self._keep(sites or {}, last)
        digest = hashlib.sha256(model).hexdigest() if model else ""
        revision = Revision(number, about, outcome, results, manifest, values, indexes, published, digest)
        known = {*last.templates.values(), template_key(last.model)} if last else set()
        bodies = {template_key(stack.digest): templates[stack.template] for stack in manifest.stacks}
        bodies |= {template_key(digest): model} if model else {}
        missing = {key: body for key, body in bodies.items() if key not in known}
        with translated("keeping the revision"), workers(_PARALLEL, "template") as threads:
            list(threads.map(lambda key: self._put(key, missing[key]), sorted(missing)))
            self._put(self._key(revision.number), _encoded(revision), IfNoneMatch="*")
        if len(numbers) + 1 > _SWEPT_AT:
            self.sweep()
        return revision

    def site_files(self, revision: Revision) -> dict[str, dict[str, SiteFile]]:
        """The files of its sites, by construct, each to be copied from where it is kept; it has none that are gone."""
        with translated(f"reading the files of revision {revision.number}"):
            return {construct: self._files.read(digest) for construct, digest in revision.sites.items()}

    def _keep(self, sites: Mapping[str, Mapping[str, SiteFile]], last: Revision | None) -> dict[str, str]:
        """Keep the files of sites; the digests of their indexes by construct."""
        before = set(last.sites.values()) if last else set()
        with translated("keeping the files of sites"), workers(_PARALLEL, "file") as threads:
            return {construct: self._files.keep(files, before, threads) for construct, files in sites.items()}

    def _needed(self, revision: Revision) -> set[str]:
        """Everything in the artifact bucket that deploying it again needs."""
        return revision.objects.union(*map(self._files.objects, revision.sites.values()))

    def templates(self, revision: Revision) -> dict[str, bytes]:
        """The templates of a revision, by the stacks' `template`."""
        with translated(f"reading the templates of revision {revision.number}"), workers(_PARALLEL, "read") as threads:
            stacks = revision.manifest.stacks
            bodies = threads.map(self._body, [template_key(stack.digest) for stack in stacks])
            return {stack.template: body for stack, body in zip(stacks, bodies, strict=True)}

    def model(self, revision: Revision) -> bytes:
        """What guardrails judge; empty where none was kept."""
        if not revision.model:
            return b""
        with translated(f"reading the model of revision {revision.number}"):
            return self._body(template_key(revision.model))

    def missing(self, keys: Iterable[str]) -> set[str]:
        """Which of these objects are not in the artifact bucket any more."""
        wanted = sorted(set(keys))
        with translated("looking for what a revision needs"), workers(_PARALLEL, "look") as threads:
            there = list(threads.map(self._is_there, wanted))
        return {key for key, found in zip(wanted, there, strict=True) if not found}

    def sweep(self) -> None:
        """Remove all but the last `KEPT` revisions, and what only they needed."""
        numbers = self.numbers()
        old = numbers[:-KEPT]
        with translated("removing old revisions"), workers(_PARALLEL, "sweep") as threads:
            gone = set().union(*threads.map(lambda number: self._needed(self.read(number)), old))
            kept = set().union(*threads.map(lambda number: self._needed(self.read(number)), numbers[-KEPT:]))
            unneeded = gone - kept
            others = [key for key in self._keys(_ROOT) if not key.startswith(self._prefix)] if unneeded else []
            # Applications share what has the same content; one that can't be read keeps everything.
            for item in threads.map(lambda key: _parsed(self._body(key), 0), others):
                unneeded -= self._needed(item)
            # What they need goes first: a run that ends in between is finished by the next.
            list(threads.map(self._delete, sorted(unneeded)))
            list(threads.map(self._delete, [self._key(number) for number in old]))

    def _key(self, number: int) -> str:
        return f"{self._prefix}{number:08d}.json"

    def _keys(self, prefix: str) -> list[str]:
        s3 = self._clients.s3
        with translated("listing revisions"):
            pages = s3.get_paginator("list_objects_v2").paginate(
                Bucket=self._clients.place.artifact_bucket, Prefix=prefix
            )
            try:
                return [item["Key"] for page in pages for item in page.get("Contents", ())]
            except s3.exceptions.NoSuchBucket:
                return []

    def _body(self, key: str) -> bytes:
        return self._clients.s3.get_object(Bucket=self._clients.place.artifact_bucket, Key=key)["Body"].read()

    def _put(self, key: str, body: bytes, **condition: str) -> None:
        given: dict[str, Any] = {"Bucket": self._clients.place.artifact_bucket, "Key": key, "Body": body, **condition}
        self._clients.s3.put_object(**given, ContentType="application/json")

    def _delete(self, key: str) -> None:
        self._clients.s3.delete_object(Bucket=self._clients.place.artifact_bucket, Key=key)

    def _is_there(self, key: str) -> bool:
        from botocore.exceptions import ClientError

        try:
            self._clients.s3.head_object(Bucket=self._clients.place.artifact_bucket, Key=key)
        except ClientError as error:
            if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") in MISSING:
                return False
            raise
        return True


def _encoded(revision: Revision) -> bytes:
    import orjson

    return orjson.dumps(revision.to_json(), option=orjson.OPT_SORT_KEYS)


def _parsed(body: bytes, number: int) -> Revision:
    import orjson

    try:
        data: dict[str, Any] = orjson.loads(body)
        if data["schema"] != _SCHEMA:
            raise ValueError(f"it has schema {data['schema']}, this Klotho reads {_SCHEMA}")
        version = data["version"]
        return Revision(
            number=data["number"],
            about=About(
                when_ms=data["when_ms"],
                who=data["who"],
                host=data["host"],
                command=data["command"],
                version=Version(version["commit"], version["dirty"]) if version else None,
                of=data["of"],
            ),
            outcome=data["outcome"],
            results=data["results"],
            manifest=manifest_from_json(data["manifest"]),
            values=data["values"],
            sites=data.get("sites", {}),  # Klotho before 28 November 2026 kept none
            published=tuple(data.get("published", ())),
            model=data.get("model", ""),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise Failure(
            "revision-unreadable",
            f"revision {number} can't be read" if number else "a revision of another application can't be read",
            notes=(str(error),),
            helps=("`klotho history` lists the others",),
        ) from error


def _no_revision(number: int, known: list[int]) -> Failure:
    there = f"there are {known[0]} to {known[-1]}" if known else "nothing was deployed yet that could be deployed again"
    return Failure(
        "revision-unknown",
        f"there is no revision {number}",
        notes=(there,),
        helps=("`klotho history` lists them",),
        exit_code=ExitCode.NOT_FOUND,
    )
