"""Finds, starts and stops the local cloud of a project and environment: the driver's side of the supervisor.

Input: project, environment, region. Output: a `Connection` to a healthy supervisor. Refuses, as a `LocalCloudError`
with a code, what helps, and the log's last lines where nothing better is known: a supervisor that does not start or
does not stop, data of a newer Klotho, damaged data, a port in use, another region than the data's, a state folder that
can't be used, deleting data under a running supervisor.

Imported by the CLI, so only the standard library and nothing slow at import.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from klotho.localcloud import startup_failure
from klotho.localcloud.installation import fingerprint, installed_version
from klotho.localcloud.reminder import reminding

__all__ = [
    "Connection",
    "LocalCloudError",
    "delete_data",
    "installed_version",
    "is_locked",
    "log_tail",
    "running",
    "start",
    "state_folder",
    "stop",
    "stop_any",
]

RUNNING_FILE = "supervisor.json"
"""Written when healthy, removed at the end: how to reach the supervisor. Mode 0600, it holds the keys."""
LOCK_FILE = "supervisor.lock"
"""Locked as long as a supervisor lives; the operating system unlocks it however the process ends."""
LOG_FILE = "supervisor.log"
MAX_LOG_BYTES = 4 * 1024 * 1024

EXIT_ALREADY_RUNNING, EXIT_NEWER_DATA, EXIT_PORT_IN_USE, EXIT_OTHER_REGION, EXIT_DAMAGED_DATA = 61, 62, 63, 64, 65
EXIT_FAILED = 1
START_TIMEOUT_S = 90.0
STOP_TIMEOUT_S = 30.0
RESUME_TIMEOUT_S = 180.0
"""How long stopping or bringing back an application may take: a database that replays its log takes its time."""
_POLL_S = 0.01

Progress = Callable[[str], None]


class LocalCloudError(Exception):
    """The local cloud could not do what was asked.

    `code` is one of `startup_failure`'s, or `local-cloud`. `helps`: what to do, a line each. `log_tail`: the last lines
    this start wrote, only where nothing better is known.
    """

    def __init__(
        self, reason: str, log_tail: tuple[str, ...] = (), *, code: str = "local-cloud", helps: tuple[str, ...] = ()
    ) -> None:
        super().__init__(reason if not log_tail else "\n".join((reason, *(f"  {line}" for line in log_tail))))
        self.reason = reason
        self.code = code
        self.helps = helps
        self.log_tail = log_tail


@dataclass(frozen=True, slots=True)
class Connection:
    """How to reach one running local cloud."""

    state: Path
    """The state folder it works in."""
    project: str
    environment: str
    region: str
    version: str
    """Of the Klotho that runs it."""
    endpoint_url: str
    """For every AWS API: `http://127.0.0.1:<port>`."""
    pid: int
    access_key: str
    """The deployer's."""
    secret_key: str = field(repr=False)
    token: str = field(repr=False)
    """For the supervisor's own paths under `/_klotho/`."""
    fingerprint: str = ""
    """Of the code it runs (`installation.fingerprint`)."""

    def status(self) -> dict[str, Any]:
        """Project, environment, version, endpoint and `units`: the fields of every `UnitStatus`.

        LocalCloudError when the supervisor does not answer.
        """
        answer = _ask(self, "GET", "status", timeout=10.0)
        if answer is None:
            raise LocalCloudError("the local cloud does not answer", log_tail(self.state))
        return answer

    def applications(self) -> Mapping[str, Literal["running", "stopped"]]:
        """Every application with live resources, and whether it runs. LocalCloudError without an answer."""
        return self._application_states("GET", "applications", 10.0)

    def pause(self, application: str) -> Mapping[str, Literal["running", "stopped"]]:
        """Stop this application's processes and ports; returns when they are gone, with all applications' states.

        Its data stay, and it stays stopped, also over restarts of the local cloud, until `resume` or a deployment. The
        other applications go on. One that is stopped, or that nobody knows, is fine. LocalCloudError without an answer.
        """
        return self._application_states("POST", _application_path(application, "pause"), RESUME_TIMEOUT_S)

    def resume(self, application: str) -> Mapping[str, Literal["running", "stopped"]]:
        """Bring this application back; returns when its units run or have failed (see `status`), like `pause`.

        Tries again at once what has failed, such as an API whose port somebody else had.
        """
        return self._application_states("POST", _application_path(application, "resume"), RESUME_TIMEOUT_S)

    def swap_function(self, identifier: str, files: Mapping[str, Path], removed: Iterable[str]) -> str | None:
        """Let the function run changed code without a deployment; returns why not, when its code does not start.

        It serves when this returns. `files`: path in the package -> file. Held by this process (`swapped.Swapped`).
        """
        named = {name: str(path) for name, path in files.items()}
        return self._why_not(
            "swaps/function",
            {"identifier": identifier, "files": named, "removed": list(removed), "holder": os.getpid()},
        )

    def swap_container(self, identifier: str, image: str) -> str | None:
        """The same for a service and the digest of an image that was built."""
        return self._why_not("swaps/container", {"identifier": identifier, "image": image, "holder": os.getpid()})

    def end_swaps(self, application: str) -> tuple[str, ...]:
        """Everything of the application runs what is deployed again; returns the names of what did not."""
        return tuple(self._asked("swaps/end", {"application": application}).get("ended", ()))

    def environment_of(self, application: str, service: str) -> dict[str, Any]:
        """`kind`, `folder` and `variables` of a running service; LocalCloudError when it does not run."""
        answer = self._asked("environment", {"application": application, "service": service})
        if not answer.get("ok"):
            raise LocalCloudError(f"`{service}` does not run: {answer.get('reason')}")
        return answer

    def _why_not(self, name: str, document: Mapping[str, Any]) -> str | None:
        answer = self._asked(name, document)
        return None if answer.get("ok") else str(answer.get("reason"))

    def _asked(self, name: str, document: Mapping[str, Any]) -> dict[str, Any]:
        answer = _ask(self, "POST", name, RESUME_TIMEOUT_S, document)
        if answer is None:
            raise LocalCloudError("the local cloud does not answer", log_tail(self.state))
        return answer

    def _application_states(
        self, method: str, name: str, timeout: float
    ) -> Mapping[str, Literal["running", "stopped"]]:
        answer = _ask(self, method, name, timeout)
        if answer is None:
            raise LocalCloudError("the local cloud does not answer", log_tail(self.state))
        return answer


