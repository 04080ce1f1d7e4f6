"""What each construct can become: the candidates of every kind, in order of preference."""

from __future__ import annotations

from klotho.application import Construct
from klotho.catalogue.kinds.aurora import AURORA, AURORA_MYSQL, AURORA_SERVERLESS, AURORA_SERVERLESS_MYSQL
from klotho.catalogue.kinds.bucket import S3
from klotho.catalogue.kinds.container import FARGATE, FARGATE_SPOT
from klotho.catalogue.kinds.container_eks import EKS_CONTAINER
from klotho.catalogue.kinds.container_lambda import LAMBDA_CONTAINER
from klotho.catalogue.kinds.domain import ROUTE53
from klotho.catalogue.kinds.function import LAMBDA, LAMBDA_IMAGE, LAMBDA_LAYER
from klotho.catalogue.kinds.function_fargate import FUNCTION_ON_FARGATE
from klotho.catalogue.kinds.function_url import FUNCTION_URL
from klotho.catalogue.kinds.http_api import HTTP_API
from klotho.catalogue.kinds.internal_alb import INTERNAL_ALB
from klotho.catalogue.kinds.keyvalue import DYNAMODB
from klotho.catalogue.kinds.mysql import MYSQL
from klotho.catalogue.kinds.network import VPC_NETWORK
from klotho.catalogue.kinds.oidc import OIDC
from klotho.catalogue.kinds.postgres import RDS
from klotho.catalogue.kinds.provisioned_table import DYNAMODB_PROVISIONED
from klotho.catalogue.kinds.public_alb import PUBLIC_ALB
from klotho.catalogue.kinds.queue import SQS
from klotho.catalogue.kinds.redis import REDIS
from klotho.catalogue.kinds.schedule import EVENTBRIDGE_SCHEDULER
from klotho.catalogue.kinds.secret import SECRETS_MANAGER
from klotho.catalogue.kinds.site import CLOUDFRONT
from klotho.catalogue.kinds.topic import SNS
from klotho.catalogue.kinds.user_pool import COGNITO
from klotho.catalogue.rules import Implementation

IMPLEMENTATIONS: tuple[Implementation, ...] = (
    FARGATE,
    FARGATE_SPOT,
    LAMBDA_CONTAINER,
    EKS_CONTAINER,
    LAMBDA,
    LAMBDA_LAYER,
    LAMBDA_IMAGE,
    FUNCTION_ON_FARGATE,
    RDS,
    AURORA_SERVERLESS,
    AURORA,
    MYSQL,
    AURORA_SERVERLESS_MYSQL,
    AURORA_MYSQL,
    REDIS,
    DYNAMODB,
    DYNAMODB_PROVISIONED,
    S3,
    SQS,
    SNS,
    HTTP_API,
    INTERNAL_ALB,
    PUBLIC_ALB,
    FUNCTION_URL,
    OIDC,
    ROUTE53,
    COGNITO,
    SECRETS_MANAGER,
    EVENTBRIDGE_SCHEDULER,
    VPC_NETWORK,
    CLOUDFRONT,
)

_BY_KIND: dict[str, tuple[Implementation, ...]] = {
    kind: tuple(item for item in IMPLEMENTATIONS if item.kind == kind)
    for kind in {item.kind for item in IMPLEMENTATIONS}
}


def candidates(kind: str) -> tuple[Implementation, ...]:
    """The implementations of a kind; empty for a kind the catalogue does not carry."""
    return _BY_KIND.get(kind, ())


def default_implementation(construct: Construct) -> Implementation | None:
    """What is chosen unless `use(…)` pins another one: the first that can be what the construct's parameters ask for.
    None for a kind the catalogue does not carry."""
    offered = candidates(construct.kind)
    return next((item for item in offered if item.fits(construct)), offered[0] if offered else None)


def implementation(kind: str, name: str) -> Implementation:
    """The named one; StopIteration for one that is not offered."""
    return next(item for item in candidates(kind) if item.name == name)
