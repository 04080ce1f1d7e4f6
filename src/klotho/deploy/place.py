"""Where to deploy to: an endpoint with credentials, and the AWS clients made for it on first use.

Input: a `Place`. Output: typed boto3-compatible clients. Refuses nothing; a call the place refuses becomes a
`Failure` through `translated`. Only botocore is imported (boto3's resource layer costs start-up time and adds nothing
here), and only when the first client is asked for.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from klotho.deploy.asking import asking
from klotho.deploy.denials import DENIAL_HELP, denial
from klotho.diagnostics import ExitCode, Failure

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True, slots=True)
class Place:
    """One account and region behind one endpoint."""

    region: str
    account: str
    """The 12 digits of the AWS account; part of the artifact bucket's name."""
    endpoint_url: str | None = None
    """None is AWS itself."""
    access_key: str | None = None
    secret_key: str | None = None
    profile: str | None = None
    """The profile of AWS's configuration files whose credentials are used; None: as AWS's own tools choose."""
    role: str | None = None
    """The ARN of a role to take on with these credentials."""
    bucket_stem: str = "klotho-assets"

    @property
    def artifact_bucket(self) -> str:
        """Where templates too large to send inline, functions' zips and what is known of deployments lie."""
        return f"{self.bucket_stem}-{self.account}-{self.region}"

    def object_url(self, key: str) -> str:
        """The URL CloudFormation reads a template from."""
        if self.endpoint_url:
            return f"{self.endpoint_url.rstrip('/')}/{self.artifact_bucket}/{key}"
        return f"https://{self.artifact_bucket}.s3.{self.region}.amazonaws.com/{key}"


@dataclass(frozen=True, slots=True)
class Pace:
    """Time, handed in by the driver so that tests do not wait."""

    clock: Callable[[], float]
    """Seconds, monotonic."""
    sleep: Callable[[float], None]
    fastest: float
    """Seconds between the first polls of a stack's events."""
    slowest: float
    """The interval it grows to (by half each time nothing new was seen)."""
    patience: float = 7200.0
    """Seconds without anything new after which a wait is given up. CloudFormation's own limits are mostly shorter; the
    longest one, of an ECS service without a circuit breaker, is 3 hours, and Klotho always sets a circuit breaker."""
    remind: float = 10.0
    """Seconds between two lines about what a wait is for."""


Guard = Callable[[str, str], None]
"""Called with the service's name (as boto3 has it) and the operation's before each attempt of a call that is no read;
raises when it may not be made any more."""

_READS = ("BatchGet", "Describe", "Detect", "Estimate", "Filter", "Get", "Head", "List", "Lookup", "Validate")
"""How operations that change nothing begin. What else reads is asked about once too often, which harms nothing."""


