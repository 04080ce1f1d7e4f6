"""The words of the older compiler's klotho.yaml: sections, types and keys, with what each of them is here.

Everything the old schema knew is in one of these tables: taken, not supported yet, or without a meaning here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from klotho.annotations.hosting import DOORS, HOSTS


class Made(NamedTuple):
    """What a type makes."""

    kind: str
    """Of the construct."""
    implementation: str


@dataclass(frozen=True, slots=True)
class Section:
    """A map by id."""

    capability: str
    keys: tuple[str, ...] = ("type",)
    types: Mapping[str, Made] = field(default_factory=dict)
    """Those of `execution_units` are in `annotations.hosting`, which those of `exposed` are said to, too."""
    types_later: Mapping[str, str] = field(default_factory=dict)
    """Those that are not supported yet, with what to use."""
    keys_later: tuple[str, ...] = ()

    @property
    def words(self) -> tuple[str, ...]:
        return tuple(self.types) or tuple(HOSTS)


SECTIONS: Mapping[str, Section] = {
    "execution_units": Section(
        "execution_unit", ("type", "environment_variables"), {}, {"apprunner": "`lambda` or `fargate`"}
    ),
    "exposed": Section(
        "expose",
        ("type", "api_type"),
        {word: Made("API", implementation) for word, implementation in DOORS.items()},
        keys_later=("content_delivery_network",),
    ),
    "persisted": Section(
        "persist",
        types={
            "dynamodb": Made("Databases.KeyValue", "dynamodb"),
            "dynamodb-provisioned": Made("Databases.KeyValue", "dynamodb-provisioned"),
            "s3": Made("Storage.Bucket", "s3"),
            "rds_postgres": Made("Databases.Postgres", "rds"),
            "aurora": Made("Databases.Postgres", "aurora"),
            "aurora-serverless": Made("Databases.Postgres", "aurora-serverless"),
            "elasticache": Made("Databases.Redis", "elasticache"),
            "secrets_manager": Made("Secret", "secrets-manager"),
        },
        types_later={"memorydb": "`elasticache`"},
    ),
    "pubsub": Section("pubsub", types={"sns": Made("Messaging.Topic", "sns")}),
    "static_unit": Section(
        "static_unit",
        ("type", "content_delivery_network"),
        {"s3": Made("Site", "cloudfront"), "cloudfront": Made("Site", "cloudfront")},
    ),
    "config": Section(
        "config", types={"secrets_manager": Made("Secret", "secrets-manager")}, types_later={"s3": "`secrets_manager`"}
    ),
}
API_TYPES, API_TYPES_LATER = ("HTTP",), {"REST": "`HTTP`"}
DEFAULTS: Mapping[str, str] = {
    "execution_unit": "execution_units",
    "static_unit": "static_unit",
    "expose": "exposed",
    "pubsub": "pubsub",
    "config": "config",
}
"""By key of `defaults`, the section whose types it has; `persist` has kinds."""
KINDS: Mapping[str, str] = {
    "kv": "Databases.KeyValue",
    "fs": "Storage.Bucket",
    "secret": "Secret",
    "orm": "Databases.Postgres",
    "redis_node": "Databases.Redis",
    "redis_cluster": "Databases.Redis",
}
"""By kind of `defaults.persist`, the construct it is."""
INSTEAD: Mapping[str, str] = {
    "cockroachdb_serverless": "use `rds_postgres` or `aurora`, or describe the database in an infra.py",
    "network_placement": "leave it out: a unit enters a network, the private part, where something it uses is in one",
    "helm_chart_options": "leave it out: `type: eks` makes what Kubernetes needs, charts of your own are not installed",
    "pulumi_params_by_type": "say it of one id, as `use:`: `use: {implementation: lambda, memory: 1024}`",
    "infra_params_by_type": "say it of one id, as `use:`: `use: {implementation: lambda, memory: 1024}`",
    "kubernetes": "write `type: eks`, and what it may use as `use: {implementation: eks, memory: 1024}`",
    "content_delivery_network": "leave it out",
}
"""Keys and values of the older compiler that have no meaning here, and what to do."""
_PARAMETERS = ("pulumi_params", "infra_params")
"""Keys that hold parameters of Pulumi's resources."""
_DATABASE = {"instanceClass": "instance", "engineVersion": "version"}
_NAMES: Mapping[str, Mapping[str, str]] = {
    "lambda": {"memorySize": "memory", "timeout": "timeout"},
    "fargate": {"memory": "memory", "cpu": "cpu"},
    "rds": {**_DATABASE, "allocatedStorage": "storage_gb"},
    "aurora": _DATABASE,
    "elasticache": {"nodeType": "node", "numReplicasPerShard": "replicas", "numShards": "shards"},
}
"""By implementation, those that have a parameter here."""
TOP: Mapping[str, str] = {
    "provider": "leave it out: an environment says where it is, `environments: {prod: {target: aws}}`",
    "path": "leave it out: `klotho compile PATH`, or the folder the command is run in",
    "out_dir": "leave it out: `klotho compile --out DIR`",
    "imports": "describe what is there already in an infra.py, with `existing=`",
    "static_units": "write `static_unit:`",
    **{f"persist_{kind}": "write `persisted:`, whatever the kind" for kind in KINDS},
}
"""Keys at the top of the older compiler's file, and what to do."""


def instead_of(key: Any, data: Mapping[Any, Any], implementation: str) -> str | None:
    """What to do instead of a key without meaning; None for others. `implementation`: what the id is by default."""
    if key not in _PARAMETERS:
        return INSTEAD.get(key)
    given = data[key] if isinstance(data[key], Mapping) else {}
    names = _NAMES.get(implementation, {})
    known = {names[name]: value for name, value in given.items() if name in names}
    said = ", ".join(f"{name}: {value}" for name, value in known.items())
    if not said:
        return "it holds parameters of Pulumi's resources; say it as `use:` or `override:` of the same id"
    return f"write `use: {{implementation: {implementation}, {said}}}` in its place"
