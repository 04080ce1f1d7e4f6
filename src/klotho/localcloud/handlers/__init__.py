"""The registry: every resource type the local cloud carries, and the handler of each.

A type that is not listed is refused by name before an operation starts. Active types are listed literally; passive
ones are the table in `passive.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from klotho.localcloud.handler import Handler
from klotho.localcloud.handlers.certificate import CertificateHandler
from klotho.localcloud.handlers.cloudfront import (
    CachePolicy,
    CloudFrontFunction,
    Distribution,
    OriginAccessControl,
    ResponseHeadersPolicy,
)
from klotho.localcloud.handlers.cognito import UserPoolClientHandler, UserPoolGroupHandler, UserPoolHandler
from klotho.localcloud.handlers.custom_resource import CustomResource
from klotho.localcloud.handlers.db_cluster import DbCluster
from klotho.localcloud.handlers.db_instance import DbInstance
from klotho.localcloud.handlers.domain_name import ApiMapping, DomainName
from klotho.localcloud.handlers.dynamodb_table import DynamoDbTable
from klotho.localcloud.handlers.ecs_service import EcsService
from klotho.localcloud.handlers.ecs_task_definition import EcsTaskDefinition
from klotho.localcloud.handlers.eks_cluster import EksCluster
from klotho.localcloud.handlers.elasticache import CacheUser, CacheUserGroup, ReplicationGroup
from klotho.localcloud.handlers.event_source_mapping import EventSourceMapping
from klotho.localcloud.handlers.events_rule import EventBus, EventsRule
from klotho.localcloud.handlers.generic import handler_class
from klotho.localcloud.handlers.http_api import HttpApi, HttpAuthorizer, HttpIntegration, HttpRoute, HttpStage
from klotho.localcloud.handlers.lambda_function import LambdaFunction
from klotho.localcloud.handlers.lambda_layer import LayerVersion
from klotho.localcloud.handlers.lambda_url import FunctionUrl
from klotho.localcloud.handlers.load_balancing import BalancerListener, ListenerRule, LoadBalancer, TargetGroup
from klotho.localcloud.handlers.passive import PASSIVE
from klotho.localcloud.handlers.s3_bucket import S3Bucket, S3BucketPolicy
from klotho.localcloud.handlers.schedule import ScheduleHandler
from klotho.localcloud.handlers.secret import SecretHandler
from klotho.localcloud.handlers.service_discovery import DiscoveryService, HttpNamespace, PrivateDnsNamespace
from klotho.localcloud.handlers.sns_subscription import SnsSubscription
from klotho.localcloud.handlers.sns_topic import SnsTopic
from klotho.localcloud.handlers.sqs_queue import SqsQueue
from klotho.localcloud.handlers.sqs_queue_policy import SqsQueueInlinePolicy, SqsQueuePolicy
from klotho.localcloud.handlers.ssm_parameter import SsmParameter
from klotho.localcloud.registry import Registry

if TYPE_CHECKING:
    from klotho.localcloud.cloud import Cloud

ACTIVE: tuple[type[Handler], ...] = (
    ApiMapping,
    BalancerListener,
    CachePolicy,
    CacheUser,
    CacheUserGroup,
    CertificateHandler,
    CloudFrontFunction,
    CustomResource,
    DbCluster,
    DbInstance,
    DiscoveryService,
    Distribution,
    DomainName,
    DynamoDbTable,
    EcsService,
    EcsTaskDefinition,
    EksCluster,
    EventBus,
    EventSourceMapping,
    EventsRule,
    HttpApi,
    HttpAuthorizer,
    HttpIntegration,
    HttpNamespace,
    HttpRoute,
    HttpStage,
    FunctionUrl,
    LambdaFunction,
    LayerVersion,
    ListenerRule,
    LoadBalancer,
    OriginAccessControl,
    PrivateDnsNamespace,
    ResponseHeadersPolicy,
    S3Bucket,
    S3BucketPolicy,
    ReplicationGroup,
    ScheduleHandler,
    SecretHandler,
    SnsSubscription,
    SnsTopic,
    SqsQueue,
    UserPoolClientHandler,
    UserPoolGroupHandler,
    UserPoolHandler,
    SqsQueueInlinePolicy,
    SqsQueuePolicy,
    SsmParameter,
    TargetGroup,
)


def handler_classes() -> tuple[type[Handler], ...]:
    """One class per type; a type listed twice is a mistake of ours and stops the start."""
    classes = (*ACTIVE, *(handler_class(passive) for passive in PASSIVE))
    names = [item.type_name for item in classes]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"resource types with two handlers: {', '.join(twice)}")
    return classes


def build_handlers(cloud: Cloud) -> Mapping[str, Handler]:
    """The handlers of one local cloud, by type name."""
    return Registry({item.type_name: item(cloud) for item in handler_classes()})
