"""What a resource costs, one small rule a type: how much of which item of the price table.

Add one for a type: a function that yields charges, and its line in `RULES`; or a line in `free.toml` with the reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from klotho.catalogue.costs import kubernetes
from klotho.catalogue.costs.database_rules import cluster as database_cluster
from klotho.catalogue.costs.database_rules import member, provisioned_table, table_scaling
from klotho.catalogue.costs.model import HOURS, ZERO, Charge, Range, Rule, Sight
from klotho.catalogue.costs.model import number as _number
from klotho.resources import Resource

KB_A_REQUEST, KB_LOGGED = 10, 1
GB = 1_000_000
"""In KB."""
FAILED_SHARE = 0.01
REQUESTS = "requests_per_month"
STORAGE = "storage_gb"
ALL_MONTH = "running all month"
SPOT = Range(0.3, 0.35, 1)
"""Of the price on demand: Fargate Spot is "up to 70 %" cheaper (aws.amazon.com/fargate/pricing), as supply has it."""
_DATA = f"{KB_A_REQUEST} KB go each way with a request"
_READ_AND_WRITE = "a request reads once and writes once"


def _hours(count: float = 1) -> Range:
    return Range.fixed(HOURS * count)


def _passed(sight: Sight) -> Range:
    """GB."""
    return sight.usage.requests.times(KB_A_REQUEST / GB)


def nat_gateway(resource: Resource, sight: Sight) -> Iterator[Charge]:
    yield Charge("nat-gateway-hour", _hours(), ALL_MONTH)
    yield Charge("nat-gateway-gb", _passed(sight), "what passes it", (REQUESTS,), _DATA)


def network(resource: Resource, sight: Sight) -> Iterator[Charge]:
    """Networks are free; having all that goes through one encrypted is not."""
    if resource.properties.get("VpcEncryptionControl"):
        yield Charge("vpc-encryption-hour", _hours(), "encryption in transit all month")


def address(resource: Resource, sight: Sight) -> Iterator[Charge]:
    yield Charge("public-ipv4-hour", _hours(), "a public address all month")


def endpoint(resource: Resource, sight: Sight) -> Iterator[Charge]:
    """Gateway endpoints are free."""
    if resource.properties.get("VpcEndpointType") != "Interface":
        return
    zones = len(resource.properties.get("SubnetIds") or [1])
    yield Charge("interface-endpoint-hour", _hours(zones), f"{ALL_MONTH}, zones: {zones}")
    yield Charge("interface-endpoint-gb", _passed(sight), "what passes it", (REQUESTS,), _DATA)


def load_balancer(resource: Resource, sight: Sight) -> Iterator[Charge]:
    kind = "nlb" if resource.properties.get("Type") == "network" else "alb"
    yield Charge(f"{kind}-hour", _hours(), ALL_MONTH)
    yield Charge(f"{kind}-lcu-hour", _passed(sight), "what passes it", (REQUESTS,), f"{_DATA}; an LCU is 1 GB an hour")
    if resource.properties.get("Scheme") != "internal":
        zones = len(resource.properties.get("Subnets") or resource.properties.get("SubnetMappings") or [1])
        yield Charge("public-ipv4-hour", _hours(zones), f"public addresses, zones: {zones}")


def task(definition: Resource | None, count: Range, what: str) -> Iterator[Charge]:
    """Running tasks of a definition. Its `Cpu` is in 1024ths of a vCPU, its `Memory` in MiB."""
    if definition is None:
        yield Charge("fargate-task-of-unknown-size", count, what)
        return
    properties = definition.properties
    platform = properties.get("RuntimePlatform")
    arm = isinstance(platform, Mapping) and platform.get("CpuArchitecture") == "ARM64"
    kind = "arm" if arm else "x86"
    hours = count.times(HOURS)
    cpu, memory = _number(properties.get("Cpu"), 256) / 1024, _number(properties.get("Memory"), 512) / 1024
    yield Charge(f"fargate-{kind}-vcpu-hour", hours.times(cpu), f"{what}, {cpu:g} vCPU each")
    yield Charge(f"fargate-{kind}-gb-hour", hours.times(memory), f"{what}, {memory:g} GB each")
    storage = properties.get("EphemeralStorage")
    more = _number(storage.get("SizeInGiB"), 20) - 20 if isinstance(storage, Mapping) else 0
    if more > 0:
        yield Charge("fargate-storage-gb-hour", hours.times(more), f"{what}, {more:g} GB of disk beyond 20")


def service(resource: Resource, sight: Sight) -> Iterator[Charge]:
    count = _number(resource.properties.get("DesiredCount"), 1)
    what = f"tasks all month: {count:g}"
    strategy = resource.properties.get("CapacityProviderStrategy") or []
    if resource.properties.get("LaunchType") == "EC2":
        yield Charge("ec2-capacity", Range.fixed(count), what)
    elif any(item.get("CapacityProvider") == "FARGATE_SPOT" for item in strategy if isinstance(item, Mapping)):
        definition = sight.named_in(resource.properties.get("TaskDefinition"), "AWS::ECS::TaskDefinition")
        yield from task(definition, SPOT.times(count), f"{what}, on spare capacity")
    else:
        definition = sight.named_in(resource.properties.get("TaskDefinition"), "AWS::ECS::TaskDefinition")
        yield from task(definition, Range.fixed(count), what)


def scaling(resource: Resource, sight: Sight) -> Iterator[Charge]:
    """What may run besides what always does."""
    if resource.properties.get("ServiceNamespace") == "dynamodb":
        yield from table_scaling(resource, sight)
        return
    found = sight.named_in(resource.properties.get("ResourceId"), "AWS::ECS::Service")
    if found is None:
        yield Charge("scaling-of-unknown-target", ZERO, "what is started besides")
        return
    most = _number(resource.properties.get("MaxCapacity"), 1)
    extra = max(0.0, most - _number(found.properties.get("DesiredCount"), 1))
    definition = sight.named_in(found.properties.get("TaskDefinition"), "AWS::ECS::TaskDefinition")
    yield from task(definition, Range(0, 0, extra), f"at most {extra:g} more tasks")


def cluster(resource: Resource, sight: Sight) -> Iterator[Charge]:
    """Clusters are free; watching them is not."""
    settings = resource.properties.get("ClusterSettings") or []
    if any(item.get("Value") in ("enabled", "enhanced") for item in settings if isinstance(item, Mapping)):
        yield Charge("container-insights-metrics", Range.fixed(1), "metrics of Container Insights")


def function(resource: Resource, sight: Sight) -> Iterator[Charge]:
    """Klotho's own beside a database or for a cluster is called by deployments only."""
    if sight.owner.startswith("Databases.") or sight.owner == "application":
        return
    requests, properties = sight.usage.requests, resource.properties
    memory = _number(properties.get("MemorySize"), 128) / 1024
    arm = properties.get("Architectures") == ["arm64"]
    seconds = requests.times(sight.usage.seconds).times(memory)
    yield Charge("lambda-request", requests, "calls", (REQUESTS,))
    disk = properties.get("EphemeralStorage")
    if isinstance(disk, Mapping) and _number(disk.get("Size"), 512) > 512:
        yield Charge("lambda-disk-gb-second", ZERO, "disk beyond 512 MB", (REQUESTS,))
    known = arm or properties.get("Architectures") in (None, ["x86_64"])
    yield Charge(
        f"lambda-{'arm' if arm else 'x86'}-gb-second",
        seconds,
        f"time at {memory:g} GB",
        (REQUESTS, "average_ms"),
        "" if known else "functions run on x86 where building them decides the processor; ARM is a fifth cheaper",
    )