def state_folder(project: str, environment: str) -> Path:
    """Where this project's environment keeps its data: under XDG_STATE_HOME, by default `~/.local/state`."""
    configured = os.environ.get("XDG_STATE_HOME", "")
    # The XDG specification says that a relative path here is to be ignored.
    root = Path(configured) if configured.startswith("/") else Path.home() / ".local" / "state"
    return root / "klotho" / _folder_name(project) / _folder_name(environment)


def running(state: Path) -> Connection | None:
    """The healthy supervisor of this state folder; None when there is none or it does not answer."""
    connection = _recorded(state)
    if connection is None or not _is_alive(connection.pid):
        return None
    health = _ask(connection, "GET", "health", timeout=3.0)
    return connection if health is not None and health.get("pid") == connection.pid else None


def start(
    project: str,
    environment: str,
    region: str,
    progress: Progress = lambda line: None,
    *,
    application: str | None = None,
    timeout_s: float = START_TIMEOUT_S,
) -> Connection:
    """A healthy supervisor of this project and environment: the running one, else a new one in the background.

    A new one brings back the applications that are not stopped. `application`: one to bring back as well (`resume`);
    None leaves all as they are. A supervisor that runs other code than the one installed is stopped and started again.
    `progress` gets one line for each step that takes time.
    """
    state = state_folder(project, environment)
    found = running(state)
    if found is not None and found.version != installed_version():
        progress(f"restarting the local cloud (it runs Klotho {found.version})")
        stop(found)
        found = None
    elif found is not None and found.fingerprint != fingerprint():
        progress("restarting the local cloud (Klotho's code has changed since it was started)")
        stop(found)
        found = None
    if found is None:
        progress("starting the local cloud")
        with reminding(progress, "the local cloud to start"):
            found = _spawn(project, environment, region, state, timeout_s)
    connection = _of_region(found, region)
    if application is not None:
        with reminding(progress, f"the services of {application} to run"):
            connection.resume(application)
    return connection


def stop(connection: Connection, *, timeout_s: float = STOP_TIMEOUT_S) -> None:
    """Stop the supervisor and all it runs; returns when no process of ours is left. Data stay."""
    _ask(connection, "POST", "stop", timeout=5.0)
    _end(connection.state, connection.pid, timeout_s)


