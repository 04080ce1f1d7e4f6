"""What is put on the base of a local cloud: its planes, handlers, services and CloudFormation engine.

Input: a `Cloud` without its planes. Output: `Parts`, the planes set on the cloud. Refuses nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from klotho.localcloud.cloud import Cloud
from klotho.localcloud.endpoint import Answers, Browser
from klotho.localcloud.handler import Handler
from klotho.localcloud.service import Service
from klotho.localcloud.status import UnitStatus

if TYPE_CHECKING:
    from klotho.localcloud.cloudformation.engine import Engine as CloudFormationEngine


class Plane(Protocol):
    """A part of the cloud that runs something."""

    async def start(self) -> None: ...
    async def stop(self) -> None: ...


@runtime_checkable
class Reports(Protocol):
    """A plane whose parts are shown by `klotho status`."""

    def status(self) -> list[UnitStatus]: ...


class Engine(Protocol):
    """What the supervisor needs of the CloudFormation engine."""

    async def recover(self) -> object:
        """Carry on what a crash interrupted, in the background."""

    async def close(self) -> None:
        """Stop at once; `recover` carries on the next time."""

    async def settle_application(self, name: str) -> None:
        """Wait until no operation on a stack of this application runs."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What is put on the cloud's base: replaced by small ones in tests of the frame."""

    planes: Mapping[str, Plane]
    """By field name of `Cloud`, in the order they start; they stop in the opposite order."""
    handlers: Mapping[str, Handler]
    engine: Engine
    services: Sequence[Service]
    answers: tuple[str, Answers] | None = None
    """Where functions of custom resources answer."""
    browser: Browser | None = None
    """What web pages may ask of the endpoint."""


Assemble = Callable[[Cloud], Parts]


def assemble(cloud: Cloud) -> Parts:
    """The real parts. Imported here so that a refusal at start costs no import of all planes."""
    from klotho.localcloud.cloudformation.engine import Engine as CloudFormationEngine
    from klotho.localcloud.handlers import build_handlers
    from klotho.localcloud.services.custom_resources import PREFIX

    planes = _planes(cloud)
    for name, plane in planes.items():
        setattr(cloud, name, plane)
    handlers = build_handlers(cloud)
    engine = CloudFormationEngine(cloud, handlers)
    return Parts(
        planes=planes,
        handlers=handlers,
        engine=engine,
        services=_services(cloud, engine, handlers),
        answers=(PREFIX, cloud.custom_resources.respond),
        browser=cloud.buckets.browser,
    )


def _planes(cloud: Cloud) -> dict[str, Plane]:
    """What runs something, by field name of `Cloud`."""
    from klotho.localcloud.planes.balancers import Balancers
    from klotho.localcloud.planes.cdn import Cdn
    from klotho.localcloud.planes.containers import Containers
    from klotho.localcloud.planes.events import Events
    from klotho.localcloud.planes.function_urls import FunctionUrls
    from klotho.localcloud.planes.functions import Functions
    from klotho.localcloud.planes.gateway import Domains, Gateway
    from klotho.localcloud.planes.kubernetes import Clusters
    from klotho.localcloud.planes.mysql import MySqlServers
    from klotho.localcloud.planes.postgres import PostgresServers
    from klotho.localcloud.planes.queue_events import QueueEvents
    from klotho.localcloud.planes.redis import RedisServers
    from klotho.localcloud.planes.schedules import Schedules
    from klotho.localcloud.planes.table_events import TableEvents
    from klotho.localcloud.services.acm import Certificates
    from klotho.localcloud.services.cognito import UserPools
    from klotho.localcloud.services.custom_resources import CustomResources
    from klotho.localcloud.services.dynamodb import DynamoDb
    from klotho.localcloud.services.s3 import S3Service
    from klotho.localcloud.services.sns import Sns
    from klotho.localcloud.services.sqs import Sqs

    # In the order they start: what is used before what uses it.
    return {
        "tables": DynamoDb(cloud.state, cloud.region, cloud.account),
        "queues": Sqs(cloud.state, cloud.region, cloud.account, cloud.endpoint_url),
        "buckets": S3Service(cloud.objects, cloud.account, cloud.region, lambda *event: cloud.events.put(*event)),
        "user_pools": UserPools(cloud),
        "postgres": PostgresServers(cloud),
        "mysql": MySqlServers(cloud),
        "redis": RedisServers(cloud),
        "functions": Functions(cloud),
        "custom_resources": CustomResources(cloud),
        "topics": Sns(cloud),
        "containers": Containers(cloud),
        "clusters": Clusters(cloud),
        "gateway": Gateway(cloud),
        "balancers": Balancers(cloud),
        "function_urls": FunctionUrls(cloud),
        "cdn": Cdn(cloud),
        "certificates": Certificates(cloud.database, cloud.world, cloud.state, cloud.region, cloud.account),
        "domains": Domains(cloud),
        "queue_events": QueueEvents(cloud),
        "table_events": TableEvents(cloud),
        "schedules": Schedules(cloud),
        "events": Events(cloud),
    }


def _services(cloud: Cloud, engine: CloudFormationEngine, handlers: Mapping[str, Handler]) -> tuple[Service, ...]:
    """The AWS APIs that the endpoint serves."""
    from klotho.localcloud.cloudformation.service import CloudFormationService
    from klotho.localcloud.services.acm import AcmService
    from klotho.localcloud.services.cloud_control import CloudControlService
    from klotho.localcloud.services.cloudfront import CloudFrontService
    from klotho.localcloud.services.ecs import EcsService
    from klotho.localcloud.services.events import EventsService
    from klotho.localcloud.services.lambda_ import LambdaService
    from klotho.localcloud.services.logs import LogsService
    from klotho.localcloud.services.route53 import Records, Route53Service
    from klotho.localcloud.services.secretsmanager_api import SecretsManagerService
    from klotho.localcloud.services.service_discovery import ServiceDiscoveryService
    from klotho.localcloud.services.ssm import SsmService
    from klotho.localcloud.services.sts import StsService
    from klotho.localcloud.services.tagging import TaggingService

    return (
        AcmService(cloud.certificates),
        CloudControlService(cloud, handlers, engine.rights),
        CloudFormationService(engine),
        CloudFrontService(cloud.cdn, cloud.world, cloud.account),
        cloud.tables,
        EcsService(cloud.world, cloud.containers),
        EventsService(cloud),
        LambdaService(cloud),
        LogsService(cloud.logs, cloud.world, cloud.region, cloud.account),
        Route53Service(Records(cloud.database)),
        cloud.buckets,
        SecretsManagerService(cloud.secrets),
        ServiceDiscoveryService(cloud.containers),
        cloud.topics,
        cloud.queues,
        SsmService(cloud.parameters, cloud.account),
        StsService(cloud.account, cloud.world, cloud.credentials),
        TaggingService(cloud.world, handlers, cloud.region, cloud.account),
        cloud.user_pools,
    )
