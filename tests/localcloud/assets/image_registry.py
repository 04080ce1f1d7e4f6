"""A real registry (Debian's docker-registry) that refuses whoever shows no credentials, and ECR's view of it."""

from __future__ import annotations

import base64
import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from klotho.deploy.place import Place

MANIFEST = "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"
USERS = "AWS:$2y$04$abcdefghijklmnopqrstuuer4NN1lcmtxIHY60lGuRq7t.MaIUmGK\n"
"""`canary-token` as bcrypt writes it."""
TOKEN = base64.b64encode(b"AWS:canary-token").decode()


@dataclass
class Registry:
    host: str

    def get(self, path: str) -> tuple[Any, str]:
        """JSON and its digest."""
        body, digest = self.read(path)
        return json.loads(body), digest

    def read(self, path: str) -> tuple[bytes, str]:
        request = urllib.request.Request(f"http://{self.host}/v2/{path}")
        request.add_header("Authorization", f"Basic {TOKEN}")
        request.add_header("Accept", MANIFEST)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.read(), answer.headers.get("Docker-Content-Digest", "")


@contextmanager
def registry(folder: Path) -> Iterator[Registry]:
    program = shutil.which("docker-registry") or "/usr/bin/docker-registry"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{free.getsockname()[1]}"
    config = folder / "registry.yml"
    config.write_text(
        f"version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {folder / 'blobs'}}}}}\n"
        f"http: {{addr: {host}}}\nauth: {{htpasswd: {{realm: test, path: {folder / 'users'}}}}}\n"
    )
    (folder / "users").write_text(USERS)
    running = subprocess.Popen([program, "serve", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            try:
                urllib.request.urlopen(f"http://{host}/v2/", timeout=1)
            except urllib.error.HTTPError:
                break  # it asks who is there
            except OSError:
                time.sleep(0.05)
        yield Registry(host)
    finally:
        running.terminate()
        running.wait(10)


@contextmanager
def engine_and_registry(folder: Path) -> Iterator[Registry]:
    """The registry, and an engine that needs no privileges and leaves nothing behind."""
    with registry(folder) as running, pytest.MonkeyPatch.context() as patch:
        (folder / "registries.conf").write_text(f'[[registry]]\nlocation = "{running.host}"\ninsecure = true\n')
        (folder / "storage.conf").write_text(
            f'[storage]\ndriver = "vfs"\nrunroot = "{folder / "run"}"\ngraphroot = "{folder / "graph"}"\n'
        )
        patch.setenv("CONTAINERS_REGISTRIES_CONF", str(folder / "registries.conf"))
        patch.setenv("CONTAINERS_STORAGE_CONF", str(folder / "storage.conf"))
        patch.setenv("BUILDAH_ISOLATION", "chroot")
        yield running


@dataclass
class Ecr:
    """The calls of ECR that Klotho makes, answered from a registry."""

    registry: Registry
    repositories: tuple[str, ...]
    calls: list[str] = field(default_factory=list)

    def describe_images(self, repositoryName: str, imageIds: list[dict[str, str]]) -> dict[str, Any]:
        self.calls.append("DescribeImages")
        if repositoryName not in self.repositories:
            raise ClientError({"Error": {"Code": "RepositoryNotFoundException", "Message": "no"}}, "DescribeImages")
        try:
            _, digest = self.registry.get(f"{repositoryName}/manifests/{imageIds[0]['imageTag']}")
        except urllib.error.HTTPError as error:
            raise ClientError(
                {"Error": {"Code": "ImageNotFoundException", "Message": "no"}}, "DescribeImages"
            ) from error
        return {"imageDetails": [{"registryId": "123456789012", "imageDigest": digest}]}

    def get_authorization_token(self) -> dict[str, Any]:
        self.calls.append("GetAuthorizationToken")
        return {"authorizationData": [{"authorizationToken": TOKEN, "proxyEndpoint": f"https://{self.registry.host}"}]}


@dataclass
class EcrClients:
    """As much of `Clients` as images need."""

    ecr: Ecr
    place: Place = field(default_factory=lambda: Place("eu-central-1", "123456789012"))
