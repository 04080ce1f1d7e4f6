"""The functions plane: every live Lambda function of the local cloud, ready to be invoked.

Input: the records of `AWS::Lambda::Function`. Output: invocations answered by real workers (`worker.py`) through the
Lambda Runtime API, with AWS's log lines in the function's log group. Refuses, in AWS's terms (`ApiError`), unknown
functions, payloads beyond 6 MB and calls beyond the reserved concurrency.

What is not as on AWS: memory is looked at ten times a second, in the function's own process and on Linux only (a limit
on address space, which is all an operating system offers without containers, kills Node at start); the code's folder
can be written to by the function; at most 8 invocations of a function run at once (`limit`), further ones wait instead
of being throttled.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from klotho.localcloud.handler import HandlerError, Record
from klotho.localcloud.planes.containers.image import REPOSITORY, Image
from klotho.localcloud.planes.containers.image import load_image as load_container_image
from klotho.localcloud.planes.functions import package, runtimes
from klotho.localcloud.planes.functions.event_queue import RETRY_DELAYS_S, EventQueue
from klotho.localcloud.planes.functions.image import FunctionImage, load_image
from klotho.localcloud.planes.functions.layers import Layers
from klotho.localcloud.planes.functions.model import (
    EVENT_PAYLOAD_LIMIT,
    PAYLOAD_LIMIT,
    FunctionSpec,
    Invocation,
    name_of,
    spec_of,
)
from klotho.localcloud.planes.functions.pool import Pool
from klotho.localcloud.planes.functions.sandbox import sandbox
from klotho.localcloud.planes.functions.worker import Call
from klotho.localcloud.service import ApiError
from klotho.localcloud.status import State, UnitStatus

if TYPE_CHECKING:
    from klotho.localcloud.cloud import Cloud

FUNCTION = "AWS::Lambda::Function"
WORKER_LIMIT = 8
IDLE_S = 300.0
"""A worker without work for so long is ended."""
_REAP_EVERY_S = 15.0
_LOOK_EVERY_S = 0.002


class Functions:
    """Pools of workers by function name. Used from the supervisor's event loop only."""

    def __init__(
        self,
        cloud: Cloud,
        *,
        limit: int = WORKER_LIMIT,
        idle_s: float = IDLE_S,
        retry_delays_s: Sequence[float] = RETRY_DELAYS_S,
    ) -> None:
        self._cloud = cloud
        self._limit = limit
        self._idle_s = idle_s
        self._folder = cloud.state / "functions"
        self._packages = self._folder / ".runtime-python"
        self._packages_ready = False
        self._pools: dict[str, Pool] = {}
        self._retired: set[Pool] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self._to_warm: asyncio.Queue[Pool] = asyncio.Queue()
        self.layers = Layers(cloud.state / "layers", cloud.world)
        self.events = EventQueue(cloud, self.invoke, retry_delays_s)

    async def start(self) -> None:
        """Start housekeeping and the queue of asynchronous invocations; functions come by `put`."""
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._reap()), loop.create_task(self._warm())]
        self.layers.collect()
        self.events.start()

    async def stop(self) -> None:
        """End all workers; nothing of theirs is left running."""
        await self.events.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(pool.stop() for pool in [*self._pools.values(), *self._retired]))
        self._pools.clear()
        self._retired.clear()

    async def put(self, record: Record, *, warm: bool = True) -> None:
        """Create the function or change it: new invocations use the new version, running ones finish on the old.

        `warm`: start one worker soon, so that the first call finds it ready. Raises `HandlerError` for a package that
        can't be read and a runtime that can't be run here.
        """
        code = record.properties["Code"]
        spec = spec_of(record, self._image(code) if "ImageUri" in code else None)
        if spec.container is None and len(spec.command or ()) > 1:
            raise HandlerError("a function's image is told one handler: one word", "InvalidParameterValueException")
        try:
            runtimes.require(spec.runtime)
            if spec.runtime in runtimes.PYTHON and not self._packages_ready:
                runtimes.python_packages(self._packages)
                self._packages_ready = True
        except runtimes.RuntimeUnavailableError as error:
            raise HandlerError(str(error), "InvalidParameterValueException") from error
        folder, opt = await self._code(spec), await self._opt(spec)
        while not (folder.is_dir() and (opt is None or opt.is_dir())):
            # Cleared away meanwhile, with the last worker of the version before.
            folder, opt = await self._code(spec), await self._opt(spec)
        self._cloud.swapped.clear(FUNCTION, spec.name)
        old = self._pools.get(spec.name)
        if old is not None and old.spec.digest() == spec.digest() and (old.code, old.opt) == (folder, opt):
            old.spec = spec
            return
        new = Pool(self._cloud, spec, folder, self._packages, self._workers(spec), self._collect, opt)
        self._pools[spec.name] = new
        if old is not None:
            self._retire(old, into=new)
        if warm:
            self._to_warm.put_nowait(new)

    async def swap(self, identifier: str, files: Mapping[str, Path], removed: Collection[str], holder: int) -> None:
        """Serve changed code without a deployment, from the moment it is ready; `holder` is the process that asks.

        `files` (path in the package -> file) are put in, `removed` are taken out of what runs now. `HandlerError` when
        the code does not start: what ran before goes on.
        """
        old = self._pool(identifier)
        if old.spec.container is not None:
            raise HandlerError("a container on Lambda runs new code once it is deployed", "InvalidCode")
        try:
            code = await asyncio.to_thread(package.changed, old.code, files, removed, self._folder)
        except package.PackageError as error:
            raise HandlerError(str(error), "InvalidParameterValueException") from error
        new = Pool(self._cloud, old.spec, code, self._packages, old.limit, self._collect, old.opt)
        new.warm()
        while new.starting:
            await asyncio.sleep(_LOOK_EVERY_S)
        if new.last_failure is not None or self._pools.get(old.spec.name) is not old:
            await new.stop()
            shutil.rmtree(code, ignore_errors=True)
            raise HandlerError(_said(new.last_failure or "the function was deployed meanwhile"), "InvalidCode")
        self._cloud.swapped.mark(FUNCTION, old.spec.name, holder)
        self._pools[old.spec.name] = new
        self._retire(old, into=new)

    def folder_and_environment(self, function: str) -> tuple[Path, dict[str, str]]:
        """Where the function's code lies, and the environment a worker of it has."""
        pool = self._pool(function)
        _, folder, variables = sandbox(self._cloud, pool.spec, pool.code, self._packages, pool.opt)
        return folder, variables

    async def remove(self, identifier: str) -> None:
        """Forget the function; calls under way finish. Removing an unknown one is fine."""
        self._cloud.swapped.clear(FUNCTION, identifier)
        pool = self._pools.pop(identifier, None)
        if pool is None:
            return
        for call in self._retire(pool):
            call.future.set_exception(self._unknown(identifier))
        self._collect()

    async def suspend(self, identifier: str) -> None:
        """End the function's workers now, without forgetting the function; `put` brings it back.

        Calls under way fail as if their runtime had been killed; asynchronous events wait for its return.
        """
        self._cloud.swapped.clear(FUNCTION, identifier)
        pool = self._pools.pop(identifier, None)
        if pool is not None:
            await pool.stop()

    async def invoke(self, function: str, payload: bytes, client_context: str | None = None) -> Invocation:
        """Run the function (by name or ARN) and wait for its answer.

        An error of the function is an `Invocation` with `error` set. Raises `ApiError` for what AWS's Invoke refuses:
        ResourceNotFoundException, RequestEntityTooLargeException (413), TooManyRequestsException (429).
        """
        pool = self._pool(function)
        if len(payload) > PAYLOAD_LIMIT:
            raise _request_too_large(len(payload), "RequestResponse", PAYLOAD_LIMIT)
        future: asyncio.Future[Invocation] = asyncio.get_running_loop().create_future()
        pool.submit(Call(payload, future, client_context=client_context))
        return await future

    def enqueue(self, function: str, payload: bytes) -> None:
        """Invoke asynchronously: returns as soon as the event is stored; two retries on errors, as on AWS."""
        name = self._pool(function).spec.name
        if len(payload) > EVENT_PAYLOAD_LIMIT:
            raise _request_too_large(len(payload), "Event", EVENT_PAYLOAD_LIMIT)
        self.events.add(name, payload)

    def get(self, function: str) -> FunctionSpec:
        """The function as it runs now; `ApiError` ResourceNotFoundException."""
        return self._pool(function).spec

    def pids(self, function: str) -> list[int]:
        """The processes that run this function now, each the leader of its group."""
        pool = self._pools.get(function) or self._pools.get(name_of(function))
        return [] if pool is None else [worker.pid for worker in pool.workers if worker.pid is not None]

    def status(self) -> list[UnitStatus]:
        notes = self._cloud.swapped
        return [_status(pool, notes.note(FUNCTION, name)) for name, pool in sorted(self._pools.items())]

    def _pool(self, function: str) -> Pool:
        pool = self._pools.get(function) or self._pools.get(name_of(function))
        if pool is None:
            raise self._unknown(function)
        return pool

    def _unknown(self, function: str) -> ApiError:
        arn = f"arn:aws:lambda:{self._cloud.region}:{self._cloud.account}:function:{name_of(function)}"
        return ApiError("ResourceNotFoundException", f"Function not found: {arn}", 404)

    def _workers(self, spec: FunctionSpec) -> int:
        return self._limit if spec.reserved is None else max(1, min(self._limit, spec.reserved))

    async def _code(self, spec: FunctionSpec) -> Path:
        code = spec.code
        if spec.container is not None:
            return spec.container.root
        try:
            if "ZipFile" in code:
                name = "index.js" if spec.is_node else "index.py"
                return package.inline(str(code["ZipFile"]), name, self._folder)
            if "ImageUri" in code:
                image = self._image(code)
                assert isinstance(image, FunctionImage)
                return await asyncio.to_thread(package.unpack, image.package, self._folder, package.IMAGE_LIMIT)
            path = self._cloud.objects.package(str(code["S3Bucket"]), str(code["S3Key"]))
            # Unpacking thousands of files would hold up every other request of the local cloud.
            return await asyncio.to_thread(package.unpack, path, self._folder)
        except (KeyError, FileNotFoundError) as error:
            where = f"s3://{code.get('S3Bucket')}/{code.get('S3Key')}"
            reason = f"Error occurred while GetObject. S3 Error Code: NoSuchKey. {where} does not exist"
            raise HandlerError(reason, "InvalidParameterValueException") from error
        except package.PackageError as error:
            raise HandlerError(str(error), "InvalidParameterValueException") from error

    async def _opt(self, spec: FunctionSpec) -> Path | None:
        """What its layers hold, unpacked."""
        if not spec.layers:
            return None
        try:
            return await asyncio.to_thread(self._layered, spec)
        except package.PackageError as error:
            raise HandlerError(str(error), "InvalidParameterValueException") from error

    def _layered(self, spec: FunctionSpec) -> Path | None:
        code = spec.code
        own = b"" if "S3Key" not in code else self._cloud.objects.package(str(code["S3Bucket"]), str(code["S3Key"]))
        self.layers.checked(spec.layers, package.unzipped_size(own) if own else 0)
        return self.layers.unpacked(spec.layers, self._folder)

    def _image(self, code: Mapping[str, Any]) -> FunctionImage | Image:
        """Of a function, or of a container."""
        uri, images = str(code["ImageUri"]), self._cloud.state / "images"
        found: FunctionImage | Image | None = load_image(images, uri)
        if found is None and uri.startswith(f"{REPOSITORY}@sha256:"):
            found = load_container_image(images, uri.rpartition(":")[2])
        if found is None:
            message = f"Source image {uri} does not exist. Provide a valid source image."
            raise HandlerError(message, "InvalidParameterValueException")
        return found

    def _retire(self, pool: Pool, into: Pool | None = None) -> list[Call]:
        """Calls that had not begun go to the new version, or are returned."""
        calls = [call for call in pool.retire() if not call.future.done()]
        self._retired.add(pool)
        if not pool.workers:
            self._collect()
        if into is None:
            return calls
        for call in calls:
            into.submit(call)
        return []

    def _collect(self) -> None:
        """Delete unpacked code that no function and no running worker uses any more."""
        done = {pool for pool in self._retired if not pool.workers}
        self._retired -= done
        used = {folder for pool in (*self._pools.values(), *self._retired) for folder in (pool.code, pool.opt)}
        for folder in {folder for pool in done for folder in (pool.code, pool.opt)} - used:
            if folder is not None and folder.is_relative_to(self._folder):  # a container's image stays
                shutil.rmtree(folder, ignore_errors=True)

    async def _warm(self) -> None:
        """One after another: a deployment of fifty functions must not start fifty processes at once."""
        while True:
            pool = await self._to_warm.get()
            if self._pools.get(pool.spec.name) is pool:
                pool.warm()
            while pool.starting:
                await asyncio.sleep(0.01)

    async def _reap(self) -> None:
        while True:
            await asyncio.sleep(min(_REAP_EVERY_S, self._idle_s))
            for pool in self._pools.values():
                pool.reap(self._idle_s)


