"""Leases: who gets one, who is told to wait, when one is taken over, and that a robbed holder writes no more."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from botocore.awsrequest import AWSResponse
from botocore.session import Session as Botocore
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from klotho.deploy.lease import (
    Claim,
    Claimant,
    Lease,
    Lives,
    Room,
    Timing,
    acquire,
    application_lease,
    is_alive,
    project_lease,
)
from klotho.deploy.lease.claim import claim_of
from klotho.deploy.place import Clients, Place
from klotho.diagnostics import ExitCode, Failure
from klotho.stores import Kept
from klotho.stores.folder import FolderStore

NAME = application_lease("acme", "staging", "shop")


class Time:
    """A clock that moves only when somebody sleeps, and what happens meanwhile."""

    def __init__(self) -> None:
        self.now = 0.0
        self.meanwhile: list[tuple[float, object]] = []

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        due = [item for item in self.meanwhile if item[0] <= self.now]
        self.meanwhile = [item for item in self.meanwhile if item[0] > self.now]
        for _, action in due:
            action()  # type: ignore[operator]

    def timing(self, seconds: float = 10.0) -> Timing:
        return Timing(seconds, 2.0, 0.5, lambda: self.now, self.sleep, lambda: 100_000)


def take(store: FolderStore, time: Time, who: str = "ann", said: list[str] | None = None) -> Lease:
    """As a machine of its own: nobody can tell who lives but by the heartbeat."""
    by = Claimant(who, "laptop", 4711, "klotho up", 40_000)
    room = Room(store, Lives(store._folder / "lives" / who))
    return acquire(room, NAME, "`shop` in staging", by, f"id-{who}", time.timing(), (said or []).append)


def test_a_free_lease_is_taken_at_once_and_given_back(tmp_path: Path) -> None:
    store, time = FolderStore(tmp_path), Time()
    with take(store, time) as lease:
        lease.check(fresh=True)
        assert claim_of(store.read(NAME).body).who() == "ann on laptop (pid 4711)"  # type: ignore[union-attr]
    assert (store.read(NAME), time.now) == (None, 0.0)
    with pytest.raises(Failure):
        lease.check()


def test_whoever_meets_a_living_holder_is_told_who_it_is_and_exits_10(tmp_path: Path) -> None:
    store, time = FolderStore(tmp_path), Time()
    holder = take(store, time)
    time.meanwhile = [(2.0, holder._renew)]
    with pytest.raises(Failure) as caught:
        take(store, time, "bob")
    assert (caught.value.exit_code, caught.value.diagnostic.code) == (ExitCode.LOCKED, "locked")
    assert str(caught.value) == "`shop` in staging is being changed by ann on laptop (pid 4711), since 60 s"
    assert "10 s after its last heartbeat" in " ".join(caught.value.diagnostic.helps)
    assert time.now == 2.0
    holder.check(fresh=True)


def test_a_lease_nobody_renews_is_taken_over_after_its_time_and_not_before(tmp_path: Path) -> None:
    store, time, said = FolderStore(tmp_path), Time(), [""]
    robbed = take(store, time)
    take(store, time, "bob", said)
    assert time.now == 10.0
    assert said[1:] == [
        "`shop` in staging is held by ann on laptop (pid 4711), which gives no sign of life; taking it over in 6 s",
        "took over `shop` in staging from ann on laptop (pid 4711), which ended without giving it back",
    ]
    with pytest.raises(Failure, match="was taken away") as caught:
        robbed.check(fresh=True)
    assert (caught.value.exit_code, caught.value.diagnostic.code) == (ExitCode.LOCKED, "lease-lost")
    robbed.release()
    assert claim_of(store.read(NAME).body).by.holder == "bob"  # type: ignore[union-attr]


def test_a_holder_that_can_not_renew_asks_before_it_goes_on(tmp_path: Path) -> None:
    store, time = FolderStore(tmp_path), Time()
    lease = take(store, time)
    held = store.read(NAME)
    assert held is not None and store.replace(NAME, b"{}", held.etag)
    lease.check()  # the last heartbeat is fresh enough
    time.now = 4.5
    with pytest.raises(Failure, match="was taken away"):
        lease.check()


def test_what_fails_to_answer_is_not_a_lost_lease_but_nothing_is_written_either(tmp_path: Path) -> None:
    class Unreachable(FolderStore):
        reachable = True

        def read(self, name: str) -> Kept | None:
            if not self.reachable:
                raise Failure("cloud-unreachable", "the cloud did not answer")
            return super().read(name)

    store = Unreachable(tmp_path)
    lease = take(store, Time())
    store.reachable = False
    lease._renew()
    with pytest.raises(Failure, match="did not answer"):
        lease.guard("cloudformation", "UpdateStack")
    store.reachable = True
    lease.guard("cloudformation", "UpdateStack")


def test_only_calls_that_change_something_pass_the_guard_and_each_attempt_does(tmp_path: Path) -> None:
    asked: list[tuple[str, str]] = []

    def guard(service: str, operation: str) -> None:
        asked.append((service, operation))
        raise Failure("lease-lost", "gone")

    place = Place("eu-west-1", "123456789012", "http://127.0.0.1:9", "AKIAIOSFODNN7EXAMPLE", "secret")
    clients = Clients(place).guarded(guard)
    with pytest.raises(Failure):
        clients.cloudformation.update_stack(StackName="a", TemplateBody="{}")
    with pytest.raises(Failure):
        clients.in_region("us-east-1").s3.put_object(Bucket="a", Key="b", Body=b"")
    assert asked == [("cloudformation", "UpdateStack"), ("s3", "PutObject")]
    answer = AWSResponse("", 200, {}, None)
    answer._content = b"<DescribeStacksResponse><DescribeStacksResult/></DescribeStacksResponse>"
    clients.cloudformation.meta.events.register_first("before-send", lambda **_: answer)
    clients.cloudformation.describe_stacks()
    assert len(asked) == 2


def test_every_operation_the_deployer_calls_to_change_something_counts_as_a_write() -> None:
    writing = {
        "cloudformation": "CreateStack UpdateStack DeleteStack ContinueUpdateRollback UpdateTerminationProtection",
        "s3": "PutObject DeleteObject DeleteObjects PutBucketPolicy",
        "acm": "ImportCertificate DeleteCertificate AddTagsToCertificate",
        "cloudfront": "CreateInvalidation",
    }
    seen: list[str] = []
    for service, operations in writing.items():
        model = Botocore().get_service_model(service)
        hook = Clients._guarded_by(lambda service, operation: seen.append(operation), service)
        for operation in operations.split():
            hook(model.operation_model(operation).name)
    assert seen == " ".join(writing.values()).split()


def test_a_heartbeat_keeps_the_lease_and_shows_that_its_holder_lives(tmp_path: Path) -> None:
    import time

    store = FolderStore(tmp_path)
    timing = Timing(1.0, 0.02, 0.005, time.monotonic, time.sleep, lambda: 0)
    room = Room(store, Lives(tmp_path / "lives"))
    with acquire(room, NAME, "shop", Claimant("ann", "laptop", 1, "klotho up", 0), "id", timing, print):
        assert is_alive(room, NAME, timing)
        with pytest.raises(Failure, match="is being changed by ann"):
            acquire(room, NAME, "shop", Claimant("bob", "laptop", 2, "klotho up", 0), "other", timing, print)
    assert not is_alive(room, NAME, timing)


def test_fifty_threads_race_and_exactly_one_wins(tmp_path: Path) -> None:
    store, time = FolderStore(tmp_path), Time()
    start, won = threading.Barrier(50), []

    def race(number: int) -> None:
        start.wait()
        body = Claim(Claimant("ann", "laptop", number, "", 0), str(number)).to_bytes()
        if store.create(NAME, body) is not None:
            won.append(number)

    threads = [threading.Thread(target=race, args=(number,)) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert time.now == 0.0


def test_damaged_bytes_are_a_claim_of_somebody_that_expires(tmp_path: Path) -> None:
    store, time = FolderStore(tmp_path), Time()
    assert store.create(NAME, b"not json")
    take(store, time)
    assert time.now == 10.0


def test_leases_of_different_applications_and_of_the_project_are_different() -> None:
    names = {
        application_lease("a", "b", "c"),
        application_lease("a", "b", "project"),
        project_lease("a", "b"),
        application_lease("a", "b", "../project"),
        application_lease("a/b", "c", "d"),
    }
    assert len(names) == 5
    assert all(".." not in name and not name.startswith("/") for name in names)


class StoreMachine(RuleBasedStateMachine):
    """Any history of operations by processes that know any earlier ETag: the store does what the model does."""

    folder: Path

    @initialize(path=st.uuids())
    def begin(self, path: object) -> None:
        import tempfile

        self.folder = Path(tempfile.mkdtemp())
        self.stores = [FolderStore(self.folder), FolderStore(self.folder)]
        self.model: Kept | None = None
        self.etags = ["never"]
        self.written = 0

    def _body(self) -> bytes:
        self.written += 1
        return b"%d" % self.written

    def _keep(self, body: bytes, etag: str | None) -> None:
        if etag is not None:
            self.model = Kept(body, etag)
            self.etags.append(etag)

    @rule(which=st.integers(0, 1))
    def create(self, which: int) -> None:
        body, free = self._body(), self.model is None
        etag = self.stores[which].create(NAME, body)
        assert (etag is not None) == free
        self._keep(body, etag)

    @rule(which=st.integers(0, 1), known=st.integers(0, 50))
    def replace(self, which: int, known: int) -> None:
        body, expected = self._body(), self.etags[known % len(self.etags)]
        fits = self.model is not None and self.model.etag == expected
        etag = self.stores[which].replace(NAME, body, expected)
        assert (etag is not None) == fits
        self._keep(body, etag)

    @rule(which=st.integers(0, 1), known=st.integers(0, 50))
    def delete(self, which: int, known: int) -> None:
        expected = self.etags[known % len(self.etags)]
        fits = self.model is not None and self.model.etag == expected
        assert self.stores[which].delete(NAME, expected) == fits
        if fits:
            self.model = None

    @invariant()
    def the_store_holds_what_the_model_holds(self) -> None:
        if hasattr(self, "stores"):
            assert [store.read(NAME) for store in self.stores] == [self.model, self.model]

    def teardown(self) -> None:
        import shutil

        if hasattr(self, "folder"):
            shutil.rmtree(self.folder)


TestStore = StoreMachine.TestCase
TestStore.settings = settings(max_examples=30, stateful_step_count=25, deadline=None)
