"""What the runtime's tests share: a stand-in for AWS, and the environment of a service deployed by Klotho."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from klotho.runtime import assets, aws, config, credentials

from .aws_front import Front, serve

REGION = "eu-west-1"
ACCESS_KEY, SECRET_KEY, TOKEN = "AKIATEST", "very+secret/key", "session/token=="
PASSWORD = "p@ss:w/ord %?#&é\"'"
CANARY = "canary-4711"


@pytest.fixture(scope="session")
def moto_port() -> Iterator[int]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    yield server.get_host_and_port()[1]
    server.stop()


@pytest.fixture(scope="session")
def shared_front(moto_port: int) -> Iterator[Front]:
    front = serve(moto_port)
    yield front
    front.shutdown()
    front.server_close()


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests say what is set; nothing of the machine's own AWS or Klotho comes in."""
    for name in list(os.environ):
        if name.startswith(("KLOTHO_", "AWS_")):
            monkeypatch.delenv(name)
    config.refresh()
    credentials.forget()


@pytest.fixture
def front(shared_front: Front, monkeypatch: pytest.MonkeyPatch) -> Front:
    """AWS, with credentials in the environment as Lambda has them."""
    shared_front.keys = {ACCESS_KEY: (SECRET_KEY, TOKEN)}
    shared_front.calls.clear()
    shared_front.faults.clear()
    shared_front.invocations.clear()
    shared_front.credentials.clear()
    monkeypatch.setattr(aws, "BACKOFF_SECONDS", 0.001)
    for name, value in {
        "AWS_ENDPOINT_URL": shared_front.url,
        "AWS_REGION": REGION,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_SESSION_TOKEN": TOKEN,
    }.items():
        monkeypatch.setenv(name, value)
    return shared_front


def moto_client(service: str, port: int):  # type: ignore[no-untyped-def]
    """boto3 straight to moto, to prepare and to look from the other side."""
    return boto3.client(
        service,
        region_name=REGION,
        endpoint_url=f"http://127.0.0.1:{port}",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


@pytest.fixture
def secret_arn(moto_port: int) -> Iterator[str]:
    """A database login in Secrets Manager."""
    secrets = moto_client("secretsmanager", moto_port)
    login = json.dumps({"username": "app user", "password": PASSWORD})
    arn = secrets.create_secret(Name="users_db-login", SecretString=login)["ARN"]
    yield arn
    secrets.delete_secret(SecretId=arn, ForceDeleteWithoutRecovery=True)


@pytest.fixture
def tables(moto_port: int) -> Iterator[None]:
    """`carts` by id, `bids` by auction and number, the queue `jobs` and the topic `news`."""
    sqs = moto_client("sqs", moto_port)
    queue = sqs.create_queue(QueueName="jobs")["QueueUrl"]
    sns = moto_client("sns", moto_port)
    topic = sns.create_topic(Name="news")["TopicArn"]
    dynamodb = moto_client("dynamodb", moto_port)
    dynamodb.create_table(
        TableName="carts-1234",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    dynamodb.create_table(
        TableName="bids-1234",
        KeySchema=[
            {"AttributeName": "auction", "KeyType": "HASH"},
            {"AttributeName": "number", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "auction", "AttributeType": "S"},
            {"AttributeName": "number", "AttributeType": "N"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    yield
    dynamodb.delete_table(TableName="carts-1234")
    dynamodb.delete_table(TableName="bids-1234")
    sqs.delete_queue(QueueUrl=queue)
    sns.delete_topic(TopicArn=topic)


def grants(secret: str = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:users_db") -> dict[str, str]:
    """The variables the engine sets on a service called `api`."""
    function = "arn:aws:lambda:eu-west-1:123456789012:function:"
    given: dict[str, dict[str, object]] = {
        "DATASTORE_USERS_DB": {
            "name": "users_db", "kind": "Databases.Postgres", "host": "db.internal", "port": "5432",
            "database": "users_db", "secret": secret, "access": "read_write",
        },
        "DATASTORE_CARTS_7F3A": {
            "name": "carts", "kind": "Databases.KeyValue", "table": "carts-1234", "access": "read_write",
        },
        "DATASTORE_BIDS": {"name": "bids", "kind": "Databases.KeyValue", "table": "bids-1234", "access": "read"},
        "DATASTORE_LEGACY": {"name": "legacy", "kind": "Databases.Oracle", "host": "x"},
        "SERVICE_PDF": {"name": "pdf", "kind": "Compute.Container", "http": "http://pdf:8080", "grpc": "pdf:50051"},
        "SERVICE_WEB": {"name": "web", "kind": "Compute.Container", "http": "http://web:8080/"},
        "SERVICE_FAR": {
            "name": "far", "kind": "Compute.Container", "discover": {"namespace": "shop.local", "service": "far"},
        },
        "SERVICE_INVOICE": {
            "name": "create_invoice_lambda", "kind": "Compute.Function", "function": f"{function}invoice",
        },
        "SERVICE_BROKEN": {"name": "broken", "kind": "Compute.Function", "function": function + "broken"},
        "SERVICE_MISSING": {"name": "missing", "kind": "Compute.Function", "function": function + "missing"},
        "SERVICE_SHOP": {"name": "shop", "kind": "Compute.Container", "web": function + "shop"},
        "SERVICE_DOWN": {"name": "down", "kind": "Compute.Container", "web": function + "broken"},
        "SECRET_STRIPE_KEY": {"name": "stripe_key", "kind": "Secret", "secret": secret},
        "QUEUE_JOBS": {"name": "jobs", "kind": "Messaging.Queue", "url": "https://sqs/jobs", "access": "send_consume"},
        "BUCKET_FILES": {"name": "files", "kind": "Storage.Bucket", "arn": "arn:files", "access": "read"},
        "TOPIC_NEWS": {
            "name": "news", "kind": "Messaging.Topic", "arn": "arn:aws:sns:eu-west-1:123456789012:news",
            "access": "publish",
        },
    }  # fmt: skip
    return {"KLOTHO_UNIT": "api"} | {f"KLOTHO_{name}": json.dumps(fields) for name, fields in given.items()}


@pytest.fixture
def granted(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in grants().items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def granted_with_secret(monkeypatch: pytest.MonkeyPatch, secret_arn: str, front: Front) -> str:
    """The service `api`, whose database login really is in Secrets Manager."""
    for name, value in grants(secret_arn).items():
        monkeypatch.setenv(name, value)
    return secret_arn


@pytest.fixture
def registered(moto_port: int) -> Iterator[None]:
    """Two tasks of `far` in Cloud Map."""
    cloud_map = moto_client("servicediscovery", moto_port)
    operation = cloud_map.create_http_namespace(Name="shop.local")["OperationId"]
    namespace = cloud_map.get_operation(OperationId=operation)["Operation"]["Targets"]["NAMESPACE"]
    service = cloud_map.create_service(Name="far", NamespaceId=namespace)["Service"]["Id"]
    for number in (1, 2):
        cloud_map.register_instance(
            ServiceId=service,
            InstanceId=f"task-{number}",
            Attributes={"AWS_INSTANCE_IPV4": f"10.0.0.{number}", "AWS_INSTANCE_PORT": "8080"},
        )
    yield
    for number in (1, 2):
        cloud_map.deregister_instance(ServiceId=service, InstanceId=f"task-{number}")
    cloud_map.delete_service(Id=service)
    cloud_map.delete_namespace(Id=namespace)


@pytest.fixture(scope="session")
def asset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the runtimes as they are put into an asset."""
    root = tmp_path_factory.mktemp("asset")
    for path, content in {**assets.python_files(), **assets.node_files()}.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return root