def _request_too_large(size: int, kind: str, limit: int) -> ApiError:
    message = f"{size} byte payload is too large for the {kind} invocation type (limit {limit} bytes)"
    return ApiError("RequestEntityTooLargeException", message, 413)


def _status(pool: Pool, note: str | None = None) -> UnitStatus:
    """`note`: what is to be said of it first."""
    spec = pool.spec
    busy = sum(worker.busy for worker in pool.workers)
    detail = f"{spec.runtime} run by {runtimes.says(spec.runtime)}; {len(pool.workers)} workers, {busy} busy"
    detail = detail if note is None else f"{note}; {detail}"
    if pool.last_failure is not None:
        return UnitStatus(
            spec.construct, "function", "failed", None, spec.log_group, detail=_one_line(pool.last_failure),
            application=spec.application,
        )  # fmt: skip
    pids = sorted(worker.pid for worker in pool.workers if worker.pid is not None)
    state: State = "running" if busy else "idle"
    pid = pids[0] if pids else None
    return UnitStatus(
        spec.construct, "function", state, None, spec.log_group, detail=detail, pid=pid, application=spec.application
    )


def _said(failure: str) -> str:
    """The error document of a start as text: type and message, then where it happened, a line each."""
    try:
        document = orjson.loads(failure)
        trace = document.get("stackTrace") or document.get("trace") or ()  # Python's and Node's name for it
        return "\n".join([f"{document['errorType']}: {document['errorMessage']}", *(str(line) for line in trace)])
    except (ValueError, TypeError, KeyError, AttributeError):
        return failure  # a runtime may post anything


def _one_line(failure: str) -> str:
    """`Runtime.ImportModuleError: Unable to import …` of an error document."""
    try:
        document = orjson.loads(failure)
        text = f"{document['errorType']}: {document['errorMessage']}"
    except (ValueError, TypeError, KeyError):
        text = failure  # a runtime may post anything
    return " ".join(text.split())