class Clients:
    """One session, one client per service, made when first asked for; safe to use from several threads."""

    def __init__(self, place: Place, guard: Guard | None = None) -> None:
        """With `guard` every call that may change something passes it first, retries too."""
        self.place = place
        self._guard = guard
        self._made: dict[str, Any] = {}
        self._elsewhere: dict[str, Clients] = {}
        self._lock = threading.Lock()
        self._session: Any = None

    @property
    def cloudformation(self) -> CloudFormationClient:
        return cast("CloudFormationClient", self._client("cloudformation"))

    @property
    def s3(self) -> S3Client:
        return cast("S3Client", self._client("s3"))

    @property
    def logs(self) -> CloudWatchLogsClient:
        return cast("CloudWatchLogsClient", self._client("logs"))

    @property
    def secrets(self) -> Any:
        """A client of Secrets Manager."""
        return self._client("secretsmanager")

    @property
    def cloudfront(self) -> Any:
        """A client of CloudFront."""
        return self._client("cloudfront")

    @property
    def functions(self) -> Any:
        """A client of Lambda."""
        return self._client("lambda")

    @property
    def containers(self) -> Any:
        """A client of ECS."""
        return self._client("ecs")

    @property
    def sessions(self) -> Any:
        """A client of Systems Manager, which leads into containers."""
        return self._client("ssm")

    @property
    def sts(self) -> Any:
        """A client of the Security Token Service."""
        return self._client("sts")

    @property
    def ecr(self) -> Any:
        """A client of ECR, where container images lie."""
        return self._client("ecr")

    @property
    def certificates(self) -> Any:
        """A client of ACM."""
        return self._client("acm")

    @property
    def tagging(self) -> Any:
        """A client of the Resource Groups Tagging API."""
        return self._client("resourcegroupstaggingapi")

    @property
    def resources(self) -> Any:
        """A client of Cloud Control, which tells what any resource is like."""
        return self._client("cloudcontrol")

    @property
    def dns(self) -> Any:
        """A client of Route 53."""
        return self._client("route53")

    @property
    def addresses(self) -> Any:
        """A client of EC2."""
        return self._client("ec2")

    def of_account(self, account: str) -> Clients:
        """The same credentials, with the account they belong to."""
        clients = Clients(replace(self.place, account=account))
        clients._session = self._open()
        return clients

    def in_region(self, region: str) -> Clients:
        """Clients of the same account in another region; these themselves in their own."""
        if region == self.place.region:
            return self
        with self._lock:
            if region not in self._elsewhere:
                self._elsewhere[region] = Clients(replace(self.place, region=region), self._guard)
            return self._elsewhere[region]

    def guarded(self, guard: Guard) -> Clients:
        """Clients of the same place and session whose writes pass `guard`."""
        found = Clients(self.place, guard)
        with self._lock:
            found._session = self._open()
        return found

    @property
    def events(self) -> Any:
        """The botocore event system all clients made here inherit: what a call counter hooks into."""
        with self._lock:
            return self._open().get_component("event_emitter")

    def _client(self, service: str) -> Any:
        with self._lock:
            if service not in self._made:
                self._made[service] = self._make(service)
            return self._made[service]

    def _open(self) -> Any:
        if self._session is None:
            from botocore.session import Session

            # A place with keys of its own does not care for the profile of the person's shell, which may not exist.
            alone = {"profile": (None, None, None, None)} if self.place.access_key else None
            self._session = Session(alone, profile=self.place.profile)
            if self.place.role:
                self._take_on(self.place.role)
        return self._session

    def _take_on(self, role: str) -> None:
        """Credentials of the role, renewed before they end."""
        from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials

        session = self._session
        fetcher = AssumeRoleCredentialFetcher(
            lambda service, **given: session.create_client(
                service, region_name=self.place.region, endpoint_url=self.place.endpoint_url, **given
            ),
            session.get_credentials(),
            role,
            extra_args={"RoleSessionName": "klotho"},
        )
        session._credentials = DeferredRefreshableCredentials(fetcher.fetch_credentials, "assume-role")

    def _make(self, service: str) -> Any:
        from botocore.config import Config

        # Who one is, is asked first: a place that does not answer should be known soon.
        quick = service == "sts"
        config = Config(
            # Ten tries ride out minutes of throttling; between them botocore waits up to 20 s.
            retries={"mode": "standard", "total_max_attempts": 3 if quick else 10},
            max_pool_connections=16,
            # Virtual-host addressing needs DNS names the local endpoint does not have.
            s3={"addressing_style": "path"} if self.place.endpoint_url else {},
            connect_timeout=5,
            read_timeout=15 if quick else 60,
        )
        client = self._open().create_client(
            service,
            region_name=self.place.region,
            endpoint_url=self.place.endpoint_url,
            aws_access_key_id=self.place.access_key,
            aws_secret_access_key=self.place.secret_key,
            config=config,
        )
        if self._guard is not None:
            # `before-call` comes once a call; this one comes again for each retry.
            client.meta.events.register("request-created", self._guarded_by(self._guard, service))
        return client

    @staticmethod
    def _guarded_by(guard: Guard, service: str) -> Callable[..., None]:
        def on_request(operation_name: str, **_: Any) -> None:
            if not operation_name.startswith(_READS):
                guard(service, operation_name)

        return on_request


_CREDENTIAL_CODES = {
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}


_DENIALS = {"AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation"}


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Turns botocore's errors into a `Failure` that says what was being done; meanwhile it is an open question."""
    from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

    try:
        with asking(doing):
            yield
    except NoCredentialsError as error:
        raise Failure(
            "credentials-refused",
            f"no AWS credentials were found while {doing}",
            helps=("run `aws sso login` or set AWS_PROFILE",),
            exit_code=ExitCode.CREDENTIALS,
        ) from error
    except ClientError as error:
        raise _refused(doing, error.response.get("Error", {}), error.operation_name) from error
    except BotoCoreError as error:
        raise Failure(
            "cloud-unreachable",
            f"the cloud did not answer while {doing}",
            notes=(str(error),),
            helps=("check the network; `klotho status` shows whether a local cloud is running",),
        ) from error


def _refused(doing: str, error: Any, operation: str) -> Failure:
    code, message = str(error.get("Code", "Unknown")), str(error.get("Message", "no message was given"))
    if code in _CREDENTIAL_CODES:
        return Failure(
            "credentials-refused",
            f"the cloud refused the credentials while {doing}",
            notes=(f"{operation}: {code}: {message}",),
            helps=("check which account and keys are in use, then run the command again",),
            exit_code=ExitCode.CREDENTIALS,
        )
    denied = denial(message)
    if denied is not None and code in _DENIALS:
        return Failure(
            "deployer-not-allowed",
            f"the deployer is not allowed `{denied.action}` on {denied.resource}",
            notes=(f"{operation} was refused while {doing}", f"{code}: {message}"),
            helps=(DENIAL_HELP,),
            exit_code=ExitCode.CREDENTIALS,
        )
    return Failure(
        "call-refused",
        f"the cloud refused {operation} while {doing}",
        notes=(f"{code}: {message}",),
        exit_code=ExitCode.RESOURCE_FAILED,
    )
