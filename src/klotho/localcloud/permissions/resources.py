"""The resources a request is about, where its parameters do not name them as they are.

Input: a `Request`. Output: `Need`s: an action on an ARN, with the condition keys that AWS fills from the request.
Refuses nothing: a request that names no resource needs its action on `*`, which only a policy on everything grants.

Source: Service Authorization Reference; "Using IAM with DynamoDB transactions" and "Using IAM policy conditions for
fine-grained access control", DynamoDB Developer Guide; "Resources and conditions for Lambda actions".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote

from klotho.localcloud.permissions.conditions import UnevaluableError
from klotho.localcloud.permissions.evaluate import Need
from klotho.localcloud.service import ApiCall, ApiError
from klotho.localcloud.services.dynamodb.stream_reads import stream_of_iterator
from klotho.localcloud.services.s3 import documents

_TRANSACTION_ACTIONS = {
    "ConditionCheck": "dynamodb:ConditionCheckItem",
    "Delete": "dynamodb:DeleteItem",
    "Get": "dynamodb:GetItem",
    "Put": "dynamodb:PutItem",
    "Update": "dynamodb:UpdateItem",
}
_EQUALITY = re.compile(r"(?:^|[\s(])(#?[A-Za-z_]\w*)\s*=\s*(:\w+)")
_FUNCTION_PATH = re.compile(r"/functions/([^/]+)")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the requests are about: the place, and two things to look up."""

    region: str
    account: str
    partition_key: Callable[[str], str | None]
    """Of a table by name; None when it is not known."""
    secret_arn: Callable[[str], str | None]
    """Of a secret by name or ARN; None when there is none."""


@dataclass(frozen=True, slots=True)
class Request:
    """One call with its operation and parameters."""

    call: ApiCall
    operation: str
    action: str
    parameters: Mapping[str, Any]
    surroundings: Surroundings

    def text(self, name: str) -> str:
        """A text parameter; empty when it is absent or something else."""
        value = self.parameters.get(name)
        return value if isinstance(value, str) else ""

    def mapping(self, name: str) -> Mapping[str, Any]:
        """A structure; empty when it is absent or something else."""
        value = self.parameters.get(name)
        return value if isinstance(value, Mapping) else {}

    def need(self, resource: str, **more: Any) -> Need:
        return Need(self.action, resource, **more)

    def arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{self.surroundings.region}:{self.surroundings.account}:{resource}"


def _table(request: Request) -> list[Need]:
    return [request.need(_table_arn(request, request.text("TableName")))]


def _item(request: Request) -> list[Need]:
    table = request.text("TableName")
    return [_item_need(request, request.action, table, [request.parameters])]


def _query(request: Request) -> list[Need]:
    """Query and Scan of an index are about the index, not the table."""
    table, index = request.text("TableName"), request.text("IndexName")
    arn = _table_arn(request, table)
    facts: dict[str, Any] = {}
    if request.operation == "Query":
        facts["dynamodb:leadingkeys"] = lambda: _queried_key(request, table, index)
    return [request.need(f"{arn}/index/{index}" if index and arn != "*" else arn, facts=facts)]


def _batch(request: Request) -> list[Need]:
    """One need for each table; batches have actions of their own."""
    asked = request.mapping("RequestItems")
    if not asked:
        return [request.need("*")]
    return [_item_need(request, request.action, str(name), _entries(content)) for name, content in asked.items()]


def _entries(content: Any) -> list[Mapping[str, Any]]:
    """The keys and items of one table's part of a batch, each as the item operations have them."""
    if isinstance(content, Mapping):
        keys = content.get("Keys")
        return [{"Key": key} for key in keys] if isinstance(keys, list) else []
    writes = [item for item in content if isinstance(item, Mapping)] if isinstance(content, list) else []
    return [inner for write in writes for inner in write.values() if isinstance(inner, Mapping)]


def _transaction(request: Request) -> list[Need]:
    """Each entry needs the action of its own operation; TransactGetItems and TransactWriteItems are no IAM actions."""
    entries = request.parameters.get("TransactItems")
    grouped: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for entry in entries if isinstance(entries, list) else ():
        for kind, content in entry.items() if isinstance(entry, Mapping) else ():
            if kind in _TRANSACTION_ACTIONS and isinstance(content, Mapping):
                key = (_TRANSACTION_ACTIONS[kind], str(content.get("TableName", "")))
                grouped.setdefault(key, []).append(content)
    if not grouped:
        return [Need("dynamodb:GetItem" if request.operation == "TransactGetItems" else "dynamodb:PutItem", "*")]
    enclosing = {"dynamodb:enclosingoperation": request.operation}
    return [_item_need(request, action, table, found, enclosing) for (action, table), found in grouped.items()]