def api(resource: Resource, sight: Sight) -> Iterator[Charge]:
    item = "websocket-api-message" if resource.properties.get("ProtocolType") == "WEBSOCKET" else "http-api-request"
    yield Charge(item, sight.usage.requests, "requests", (REQUESTS,))


def database(resource: Resource, sight: Sight) -> Iterator[Charge]:
    properties = resource.properties
    if "DBClusterIdentifier" in properties:
        yield from member(resource, sight)
        return
    several = properties.get("MultiAZ") is True
    kind = f"{properties.get('Engine')}-{properties.get('DBInstanceClass')}{'-multi-az' if several else ''}"
    yield Charge(f"rds-{kind}-hour", _hours(), f"{properties.get('DBInstanceClass')} {ALL_MONTH}")
    size = sight.usage.storage_gb.at_least(_number(properties.get("AllocatedStorage"), 20))
    kind = properties.get("StorageType", "gp3")
    disk = "rds-storage" if kind in ("gp2", "gp3") else f"rds-storage-{kind}"
    storage = f"{disk}-multi-az-gb" if several else f"{disk}-gb"
    yield Charge(storage, size, "disk", (STORAGE,), "backups are no larger than the database, and so are free")
    if properties.get("ManageMasterUserPassword") is True:
        yield Charge("secret-month", Range.fixed(1), "the secret of its administrator")