def stop_any(state: Path, *, timeout_s: float = STOP_TIMEOUT_S) -> bool:
    """Stop whatever supervisor holds this state folder, answering or not, and end what a killed one left.

    Returns whether there was one.
    """
    holder = _holder(state)
    if holder is not None:
        _signal(holder, signal.SIGTERM)
        _end(state, holder, timeout_s)
    elif state.exists():
        _end_children(state)
        (state / RUNNING_FILE).unlink(missing_ok=True)
    return holder is not None


def delete_data(state: Path) -> None:
    """Delete all data of a stopped local cloud, also newer or damaged ones; what is not there is fine."""
    if is_locked(state):
        raise LocalCloudError("the local cloud is running; stop it before its data are deleted", code="still-running")
    _end_children(state)
    if state.exists():
        import shutil

        try:
            shutil.rmtree(state)
        except OSError as error:
            raise LocalCloudError(
                f"{error.filename or state} can't be deleted: {error.strerror or error}", code="state-folder",
                helps=(f"delete the folder {state} yourself",),
            ) from error  # fmt: skip
    if state.parent.parent.name == "klotho":
        with contextlib.suppress(OSError):  # another environment of the project still has data there
            state.parent.rmdir()


def is_locked(state: Path) -> bool:
    """Whether a supervisor lives in this state folder, healthy or not."""
    import fcntl

    try:
        descriptor = os.open(state / LOCK_FILE, os.O_RDWR)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise _unusable(state, error) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _holder(state: Path) -> int | None:
    """The pid of the supervisor that lives in this folder; it writes it into the file it locks."""
    deadline = time.monotonic() + 2.0
    while is_locked(state):
        text = (state / LOCK_FILE).read_text()
        if text.strip().isdecimal():
            return int(text)
        if time.monotonic() > deadline:
            raise LocalCloudError(f"something holds {state / LOCK_FILE} that is no supervisor", log_tail(state))
        time.sleep(_POLL_S)
    return None


def _end(state: Path, pid: int, timeout_s: float) -> None:
    """Wait for the asked supervisor to end; kill it when it does not; end what it leaves."""
    if not _wait_until(lambda: not is_locked(state), timeout_s):
        holder = _holder(state)  # it holds the lock right now, so this can't hit a stranger's process
        if holder is not None:
            _signal(holder, signal.SIGKILL)
    if not _wait_until(lambda: not is_locked(state) and not _lives(pid), 5.0):
        raise LocalCloudError(f"the local cloud (pid {pid}) does not stop", log_tail(state))
    _end_children(state)
    (state / RUNNING_FILE).unlink(missing_ok=True)


def log_tail(state: Path, lines: int = 20, since: int = 0) -> tuple[str, ...]:
    """The last lines the supervisor wrote about itself; `since`: bytes of the log that are older and left out."""
    try:
        text = (state / LOG_FILE).read_bytes()[since:][-65536:].decode("utf-8", "replace")
    except OSError:
        return ()
    return tuple(text.splitlines()[-lines:])


def _spawn(project: str, environment: str, region: str, state: Path, timeout_s: float) -> Connection:
    import subprocess

    log = state / LOG_FILE
    # -P: the user's folder must not shadow our modules. The region is part of the arguments, not of the environment,
    # because AWS_* variables of the user's shell must have no influence.
    command = [sys.executable, "-P", "-m", "klotho.localcloud.supervisor", "--project", project, "--environment",
               environment, "--state", str(state), "--region", region]  # fmt: skip
    try:
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = log.exists() and log.stat().st_size > MAX_LOG_BYTES
        with log.open("wb" if fresh else "ab") as output:
            begun = output.tell()
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True, cwd=state
            )
    except OSError as error:
        raise _unusable(state, error) from error
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        code = process.poll()
        found = _recorded(state)
        if found is not None and (found.pid == process.pid or code == EXIT_ALREADY_RUNNING):
            found = running(state)
            if found is not None:
                # It outlives this process on purpose; without this, Popen would warn about it.
                process.returncode = process.returncode or 0
                return found
        if code is not None and code != EXIT_ALREADY_RUNNING:
            raise _start_error(state, process.pid, code, begun)
        time.sleep(_POLL_S)
    if process.poll() is None:
        _signal(process.pid, signal.SIGKILL)
        process.wait()
        _end_children(state)
    elif is_locked(state):
        reason = f"the local cloud (pid {_holder(state)}) runs but does not answer"
        raise LocalCloudError(reason, log_tail(state, 20, begun))
    raise LocalCloudError(f"the local cloud was not healthy after {timeout_s:.0f} s", log_tail(state, 20, begun))