def _item_need(
    request: Request,
    action: str,
    table: str,
    contents: Iterable[Mapping[str, Any]],
    more: Mapping[str, Any] | None = None,
) -> Need:
    facts = {**(more or {}), "dynamodb:leadingkeys": lambda: _leading_keys(request, table, contents)}
    return Need(action, _table_arn(request, table), facts)


def _table_arn(request: Request, table: str) -> str:
    if table.startswith("arn:"):
        return table
    return request.arn("dynamodb", f"table/{table}") if table else "*"


def _partition_key(request: Request, table: str) -> str:
    name = request.surroundings.partition_key(table.rpartition("/")[2])
    if name is None:
        raise UnevaluableError(f"dynamodb:LeadingKeys of table {table}, which no deployed template has")
    return name


def _leading_keys(request: Request, table: str, contents: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    name = _partition_key(request, table)
    places = [content.get("Key") or content.get("Item") for content in contents]
    return tuple(_scalar(place.get(name) if isinstance(place, Mapping) else None) for place in places)


def _queried_key(request: Request, table: str, index: str) -> tuple[str, ...]:
    """The value the partition key is compared with; of an index, whatever is compared for equality."""
    names, values = request.mapping("ExpressionAttributeNames"), request.mapping("ExpressionAttributeValues")
    pairs = _EQUALITY.findall(request.text("KeyConditionExpression"))
    wanted = None if index else _partition_key(request, table)
    found = [values.get(value) for name, value in pairs if wanted in (None, names.get(name, name))]
    if not found:
        raise UnevaluableError("dynamodb:LeadingKeys of this KeyConditionExpression")
    return tuple(_scalar(value) for value in found)


def _scalar(value: Any) -> str:
    """The text of `{"S": …}`, `{"N": …}` or `{"B": …}`."""
    texts = list(value.values()) if isinstance(value, Mapping) else []
    if len(texts) != 1 or not isinstance(texts[0], str):
        raise UnevaluableError("dynamodb:LeadingKeys of a key that is no text, number or binary")
    return texts[0]


def _secret(request: Request) -> list[Need]:
    given = request.text("SecretId")
    arn = request.surroundings.secret_arn(given) if given else None
    if arn is None:
        arn = given if given.startswith("arn:") else request.arn("secretsmanager", f"secret:{given}") if given else "*"
    facts: dict[str, Any] = {"secretsmanager:secretid": arn}
    for name in ("VersionId", "VersionStage"):
        if request.text(name):
            facts[f"secretsmanager:{name.lower()}"] = request.text(name)
    return [request.need(arn, facts=facts)]


def _function(request: Request) -> list[Need]:
    """A qualifier is part of the ARN: a grant on the function alone is none on one of its versions."""
    found = _FUNCTION_PATH.search(request.call.path)
    name = unquote(found[1]) if found else ""
    name = name.rsplit(":function:", 1)[-1]
    parts = name.split(":")
    # `name`, `name:qualifier`, or the partial ARN `account:function:name`, whose front is gone by now
    qualifier = request.call.query.get("Qualifier") or (parts[1] if len(parts) == 2 else "")
    arn = request.arn("lambda", f"function:{parts[0]}")
    full = f"{arn}:{qualifier}" if qualifier else arn
    return [request.need(full, facts={"lambda:functionarn": full})]


def _bucket(request: Request) -> list[Need]:
    return [request.need(f"arn:aws:s3:::{_bucket_name(request)}")]


def _listing(request: Request) -> list[Need]:
    names = ("prefix", "delimiter")
    facts = {f"s3:{name}": request.call.query[name] for name in names if name in request.call.query}
    if "max-keys" in request.call.query:
        facts["s3:max-keys"] = request.call.query["max-keys"]
    return [request.need(f"arn:aws:s3:::{_bucket_name(request)}", facts=facts)]


_OF_A_VERSION = {
    "s3:DeleteObject": "s3:DeleteObjectVersion",
    "s3:DeleteObjectTagging": "s3:DeleteObjectVersionTagging",
    "s3:GetObject": "s3:GetObjectVersion",
    "s3:GetObjectAttributes": "s3:GetObjectVersionAttributes",
    "s3:GetObjectTagging": "s3:GetObjectVersionTagging",
    "s3:PutObjectTagging": "s3:PutObjectVersionTagging",
}
"""The actions of requests that name a version."""


def _object(request: Request) -> list[Need]:
    """The object; setting tags along with it, and reading attributes, need an action of their own."""
    version = request.call.query.get("versionId")
    actions = [_OF_A_VERSION.get(request.action, request.action) if version is not None else request.action]
    if "x-amz-tagging" in request.call.headers:
        actions.append("s3:PutObjectTagging")
    if request.operation == "GetObjectAttributes":
        actions.append("s3:GetObject" if version is None else "s3:GetObjectVersion")
    arn = f"arn:aws:s3:::{request.call.path.removeprefix('/')}"
    facts = {} if version is None else {"s3:versionid": version}
    return [Need(action, arn, facts) for action in actions]


def _copy(request: Request) -> list[Need]:
    """The source is read, tags included where they are copied along, and the target written."""
    source, _, query = request.call.headers.get("x-amz-copy-source", "").partition("?")
    path = unquote(source, errors="surrogateescape").removeprefix("/")
    version = dict(parse_qsl(query)).get("versionId")
    facts = {} if version is None else {"s3:versionid": version}
    read = Need("s3:GetObject" if version is None else "s3:GetObjectVersion", f"arn:aws:s3:::{path}", facts)
    return [read if path else request.need("*"), *_object(request)]


_MAX_OBJECTS = 1000


def _objects(request: Request) -> list[Need]:
    """Every object that a batch deletes."""
    bucket = _bucket_name(request)
    try:
        document = documents.read(request.call.body, "Delete")
        asked = [(item.needed("Key"), item.text("VersionId")) for item in document.all("Object")]
    except ApiError:  # S3 checks who asks before what is asked
        asked = []
    if not 1 <= len(asked) <= _MAX_OBJECTS:
        return [request.need(f"arn:aws:s3:::{bucket}/*")]
    return [
        Need("s3:DeleteObject" if version is None else "s3:DeleteObjectVersion", f"arn:aws:s3:::{bucket}/{key}")
        for key, version in asked
    ]


def _bucket_name(request: Request) -> str:
    return request.call.path.lstrip("/").partition("/")[0]


def _discovery(request: Request) -> list[Need]:
    return [request.need("*", subject=f"{request.text('NamespaceName')}/{request.text('ServiceName')}")]


def _services(request: Request) -> list[Need]:
    """Services of ECS: their ARN begins with the cluster's name."""
    cluster = (request.text("cluster") or "default").rpartition("/")[2]
    given = request.parameters.get("services")
    names = [str(name).rpartition("/")[2] for name in given] if isinstance(given, list) else []
    return [request.need(request.arn("ecs", f"service/{cluster}/{name}")) for name in names or ["*"]]


def _queue(request: Request) -> list[Need]:
    name = request.text("QueueUrl").rstrip("/").rpartition("/")[2]
    return [request.need(request.arn("sqs", name) if name else "*")]


def _event_bus(request: Request) -> list[Need]:
    return [request.need(_bus_arn(request, request.text("Name")))]


def _bus_arn(request: Request, name: str) -> str:
    return name if name.startswith("arn:") else request.arn("events", f"event-bus/{name or 'default'}")


def _event_rule(request: Request) -> list[Need]:
    bus = _bus_arn(request, request.text("EventBusName")).partition(":event-bus/")[2]
    rule = request.text("Name") or request.text("Rule")
    path = rule if bus == "default" else f"{bus}/{rule}"
    return [request.need(request.arn("events", f"rule/{path}") if rule else "*")]


def _put_events(request: Request) -> list[Need]:
    """One need for each bus, with what its entries say of themselves."""
    entries = request.parameters.get("Entries")
    grouped: dict[str, list[Mapping[str, Any]]] = {}
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, Mapping):
            grouped.setdefault(_bus_arn(request, str(entry.get("EventBusName") or "")), []).append(entry)
    if not grouped:
        return [request.need("*")]
    keys = {"events:source": "Source", "events:detail-type": "DetailType"}
    return [
        request.need(arn, facts={key: tuple(str(item.get(name, "")) for item in found) for key, name in keys.items()})
        for arn, found in grouped.items()
    ]


