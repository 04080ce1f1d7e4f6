"""The local environment: finds, starts and stops its local cloud, and builds images for it.

Input: project, environment, region. Output: a `Session`: a connection and AWS clients for it. Refuses what
`klotho.localcloud.connect` refuses, as a `Failure` with what helps, or with the log's last lines where no
better reason is known.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from klotho.application.files import written_from
from klotho.deploy.assets import ImageBuilder, ImageValidator
from klotho.deploy.functions.package import FunctionZip
from klotho.deploy.place import Clients, Guard, Pace, Place
from klotho.deploy.stacks import StackCalls
from klotho.diagnostics import Failure, Label, Span
from klotho.diagnostics.codes import PAGES
from klotho.driver.machine import cache_folder, local_pace, state_root
from klotho.localcloud import connect
from klotho.localcloud.identity import ACCOUNT
from klotho.resources import PackageAsset

if TYPE_CHECKING:
    from klotho.localcloud.planes.containers.dockerfile import ImageError

_MOST_MISTAKES = 8
"""Of a compiler that are shown at their lines; its last lines tell the others."""


@dataclass(frozen=True, slots=True)
class Session:
    """A running local cloud."""

    project: str
    environment: str
    connection: connect.Connection
    clients: Clients

    @property
    def pace(self) -> Pace:
        return local_pace()

    @property
    def calls(self) -> StackCalls:
        return StackCalls(self.clients, self.pace)

    def guarded(self, guard: Guard) -> Session:
        return replace(self, clients=self.clients.guarded(guard))

    def units(self, application: str) -> list[Mapping[str, Any]]:
        """Its processes, servers and addresses."""
        with local_failures():
            units = self.connection.status().get("units", ())
        return [unit for unit in units if unit.get("application") == application]

    def has_image(self, uri: str) -> bool:
        return (connect.state_folder(self.project, self.environment) / "images" / uri.rpartition(":")[2]).is_dir()

    def prepare(self, consent: Callable[[str], bool]) -> None:
        """A local cloud has what deployments need from the start."""


def has_data(project: str, environment: str) -> bool:
    """Whether anything was ever brought up there and not deleted since."""
    return connect.state_folder(project, environment).is_dir()


def running_session(project: str, environment: str) -> Session | None:
    """The running local cloud, None when it is stopped."""
    connection = connect.running(connect.state_folder(project, environment))
    return None if connection is None else _session(project, environment, connection)


def started_session(
    project: str, environment: str, region: str, progress: Callable[[str], None], *, application: str | None
) -> Session:
    """The local cloud, started when it does not run. `application`: one that is brought back if it is stopped."""
    with local_failures():
        connection = connect.start(project, environment, region, progress, application=application)
    return _session(project, environment, connection)


def stop(project: str, environment: str) -> bool:
    """Stop the local cloud and everything in it; data stays. False when nothing ran."""
    with local_failures():
        return connect.stop_any(connect.state_folder(project, environment))


def delete_data(project: str, environment: str) -> None:
    """Delete all data of a stopped local cloud."""
    with local_failures():
        connect.delete_data(connect.state_folder(project, environment))


def image_builder(program_root: Path, project: str, environment: str) -> ImageBuilder:
    """Puts images of containers and functions into the local cloud's folder."""
    images = connect.state_folder(project, environment) / "images"

    def build(asset: PackageAsset, log: Callable[[str], None], package: FunctionZip | None = None) -> str:
        from klotho.localcloud.planes.containers.image import build_image
        from klotho.localcloud.planes.functions.image import keep_image

        if package is not None:
            from klotho.localcloud.planes.functions.hosted import keep_hosted_image

            properties = asset.properties
            keep = keep_hosted_image if properties.get("hosted") else keep_image
            return keep(images, package.path, package.digest, str(properties["runtime"]), str(properties["handler"]))

        context, dockerfile, arguments = _image_source(program_root, asset.properties)
        with _refused_images(program_root, context, dockerfile):
            built = build_image(
                context, dockerfile, build_args=arguments, images=images, cache=cache_folder() / "images", log=log
            )
        return built.uri

    return build


def image_validator(program_root: Path) -> ImageValidator:
    """Reads Dockerfiles for what the local cloud can't build."""

    def validate(properties: Mapping[str, Any]) -> None:
        from klotho.localcloud.planes.containers.validation import validate_image

        context, dockerfile, arguments = _image_source(program_root, properties)
        with _refused_images(program_root, context, dockerfile):
            validate_image(context, dockerfile, arguments)

    return validate


def _image_source(program_root: Path, properties: Mapping[str, Any]) -> tuple[Path, Path, dict[str, str]]:
    context = (program_root / str(properties["context"])).resolve()
    dockerfile = (program_root / str(properties["dockerfile"])).resolve()
    return context, dockerfile, dict(properties.get("build_args", {}))


@contextmanager
def _refused_images(program_root: Path, context: Path, dockerfile: Path) -> Iterator[None]:
    from klotho.localcloud.planes.containers.dockerfile import ImageError

    try:
        yield
    except ImageError as error:
        file = os.path.relpath(dockerfile, program_root.resolve())
        at = Span(file, error.line) if error.line else None
        failure = Failure("image-not-built", f"`{error.instruction}`: {error.reason}", at=at, helps=(error.hint,))
        labels = list(_mistakes(program_root.resolve(), context, error))
        if labels:
            built = (Label(at, "in this step of the image"),) if at is not None else ()
            failure.diagnostic = replace(failure.diagnostic, labels=(*labels, *built))
        raise failure from error


def _mistakes(program_root: Path, context: Path, error: ImageError) -> Iterator[Label]:
    """The places of what a compiler refused, in the user's files: those that an image has at the end of a path."""
    for mistake in error.mistakes[:_MOST_MISTAKES]:
        parts = PurePosixPath(mistake.file).parts[1:]
        places = (context.joinpath(*parts[at:]) for at in range(len(parts)))
        found = next((path for path in places if path.is_file()), None)
        if found is not None:
            file = written_from(program_root, Path(os.path.relpath(found, program_root)).as_posix())
            yield Label(Span(file, mistake.line, mistake.column), mistake.what)


@contextmanager
def local_failures() -> Iterator[None]:
    """Turns a refusal of the local cloud, and a state folder nobody can use, into a Failure."""
    try:
        yield
    except connect.LocalCloudError as error:
        raise Failure(
            error.code if error.code in PAGES else "local-cloud",
            error.reason,
            notes=error.log_tail[-12:],
            helps=error.helps or ("run the command again",),
        ) from error
    except OSError as error:
        said = (error.strerror or str(error)).lower()
        raise Failure(
            "state-folder",
            f"the state folder can't be used: `{error.filename or state_root()}`: {said}",
            helps=(f"make sure that {state_root()} is a folder you may write to, or set XDG_STATE_HOME to one",),
        ) from error


def _session(project: str, environment: str, connection: connect.Connection) -> Session:
    place = Place(
        region=connection.region,
        account=ACCOUNT,
        endpoint_url=connection.endpoint_url,
        access_key=connection.access_key,
        secret_key=connection.secret_key,
    )
    return Session(project, environment, connection, Clients(place))