def cache(resource: Resource, sight: Sight) -> Iterator[Charge]:
    properties = resource.properties
    shards = _number(properties.get("NumNodeGroups"), 1)
    nodes = _number(properties.get("NumCacheClusters"), 0) or shards * (
        1 + _number(properties.get("ReplicasPerNodeGroup"), 0)
    )
    kind = f"{properties.get('Engine', 'redis')}-{properties.get('CacheNodeType')}"
    yield Charge(f"elasticache-{kind}-hour", _hours(nodes), f"nodes all month: {nodes:g}")


def table(resource: Resource, sight: Sight) -> Iterator[Charge]:
    if resource.properties.get("BillingMode") != "PAY_PER_REQUEST":
        yield from provisioned_table(resource)
    else:
        yield from _requests_of(resource, sight)
    storage, indexes = sight.usage.storage_gb, len(resource.properties.get("GlobalSecondaryIndexes") or [])
    yield Charge("dynamodb-storage-gb", storage.times(1 + indexes), "what is kept", (STORAGE,))
    recovery = resource.properties.get("PointInTimeRecoverySpecification")
    if isinstance(recovery, Mapping) and recovery.get("PointInTimeRecoveryEnabled") is True:
        yield Charge("dynamodb-backup-gb", storage, "recovery to any second", (STORAGE,))


def _requests_of(resource: Resource, sight: Sight) -> Iterator[Charge]:
    requests = sight.usage.requests
    indexes = len(resource.properties.get("GlobalSecondaryIndexes") or [])
    written = f"writes, each also to indexes: {indexes}" if indexes else "writes"
    yield Charge("dynamodb-write", requests.times(1 + indexes), written, (REQUESTS,), _READ_AND_WRITE)
    yield Charge("dynamodb-read", requests, "reads", (REQUESTS,), _READ_AND_WRITE)


def bucket(resource: Resource, sight: Sight) -> Iterator[Charge]:
    """Files of a site are written by deployments only."""
    requests = sight.usage.requests
    yield Charge("s3-storage-gb", sight.usage.storage_gb, "what is kept", (STORAGE,), "one version of each object")
    if not sight.owner.startswith("Site/"):
        yield Charge("s3-write", requests, "writes", (REQUESTS,), _READ_AND_WRITE)
    yield Charge("s3-read", requests, "reads", (REQUESTS,), _READ_AND_WRITE)


def distribution(resource: Resource, sight: Sight) -> Iterator[Charge]:
    yield Charge("cloudfront-request", sight.usage.requests, "requests", (REQUESTS,))
    yield Charge("cloudfront-gb", _passed(sight), "what is delivered", (REQUESTS,), _DATA)


def edge_function(resource: Resource, sight: Sight) -> Iterator[Charge]:
    yield Charge("cloudfront-function-call", sight.usage.requests, "calls", (REQUESTS,))


def queue(resource: Resource, sight: Sight) -> Iterator[Charge]:
    item = "sqs-fifo-request" if resource.properties.get("FifoQueue") is True else "sqs-request"
    messages, assumes = sight.usage.requests, "a message is sent, received and deleted once"
    if "RedriveAllowPolicy" in resource.properties:  # it takes what others failed on
        messages, assumes = messages.times(FAILED_SHARE), f"{FAILED_SHARE:.0%} of all messages fail"
    yield Charge(item, messages.times(3), "messages", (REQUESTS,), assumes)


def topic(resource: Resource, sight: Sight) -> Iterator[Charge]:
    item = "sns-fifo-publish" if resource.properties.get("FifoTopic") is True else "sns-publish"
    yield Charge(item, sight.usage.requests, "what is published", (REQUESTS,))


def event_bus(resource: Resource, sight: Sight) -> Iterator[Charge]:
    yield Charge("eventbridge-event", sight.usage.requests, "events", (REQUESTS,))