def _distribution(request: Request) -> list[Need]:
    """CloudFront is global: its ARNs name no region."""
    name = request.call.path.partition("/distribution/")[2].partition("/")[0]
    return [request.need(f"arn:aws:cloudfront::{request.surroundings.account}:distribution/{name}")]


def _shard_iterator(request: Request) -> list[Need]:
    """Only the iterator says which stream is read."""
    return [request.need(stream_of_iterator(request.text("ShardIterator")) or "*")]


def _topic(request: Request) -> list[Need]:
    """Publish names its topic in either of two parameters; a telephone number is no resource."""
    return [request.need(request.text("TopicArn") or request.text("TargetArn") or "*")]


def _subscription(request: Request) -> list[Need]:
    """Subscriptions are no resource type of SNS: their actions are about the topic, whose ARN begins theirs."""
    arn = request.text("SubscriptionArn")
    return [request.need(arn.rpartition(":")[0] if arn.count(":") == 6 else "*")]


def _parameter(request: Request) -> list[Need]:
    name = next((text for key in ("Name", "Path", "ResourceId") if (text := request.text(key))), "")
    return [request.need(_parameter_arn(request, name))]


def _parameters(request: Request) -> list[Need]:
    names = request.parameters.get("Names")
    found = [str(name) for name in names] if isinstance(names, list) else []
    return [request.need(_parameter_arn(request, name)) for name in found or [""]]


