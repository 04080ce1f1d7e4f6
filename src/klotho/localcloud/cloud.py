"""Everything a handler, a plane or a service may need, put together once by the supervisor."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from klotho.localcloud.identity import ACCOUNT
from klotho.localcloud.swapped import Swapped

if TYPE_CHECKING:
    from klotho.localcloud.credentials import Credentials
    from klotho.localcloud.database import Database
    from klotho.localcloud.logs import Logs
    from klotho.localcloud.permissions.evaluate import Decision, Need
    from klotho.localcloud.planes.balancers import Balancers
    from klotho.localcloud.planes.cdn import Cdn
    from klotho.localcloud.planes.containers import Containers
    from klotho.localcloud.planes.events import Events
    from klotho.localcloud.planes.function_urls import FunctionUrls
    from klotho.localcloud.planes.functions import Functions
    from klotho.localcloud.planes.gateway import Gateway
    from klotho.localcloud.planes.gateway.domains import Domains
    from klotho.localcloud.planes.kubernetes import Clusters
    from klotho.localcloud.planes.mysql import MySqlServers
    from klotho.localcloud.planes.postgres import PostgresServers
    from klotho.localcloud.planes.queue_events import QueueEvents
    from klotho.localcloud.planes.redis import RedisServers
    from klotho.localcloud.planes.schedules import Schedules
    from klotho.localcloud.planes.table_events import TableEvents
    from klotho.localcloud.ports import Ports
    from klotho.localcloud.services.acm import Certificates
    from klotho.localcloud.services.cognito import UserPools
    from klotho.localcloud.services.custom_resources import CustomResources
    from klotho.localcloud.services.dynamodb import DynamoDb
    from klotho.localcloud.services.object_store import ObjectStore
    from klotho.localcloud.services.s3 import S3Service
    from klotho.localcloud.services.secretsmanager import SecretsManager
    from klotho.localcloud.services.sns import Sns
    from klotho.localcloud.services.sqs import Sqs
    from klotho.localcloud.services.ssm import Parameters
    from klotho.localcloud.world import World


async def _nothing_to_do(tags: Mapping[str, str]) -> None:
    """Where nobody keeps applications apart."""


def _nobody_may(role_arn: str, need: Need) -> Decision:
    """Where nobody evaluates policies."""
    from klotho.localcloud.permissions.evaluate import Decision

    return Decision(False, "because nothing evaluates policies here")


@dataclass(slots=True)
class Cloud:
    """The parts of one running local cloud (one project, one environment)."""

    project: str
    environment: str
    region: str
    state: Path
    """The folder under the XDG state folder that belongs to this project and environment."""
    endpoint_url: str
    """`http://127.0.0.1:<port>`: what compute units get as AWS_ENDPOINT_URL."""
    database: Database
    world: World
    ports: Ports
    logs: Logs
    credentials: Credentials
    objects: ObjectStore
    account: str = ACCOUNT
    deploying: Callable[[Mapping[str, str]], Awaitable[None]] = _nothing_to_do
    """Told the stack's tags before a stack is created or changed: a stopped application runs again from then on."""
    decide: Callable[[str, Need], Decision] = _nobody_may
    """Whether a role (its ARN) is granted a permission by what is deployed now."""
    swapped: Swapped = field(default_factory=Swapped)
    """What runs other code than what is deployed."""

    # The planes, which need the cloud to be made: set by the supervisor, or by a test that needs only some of them.
    secrets: SecretsManager = field(init=False)
    parameters: Parameters = field(init=False)
    tables: DynamoDb = field(init=False)
    queues: Sqs = field(init=False)
    user_pools: UserPools = field(init=False)
    topics: Sns = field(init=False)
    buckets: S3Service = field(init=False)
    postgres: PostgresServers = field(init=False)
    mysql: MySqlServers = field(init=False)
    redis: RedisServers = field(init=False)
    functions: Functions = field(init=False)
    containers: Containers = field(init=False)
    clusters: Clusters = field(init=False)
    gateway: Gateway = field(init=False)
    cdn: Cdn = field(init=False)
    certificates: Certificates = field(init=False)
    domains: Domains = field(init=False)
    balancers: Balancers = field(init=False)
    function_urls: FunctionUrls = field(init=False)
    schedules: Schedules = field(init=False)
    queue_events: QueueEvents = field(init=False)
    table_events: TableEvents = field(init=False)
    custom_resources: CustomResources = field(init=False)
    events: Events = field(init=False)
