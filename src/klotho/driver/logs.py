"""`logs`: what the services of an application print, merged by time.

Input: where a command looks, an environment, service names. Output: lines, oldest first; following never ends by
itself. The log groups are those of the deployed stacks, read through CloudWatch Logs' FilterLogEvents; while the local
cloud is stopped, what it has kept is read from its folder. Refuses an unknown service (exit 6, with the nearest name).
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from klotho.deploy.place import Clients, translated
from klotho.deploy.stacks import DeployedStack
from klotho.deploy.template import construct_of
from klotho.diagnostics import ExitCode, Failure, did_you_mean, one_of
from klotho.driver.identity import Identity, Where
from klotho.driver.inspection import located, require_running
from klotho.driver.session import Session, answering
from klotho.localcloud.connect import state_folder

POLL_SECONDS = 0.5
_LOG_GROUP, _TOPIC = "AWS::Logs::LogGroup", "AWS::SNS::Topic"
_EDGE_FUNCTION = "AWS::CloudFront::Function"
"""CloudFront makes its log group with the first line it writes."""
_USER_POOL = "AWS::Cognito::UserPool"


@dataclass(frozen=True, slots=True)
class LogLine:
    timestamp_ms: int
    service: str
    """The construct's name."""
    message: str
    group: str


@dataclass(frozen=True, slots=True)
class _Source:
    group: str
    service: str


class LogReader:
    """Reads the application's log groups."""

    def __init__(self, clients: Clients, sources: Sequence[_Source]) -> None:
        self._clients = clients
        self._sources = sources
        self._from: dict[str, int] = {}
        self._seen: dict[str, set[str]] = {}

    @property
    def services(self) -> list[str]:
        return sorted({source.service for source in self._sources})

    def since(self, start_ms: int) -> list[LogLine]:
        """Every line from a time on; remembers where it stopped."""
        for source in self._sources:
            self._from[source.group] = start_ms
            self._seen[source.group] = set()
        return self.fresh()

    def fresh(self) -> list[LogLine]:
        """Lines not returned before, oldest first."""
        if not self._sources:
            return []
        with ThreadPoolExecutor(min(8, len(self._sources))) as threads:
            lines = [line for found in threads.map(self._read, self._sources) for line in found]
        return sorted(lines, key=lambda line: line.timestamp_ms)

    def follow(self, sleep: Callable[[float], None] = time.sleep) -> Iterator[LogLine]:
        """New lines as they come, until the caller stops."""
        while True:
            yield from self.fresh()
            sleep(POLL_SECONDS)

    def _read(self, source: _Source) -> list[LogLine]:
        """Reading starts at the last timestamp seen, so events of that very millisecond come again: skip those."""
        lines: list[LogLine] = []
        seen, newest = self._seen[source.group], self._from[source.group]
        at_newest = set(seen)
        with translated(f"reading the log of {source.service}"), self._absent_is_empty():
            pages = self._clients.logs.get_paginator("filter_log_events").paginate(
                logGroupName=source.group, startTime=self._from[source.group]
            )
            for page in pages:
                for event in page["events"]:
                    if event["eventId"] in seen:
                        continue
                    if event["timestamp"] > newest:
                        newest, at_newest = event["timestamp"], set()
                    at_newest.add(event["eventId"])
                    lines.append(LogLine(event["timestamp"], source.service, event["message"].rstrip(), source.group))
        self._from[source.group], self._seen[source.group] = newest, at_newest
        return lines

    @contextlib.contextmanager
    def _absent_is_empty(self) -> Iterator[None]:
        """A topic has a log from its first failed delivery on."""
        try:
            yield
        except self._clients.logs.exceptions.ResourceNotFoundException:
            return