def _parameter_arn(request: Request, name: str) -> str:
    """`/a/b:3` is version 3 of `/a/b`, whose ARN is `parameter/a/b`."""
    if name.startswith("arn:"):
        return ":".join(name.split(":")[:6])
    plain = name.partition(":")[0].strip("/")
    return request.arn("ssm", f"parameter/{plain}") if plain else "*"


def _hosted_zone(request: Request) -> list[Need]:
    found = re.search(r"/hostedzone/([^/]+)", request.call.path)
    return [request.need(f"arn:aws:route53:::hostedzone/{found[1]}" if found else "*")]


def _stack(request: Request) -> list[Need]:
    """A stack by name or id, and what the call makes CloudFormation do at once: read a template, take a role."""
    given = request.text("StackName")
    if not given and request.operation == "DescribeStacks":
        return [request.need("*"), Need("cloudformation:ListStacks", "*")]
    given = given or "*"
    found = [request.need(given if given.startswith("arn:") else request.arn("cloudformation", f"stack/{given}/*"))]
    role, url = request.text("RoleARN"), request.text("TemplateURL")
    if role:
        found.append(Need("iam:PassRole", role, {"iam:passedtoservice": "cloudformation.amazonaws.com"}))
    if url:
        found.append(_template_need(url))
    return found


def _refactor(request: Request) -> list[Need]:
    """Every stack that a stack refactor is to change, and the templates it reads."""
    found: list[Need] = []
    for name, value in request.parameters.items():
        if re.fullmatch(r"StackDefinitions\.member\.\d+\.StackName", name):
            stack = str(value)
            arn = stack if stack.startswith("arn:") else request.arn("cloudformation", f"stack/{stack}/*")
            found.append(request.need(arn))
        elif re.fullmatch(r"StackDefinitions\.member\.\d+\.TemplateURL", name):
            found.append(_template_need(str(value)))
    return found or [request.need("*")]


def _template_need(url: str) -> Need:
    return Need("s3:GetObject", f"arn:aws:s3:::{unquote(url.split('://', 1)[-1].partition('/')[2])}")


RESOLVERS: Mapping[str, Callable[[Request], list[Need]]] = {
    "batch": _batch,
    "bucket": _bucket,
    "copy": _copy,
    "discovery": _discovery,
    "event_bus": _event_bus,
    "event_rule": _event_rule,
    "distribution": _distribution,
    "function": _function,
    "hosted_zone": _hosted_zone,
    "item": _item,
    "listing": _listing,
    "object": _object,
    "objects": _objects,
    "parameter": _parameter,
    "parameters": _parameters,
    "put_events": _put_events,
    "refactor": _refactor,
    "query": _query,
    "queue": _queue,
    "services": _services,
    "secret": _secret,
    "shard_iterator": _shard_iterator,
    "stack": _stack,
    "subscription": _subscription,
    "table": _table,
    "topic": _topic,
    "transaction": _transaction,
}
"""By the names `operations.toml` uses."""


def constructs_arn(resource: str) -> Iterator[str]:
    """The ARN itself and those of what it is a part of: the table of an index or stream, the bucket of an object."""
    yield resource
    for part in ("/index/", "/stream/"):
        if part in resource:
            yield resource.partition(part)[0]
    if resource.startswith("arn:aws:s3:::"):
        yield resource.partition("/")[0]
    if resource.count(":") == 7:  # a qualified function
        yield resource.rpartition(":")[0]
