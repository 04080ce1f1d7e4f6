"""One way to talk to an environment, whether it is on this machine or on AWS.

Input: an environment with its region, a project. Output: a `Session`: clients and what runs there. Refuses what the
place refuses: a local cloud that does not start, missing credentials, another account than the settings name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from klotho.deploy.events import Sink, Step
from klotho.deploy.place import Clients, Guard, Pace
from klotho.deploy.stacks import StackCalls
from klotho.deploy.target import HOST, LAMBDA, Target
from klotho.deploy.unproven import Notes
from klotho.driver import silence
from klotho.driver.settings import Environment

if TYPE_CHECKING:
    from klotho.deploy.assets import ImageBuilder, ImageValidator
    from klotho.driver.build import Build

Say = Callable[[str], None]


class Session(Protocol):
    """An environment that answers."""

    @property
    def clients(self) -> Clients: ...

    @property
    def pace(self) -> Pace: ...

    @property
    def calls(self) -> StackCalls: ...

    def guarded(self, guard: Guard) -> Session:
        """The same, whose every call that may change something passes `guard`."""

    def units(self, application: str) -> list[Mapping[str, Any]]:
        """What runs of an application, as `klotho status` shows it."""

    def has_image(self, uri: str) -> bool:
        """Whether a container image, pinned by digest, is still where services take it from."""

    def prepare(self, consent: Callable[[str], bool]) -> None:
        """Make sure that what every deployment needs is there. `consent` answers a question for the person;
        Failure when they say no."""


def started(environment: Environment, project: str, say: Say, *, application: str | None) -> Session:
    """The environment, brought to life if it is on this machine and stopped. `application`: one to bring back."""
    assert environment.region is not None
    if environment.target == "aws":
        silence.asked(environment.region)
        from klotho.driver import aws

        return aws.session(environment)
    from klotho.driver import local_cloud

    return local_cloud.started_session(project, environment.name, environment.region, say, application=application)


def answering(environment: Environment, project: str) -> Session | None:
    """The environment as it is; None for a local cloud that does not run."""
    if environment.target == "aws":
        silence.asked(environment.region)
        from klotho.driver import aws

        return aws.session(environment)
    from klotho.driver import local_cloud

    return local_cloud.running_session(project, environment.name)


@contextmanager
def for_a_question(environment: Environment, project: str, sink: Sink) -> Iterator[Session | None]:
    """The environment for a question. A local cloud that is stopped is started for it and stopped again; None where
    nothing was ever deployed."""
    from klotho.driver import local_cloud

    found = answering(environment, project)
    if found is not None:
        yield found
    elif not local_cloud.has_data(project, environment.name):
        yield None
    else:
        session = started(environment, project, lambda line: sink(Step(line)), application=None)
        try:
            yield session
        finally:
            local_cloud.stop(project, environment.name)


def image_builder(built: Build, *, reads_only: bool = False) -> ImageBuilder:
    """Builds container images where the environment looks for them. `reads_only`: an account is only looked at."""
    if built.environment.target == "aws":
        from klotho.driver import aws

        return aws.image_builder(built, reads_only=reads_only)
    from klotho.driver import local_cloud

    return local_cloud.image_builder(built.program.folder, built.application.project, built.environment.name)


def image_validator(built: Build) -> ImageValidator | None:
    """Reads what images are built from before anything begins; None where nothing can be told without building."""
    if built.environment.target == "aws":
        return None
    from klotho.driver import local_cloud

    return local_cloud.image_validator(built.program.folder)


def notes_of(environment: Environment, project: str, application: str, session: Session) -> Notes | None:
    """Where it is kept which stacks are not known to be healthy; None on this machine, where CloudFormation waits,
    unless express mode is asked for."""
    if environment.target == "local" and not environment.express:
        return None
    return Notes(session.clients, project, environment.name, application)


def target_of(environment: Environment) -> Target:
    """What functions and images are made for."""
    return LAMBDA if environment.target == "aws" else HOST