def schedule(resource: Resource, sight: Sight) -> Iterator[Charge]:
    yield Charge("scheduler-call", Range(1, HOURS, HOURS * 60), "calls", (), "a schedule goes off once an hour")


def log_group(resource: Resource, sight: Sight) -> Iterator[Charge]:
    written = sight.usage.requests.times(KB_LOGGED / GB)
    months = _number(resource.properties.get("RetentionInDays"), 365) / 30
    assumes = f"{KB_LOGGED} KB is logged with a request"
    yield Charge("logs-ingested-gb", written, "what is logged", (REQUESTS,), assumes)
    yield Charge("logs-stored-gb", written.times(months), f"what is kept for {months:.2g} months", (REQUESTS,), assumes)


def alarm(resource: Resource, sight: Sight) -> Iterator[Charge]:
    metrics = resource.properties.get("Metrics") or []
    watched = sum(1 for item in metrics if isinstance(item, Mapping) and "MetricStat" in item) or 1
    yield Charge("alarm-month", Range.fixed(watched), f"metrics watched: {watched}")


def secret(resource: Resource, sight: Sight) -> Iterator[Charge]:
    yield Charge("secret-month", Range.fixed(1), "kept all month", (), "secrets are read when code starts: a few cents")


def key(resource: Resource, sight: Sight) -> Iterator[Charge]:
    yield Charge("kms-key-month", Range.fixed(1), "kept all month")


def namespace(resource: Resource, sight: Sight) -> Iterator[Charge]:
    yield Charge("hosted-zone-month", Range.fixed(1), "its hosted zone")


def record(resource: Resource, sight: Sight) -> Iterator[Charge]:
    """Questions for aliases of AWS's own are free."""
    if "AliasTarget" not in resource.properties:
        yield Charge("dns-query", sight.usage.requests, "questions", (REQUESTS,))


def image_repository(resource: Resource, sight: Sight) -> Iterator[Charge]:
    yield Charge("ecr-storage-gb", sight.usage.storage_gb, "images", (STORAGE,))


def user_pool(resource: Resource, sight: Sight) -> Iterator[Charge]:
    yield Charge("cognito-user", ZERO, "users beyond 10,000", (), "at most 10,000 users a month sign in: they are free")


def parameter(resource: Resource, sight: Sight) -> Iterator[Charge]:
    """Standard ones are free."""
    if resource.properties.get("Tier") == "Advanced":
        yield Charge("parameter-advanced-month", Range.fixed(1), "kept all month")


RULES: Mapping[str, Rule] = {
    "AWS::ApiGatewayV2::Api": api,
    "AWS::ApplicationAutoScaling::ScalableTarget": scaling,
    "AWS::CloudFront::Distribution": distribution,
    "AWS::CloudFront::Function": edge_function,
    "AWS::CloudWatch::Alarm": alarm,
    "AWS::Cognito::UserPool": user_pool,
    "AWS::DynamoDB::Table": table,
    "AWS::EC2::EIP": address,
    "AWS::EC2::NatGateway": nat_gateway,
    "AWS::EC2::VPC": network,
    "AWS::EC2::VPCEndpoint": endpoint,
    "AWS::ECR::Repository": image_repository,
    "AWS::ECS::Cluster": cluster,
    "AWS::ECS::Service": service,
    "AWS::EKS::Addon": kubernetes.addon,
    "AWS::EKS::Cluster": kubernetes.cluster,
    "AWS::ElastiCache::ReplicationGroup": cache,
    "AWS::ElasticLoadBalancingV2::LoadBalancer": load_balancer,
    "AWS::Events::EventBus": event_bus,
    "AWS::KMS::Key": key,
    "AWS::Lambda::Function": function,
    "AWS::Logs::LogGroup": log_group,
    "AWS::RDS::DBCluster": database_cluster,
    "AWS::RDS::DBInstance": database,
    "AWS::Route53::RecordSet": record,
    "AWS::S3::Bucket": bucket,
    "AWS::SNS::Topic": topic,
    "AWS::SQS::Queue": queue,
    "AWS::SSM::Parameter": parameter,
    "AWS::Scheduler::Schedule": schedule,
    "AWS::SecretsManager::Secret": secret,
    "AWS::ServiceDiscovery::PrivateDnsNamespace": namespace,
    "Custom::KubernetesObjects": kubernetes.objects,
}
