"""Environments on AWS: whose credentials, which account, and what every deployment needs there.

Input: an environment with `target: aws`. Output: a `Session`. AWS's own variables and files decide about credentials;
`AWS_ENDPOINT_URL` leads to another place that answers AWS's APIs, as AWS's own tools have it. Refuses missing
credentials (exit 3), and another account than the settings name (`wrong-account`) before anything is asked of it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from klotho.deploy import bootstrap
from klotho.deploy.images.ecr import EcrImages, image_is_there
from klotho.deploy.place import Clients, Guard, Pace, Place, translated
from klotho.deploy.stacks import StackCalls
from klotho.diagnostics import ExitCode, Failure
from klotho.driver import silence
from klotho.driver.machine import aws_pace, local_pace
from klotho.driver.settings import Environment
from klotho.resources import PackageAsset

if TYPE_CHECKING:
    from klotho.deploy.assets import ImageBuilder
    from klotho.deploy.functions.package import FunctionZip
    from klotho.driver.build import Build

IDENTITY_S = 120.0
"""How long credentials and the answer who they belong to may take together; a person may have to type a code."""
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who deploys."""

    account: str
    arn: str


@dataclass(frozen=True)
class AwsSession:
    """One account and region of AWS."""

    environment: Environment
    clients: Clients
    caller: Caller

    @property
    def pace(self) -> Pace:
        """An endpoint on this machine may be asked as often as one likes."""
        host = urlsplit(self.clients.place.endpoint_url or "").hostname
        return local_pace() if host in _LOOPBACK else aws_pace()

    @cached_property
    def calls(self) -> StackCalls:
        return StackCalls(self.clients, self.pace)

    def guarded(self, guard: Guard) -> AwsSession:
        return replace(self, clients=self.clients.guarded(guard))

    def units(self, application: str) -> list[Mapping[str, Any]]:
        """Nothing besides the stacks: CloudFormation has waited until services were healthy."""
        return []

    def has_image(self, uri: str) -> bool:
        """Images that are not in ECR are somebody else's: nobody here deletes them."""
        name, _, digest = uri.partition("@")
        if not digest or ".dkr.ecr." not in name:
            return True
        return image_is_there(self.clients, name.partition("/")[2], digest)

    def prepare(self, consent: Callable[[str], bool]) -> None:
        """The bootstrap stack of the account and region, made with consent when it is missing or older."""
        bootstrap.ensure(self.clients, self.calls, consent)


def session(environment: Environment) -> AwsSession:
    """The environment's account, by the credentials at hand."""
    assert environment.region is not None
    silence.asked(environment.region)
    unidentified = Clients(
        Place(
            region=environment.region,
            account="",
            endpoint_url=os.environ.get("AWS_ENDPOINT_URL") or None,
            profile=environment.profile,
            role=environment.role,
            bucket_stem=bootstrap.BUCKET_STEM,
        )
    )
    caller = who_am_i(unidentified)
    if environment.account is not None and caller.account != environment.account:
        raise Failure(
            "wrong-account",
            f"these credentials are for the AWS account {caller.account}, and the environment `{environment.name}` is "
            f"in {environment.account}",
            at=environment.span,
            notes=(f"you are {caller.arn}", "nothing was asked of that account"),
            helps=(
                "use credentials of the other account: `AWS_PROFILE=…`, or `profile:` of the environment",
                "if the environment has moved: change `account:` in klotho.yaml",
            ),
            exit_code=ExitCode.CREDENTIALS,
        )
    return AwsSession(environment, unidentified.of_account(caller.account), caller)


def who_am_i(clients: Clients) -> Caller:
    """The identity behind the credentials. Failure (exit 3) when there are none, or AWS does not take them; (exit 9)
    when what AWS's files name to get them (`credential_process`, single sign-on) takes too long."""
    with translated("asking AWS who you are"):
        answer = within(IDENTITY_S, lambda: clients.sts.get_caller_identity())
    return Caller(str(answer["Account"]), str(answer["Arn"]))


def within(seconds: float, work: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
    """What `work` gives. Failure (`wait-timed-out`, exit 9) after that time: botocore itself waits for programs that
    give credentials without end."""
    done: list[Mapping[str, Any]] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            done.append(work())
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run, name="identity", daemon=True)
    thread.start()
    thread.join(seconds)
    if failed:
        raise failed[0]
    if not done:
        raise Failure(
            "wait-timed-out",
            f"AWS did not say within {seconds:.0f} s whose credentials these are",
            helps=("try `aws sts get-caller-identity`, which asks the same",),
            exit_code=ExitCode.TIMEOUT,
        )
    return done[0]


def image_builder(built: Build, *, reads_only: bool) -> ImageBuilder:
    """Builds images into the account's repository; credentials are looked for when the first image is built."""

    @cache
    def opened() -> EcrImages:
        clients = session(built.environment).clients
        return EcrImages(built.program.folder, clients, bootstrap.REPOSITORY, reads_only=reads_only)

    def build(asset: PackageAsset, log: Callable[[str], None], package: FunctionZip | None = None) -> str:
        return opened()(asset, log, package)

    return build