def _start_error(state: Path, pid: int, code: int, begun: int) -> LocalCloudError:
    """What the supervisor says of itself, else the lines it wrote since this start."""
    failure = startup_failure.read(state, pid)
    if failure is not None:
        return LocalCloudError(failure.message, code=failure.code, helps=failure.helps)
    lines = log_tail(state, 20, begun)
    missing = next((line for line in reversed(lines) if line.startswith("ModuleNotFoundError")), None)
    if missing is not None:
        helps = ("install what the local cloud needs: `pip install 'klotho[local]'`",)
        return LocalCloudError(f"the local cloud did not start: {missing}", code="not-installed", helps=helps)
    helps = (f"the whole log is {state / LOG_FILE}",)
    return LocalCloudError(
        f"the local cloud ended at its start (exit code {code})", lines, code="start-failed", helps=helps
    )


def _unusable(state: Path, error: OSError) -> LocalCloudError:
    path = error.filename or state
    return LocalCloudError(
        f"the local cloud can't use its folder {state}: {path}: {error.strerror or error}",
        code="state-folder",
        helps=(f"make sure that {state} can be a folder you may write to, or set XDG_STATE_HOME to one",),
    )


def _of_region(connection: Connection, region: str) -> Connection:
    if connection.region != region:
        raise LocalCloudError(
            f"the local cloud runs as region {connection.region}, not {region}; stop it first",
            code="other-region",
            helps=(f"use region {connection.region}", "or stop it with `klotho down` and delete its data"),
        )
    return connection


def _recorded(state: Path) -> Connection | None:
    """What the last supervisor wrote, whether it still runs or not."""
    try:
        found = json.loads((state / RUNNING_FILE).read_bytes())
        return Connection(
            state=state,
            project=str(found["project"]),
            environment=str(found["environment"]),
            region=str(found["region"]),
            version=str(found["version"]),
            endpoint_url=str(found["endpoint_url"]),
            pid=int(found["pid"]),
            access_key=str(found["access_key"]),
            secret_key=str(found["secret_key"]),
            token=str(found["token"]),
            fingerprint=str(found.get("fingerprint", "")),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _ask(
    connection: Connection, method: str, name: str, timeout: float, asked: Mapping[str, Any] | None = None
) -> dict[str, Any] | None:
    """Call one of the supervisor's own paths; None when it does not answer as a supervisor would."""
    from http.client import HTTPConnection, HTTPException

    address = connection.endpoint_url.removeprefix("http://")
    client = HTTPConnection(address, timeout=timeout)
    try:
        body = None if asked is None else json.dumps(asked)
        client.request(method, f"/_klotho/{name}", body, headers={"Authorization": f"Bearer {connection.token}"})
        response = client.getresponse()
        document = json.loads(response.read())
    except (OSError, HTTPException, ValueError):
        return None
    finally:
        client.close()
    return document if response.status < 300 and isinstance(document, Mapping) else None  # type: ignore[return-value]


def _application_path(application: str, act: str) -> str:
    from urllib.parse import quote

    return f"applications/{quote(application, safe='')}/{act}"


def _end_children(state: Path) -> None:
    from klotho.localcloud.planes.processes import end_leftovers

    end_leftovers(state)


def _wait_until(done: Callable[[], bool], timeout_s: float) -> bool:
    deadline = time.monotonic() + timeout_s
    while not done():
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_S)
    return True


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):  # gone in the meantime
        os.kill(pid, number)


def _lives(pid: int) -> bool:
    """Whether the process still runs, once a supervisor that was started by this very process has been reaped.

    One that has ended and waits for process 1 to reap it does not: in a container that may take seconds, or for ever.
    """
    from klotho.localcloud.planes.reaper import start_mark

    with contextlib.suppress(ChildProcessError):  # no child of ours: nobody waits for us to reap it
        os.waitpid(pid, os.WNOHANG)
    return _is_alive(pid) and start_mark(pid) is not None


def _folder_name(name: str) -> str:
    """A folder name that no two names share and that can't leave the parent folder."""
    from urllib.parse import quote

    return quote(name, safe=" ").replace(".", "%2E") or "%"
