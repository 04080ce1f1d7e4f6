"""The Kubernetes API of one cluster, as this function's role.

Input: the cluster's name, endpoint and authority, as CloudFormation gives them. Output: JSON objects. The token is a
signed question to STS that is never asked here: the cluster asks it to learn who calls. Raises `ObjectError` with the
API's own words for what is refused, and OSError while nothing answers. Sources: Amazon EKS User Guide, "Grant IAM users
access to Kubernetes with EKS access entries"; aws-iam-authenticator, "API Authorization from Outside a Cluster";
Kubernetes documentation, "Server-Side Apply".
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import ssl
from urllib.parse import urlsplit

from klotho.applier.objects import ObjectError
from klotho.runtime import credentials
from klotho.runtime.sigv4 import presign

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from klotho.applier.objects import Named

MANAGER = "klotho"
"""Who owns the fields that are set: another manager's (a person's, an autoscaler's) are left alone."""
TOKEN_S = 60
"""How long a question to STS may be asked. The cluster takes at most 15 minutes."""
CALL_S = 15.0
CLUSTER_HEADER = "x-k8s-aws-id"


class Cluster:
    """One cluster's API."""

    def __init__(self, properties: Mapping[str, Any]) -> None:
        try:
            self.name = str(properties["Cluster"])
            self._address = urlsplit(str(properties["Endpoint"]))
            self._authority = base64.b64decode(str(properties["Authority"])).decode()
        except (KeyError, ValueError) as error:
            raise ObjectError(f"the cluster is not said: {error}") from error

    def apply(self, item: Named) -> dict[str, Any]:
        """Make it, or change what is set of it; what it is afterwards."""
        query = f"?fieldManager={MANAGER}&force=true"
        status, answer = self._call("PATCH", item.path + query, item.body, "application/apply-patch+yaml")
        if status not in (200, 201):
            raise ObjectError(f"{item}: {_words(answer, status)}")
        return answer

    def get(self, path: str) -> dict[str, Any] | None:
        """None when there is no such object."""
        status, answer = self._call("GET", path)
        if status == 404:
            return None
        if status != 200:
            raise ObjectError(f"{path}: {_words(answer, status)}")
        return answer

    def delete(self, item: Named) -> None:
        """Begin to remove it, what belongs to it first. One that is gone is fine."""
        options = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Foreground"}
        status, answer = self._call("DELETE", item.path, options, "application/json")
        if status not in (200, 202, 404):
            raise ObjectError(f"{item}: {_words(answer, status)}")

    def _call(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, kind: str = "application/json"
    ) -> tuple[int, dict[str, Any]]:
        headers = {"Authorization": f"Bearer {token(self.name)}", "Accept": "application/json", "Content-Type": kind}
        context = ssl.create_default_context(cadata=self._authority)
        connection = http.client.HTTPSConnection(
            str(self._address.hostname), self._address.port or 443, timeout=CALL_S, context=context
        )
        try:
            connection.request(method, path, None if body is None else json.dumps(body).encode(), headers)
            response = connection.getresponse()
            text = response.read()
        finally:
            connection.close()
        try:
            found = json.loads(text)
        except ValueError:
            found = {"message": text[:200].decode("utf-8", "replace")}
        return response.status, found if isinstance(found, dict) else {}


def token(cluster: str, now: float | None = None) -> str:
    """Who this function is, for the cluster of this name only."""
    mine, region = credentials.current(), os.environ["AWS_REGION"]
    question = presign(
        "GET",
        f"https://sts.{region}.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15",
        {CLUSTER_HEADER: cluster},
        region=region,
        access_key=mine.access_key,
        secret_key=mine.secret_key,
        session_token=mine.session_token,
        expires=TOKEN_S,
        service="sts",
        now=now,
    )
    return f"k8s-aws-v1.{base64.urlsafe_b64encode(question.encode()).decode().rstrip('=')}"


def _words(answer: Mapping[str, Any], status: int) -> str:
    return f"{answer.get('message') or 'refused'} ({status})"