class KeptLogReader:
    """Reads the logs of a stopped local cloud from its folder, as the last `up` named them."""

    def __init__(self, state: Path, sources: Sequence[_Source]) -> None:
        from klotho.localcloud.logs import Logs

        self._logs = Logs(state)
        self._sources = sources

    @property
    def services(self) -> list[str]:
        return sorted({source.service for source in self._sources})

    def since(self, start_ms: int) -> list[LogLine]:
        """Every line from a time on, oldest first."""
        found = [
            LogLine(event.timestamp_ms, source.service, event.message.rstrip(), source.group)
            for source in self._sources
            for event in self._logs.events(source.group)
            if event.timestamp_ms >= start_ms
        ]
        return sorted(found, key=lambda line: line.timestamp_ms)


def open_logs(
    where: Where, environment: str | None, services: Sequence[str]
) -> tuple[Identity, LogReader | KeptLogReader]:
    """A reader of the named services' logs; of all when none is named. Of a stopped local cloud, what it has kept."""
    identity = located(where, environment)
    project, name = identity.project, identity.environment.name
    session, record = answering(identity.environment, project), identity.record
    if session is None and record is not None and record.logs:
        kept = [_Source(group, service) for group, service in sorted(record.logs.items())]
        return identity, KeptLogReader(state_folder(project, name), _chosen(kept, services))
    session = session or require_running(identity)
    deployed = session.calls.deployed(project=project, environment=name, application=identity.application)
    with ThreadPoolExecutor(8) as threads:
        found = [item for items in threads.map(lambda s: _sources(session, s), deployed.values()) for item in items]
    return identity, LogReader(session.clients, _chosen(found, services))


def _chosen(found: Sequence[_Source], services: Sequence[str]) -> list[_Source]:
    """Those of the named services; Failure (`service-unknown`, exit 6) for a name none of them has."""
    known = sorted({source.service for source in found})
    for name in services:
        if name not in known:
            raise Failure(
                "service-unknown",
                f"there is no service `{name}` with a log",
                notes=(f"there is {one_of(known)}" if known else "nothing deployed has a log",),
                helps=(did_you_mean(name, known),),
                exit_code=ExitCode.NOT_FOUND,
            )
    chosen = [source for source in found if not services or source.service in services]
    return sorted(chosen, key=lambda source: source.group)


def _sources(session: Session, stack: DeployedStack) -> list[_Source]:
    """The log groups of one stack, named by the construct in their metadata."""
    with translated(f"reading the resources of {stack.name}"):
        answer = session.clients.cloudformation.describe_stack_resources(StackName=stack.stack_name)
    groups = {
        item["LogicalResourceId"]: item["PhysicalResourceId"]
        for item in answer["StackResources"]
        if item["ResourceType"] == _LOG_GROUP and item.get("PhysicalResourceId")
    }
    groups |= {
        item["LogicalResourceId"]: delivery_log(item["PhysicalResourceId"])
        for item in answer["StackResources"]
        if item["ResourceType"] == _TOPIC and item.get("PhysicalResourceId")
    }
    groups |= {
        item["LogicalResourceId"]: f"/aws/cloudfront/function/{item['PhysicalResourceId'].rpartition('/')[2]}"
        for item in answer["StackResources"]
        if item["ResourceType"] == _EDGE_FUNCTION and item.get("PhysicalResourceId")
    }
    groups |= {
        item["LogicalResourceId"]: user_pool_log(item["PhysicalResourceId"])
        for item in answer["StackResources"]
        if item["ResourceType"] == _USER_POOL and item.get("PhysicalResourceId")
    }
    if not groups:
        return []
    resources = session.calls.template(stack.stack_name).get("Resources", {})
    return [
        _Source(group, construct_of(resources.get(logical_id, {})).rpartition("/")[2] or stack.name)
        for logical_id, group in sorted(groups.items())
    ]


def user_pool_log(pool_id: str) -> str:
    """Where the local cloud shows the codes and temporary passwords that AWS would send by email."""
    return f"/aws/cognito/{pool_id}"


def delivery_log(topic_arn: str) -> str:
    """Where SNS writes what it could not deliver: `sns/<region>/<account>/<topic>`, once there is something."""
    return "/".join(topic_arn.split(":")[2:])
