"""Taking a lease, holding it by a heartbeat, and stopping when it was taken away.

Input: a `Room` (the store, and this machine's signs of life), a name, who asks, and time (handed in). Output: a
`Lease`. Refuses, with exit 10: a lease somebody else holds (`locked`), and any write after it was taken away
(`lease-lost`).

No clocks are compared: a lease whose ETag a waiter saw unchanged for `Timing.seconds` of its own clock is taken over.
A holder's own clock only ever makes it more careful: when it could not renew for that long it asks the store before it
goes on.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from klotho.deploy.lease.claim import Claim, Claimant, claim_of
from klotho.deploy.lease.lives import Lives
from klotho.diagnostics import ExitCode, Failure
from klotho.stores import Kept, Store

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Timing:
    """How long a lease lasts, and time itself."""

    seconds: float
    """A lease not renewed for so long may be taken over."""
    beat: float
    """Seconds between heartbeats; a few of them fit into a lease."""
    poll: float
    """Seconds between the looks of a waiter."""
    clock: Callable[[], float]
    """Seconds, monotonic."""
    sleep: Callable[[float], None]
    wall_ms: Callable[[], int]
    """Milliseconds since 1970: only for ages that are shown."""


@dataclass(frozen=True, slots=True)
class Room:
    """Where leases are."""

    store: Store
    lives: Lives
    """Of this machine, whichever store it is."""


class Lease:
    """A held lease: a context that renews it in the background and gives it back. Safe to use from several threads."""

    def __init__(self, room: Room, name: str, what: str, claim: Claim, etag: str, timing: Timing) -> None:
        """`what`: what it is on, in words: `shop in staging`."""
        self.name = name
        self._store = room.store
        self._lives = room.lives
        self._what = what
        self._claim = claim
        self._etag = etag
        self._timing = timing
        self._confirmed = timing.clock()
        self._lost = False
        self._lock = threading.Lock()
        """Held around each use of the store, so that no renewal comes between a look and what it decides."""
        self._done = threading.Event()
        self._heart = threading.Thread(target=self._beat, name=f"lease {name}", daemon=True)

    def __enter__(self) -> Lease:
        self._heart.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.release()

    def check(self, *, fresh: bool = False) -> None:
        """Failure (`lease-lost`) when the lease is not ours any more. `fresh` asks the store; without it the last
        heartbeat's knowledge is enough, unless it is older than two beats."""
        with self._lock:
            old = self._timing.clock() - self._confirmed > 2 * self._timing.beat
            if not self._lost and (fresh or old):
                held = self._store.read(self.name)
                self._seen(held is not None and held.etag == self._etag)
            if self._lost:
                raise self._robbed()

    def guard(self, service: str, operation: str) -> None:
        """What every mutating call of the holder passes (`Clients.guarded`): CloudFormation's ask the store."""
        self.check(fresh=service == "cloudformation")

    def release(self) -> None:
        """Give it back; one that was taken away stays with whoever took it. From here on `check` refuses: threads
        that Ctrl-C left behind write no more."""
        self._done.set()
        if self._heart.ident is not None:
            self._heart.join()
        with self._lock:
            if not self._lost:
                self._lost = True
                self._store.delete(self.name, self._etag)
            self._lives.end(self._claim.id)

    def _beat(self) -> None:
        while not self._done.wait(self._timing.beat):
            with self._lock:
                if self._lost:
                    return
                self._renew()

    def _renew(self) -> None:
        claim = self._claim.beaten()
        try:
            etag = self._store.replace(self.name, claim.to_bytes(), self._etag)
        except (Failure, OSError):
            # The store may be back before the lease is over; until then `check` asks it itself.
            return
        if etag is not None:
            self._claim, self._etag = claim, etag
        self._seen(etag is not None)

    def _seen(self, ours: bool) -> None:
        if ours:
            self._confirmed = self._timing.clock()
        else:
            self._lost = True

    def _robbed(self) -> Failure:
        held = self._store.read(self.name)
        now = f"it is held by {claim_of(held.body).who()} now" if held else "nobody holds it now"
        return Failure(
            "lease-lost",
            f"the lease on {self._what} was taken away from this run",
            notes=(now, "this run changed nothing more from there on"),
            helps=("run the command again: what is done already is not done twice",),
            exit_code=ExitCode.LOCKED,
        )


def acquire(room: Room, name: str, what: str, by: Claimant, claim_id: str, timing: Timing, say: Say) -> Lease:
    """The lease, at once when it is free and after `timing.seconds` when its holder is gone.

    Failure (`locked`) as soon as the holder is seen to live. `claim_id`: random, of this attempt.
    """
    claim = Claim(by, claim_id)
    room.lives.sign(claim.id)
    try:
        etag = _taken(room, name, what, claim, timing, say)
    except BaseException:
        room.lives.end(claim.id)
        raise
    return Lease(room, name, what, claim, etag, timing)


def _taken(room: Room, name: str, what: str, claim: Claim, timing: Timing, say: Say) -> str:
    body, since, said = claim.to_bytes(), 0.0, False
    store, first = room.store, None
    while True:
        held = store.read(name)
        if held is None:
            etag = store.create(name, body)
            if etag is not None:
                return etag
            continue
        if first is None:
            first, since = held, timing.clock()
        if held.etag != first.etag:
            raise locked(what, held, timing)
        ended = room.lives.has_ended(claim_of(held.body).id)
        if ended or timing.clock() - since >= timing.seconds:
            return _robbed(room, name, what, claim, held, timing, say)
        if not said and timing.clock() - since > 2 * timing.beat:
            said = True
            say(_waiting(what, held, timing, since))
        timing.sleep(timing.poll)


def _robbed(room: Room, name: str, what: str, claim: Claim, held: Kept, timing: Timing, say: Say) -> str:
    etag = room.store.replace(name, claim.to_bytes(), held.etag)
    if etag is None:
        faster = room.store.read(name)
        raise locked(what, faster or held, timing)
    gone = claim_of(held.body)
    room.lives.end(gone.id)
    say(f"took over {what} from {gone.who()}, which ended without giving it back")
    return etag


def _waiting(what: str, held: Kept, timing: Timing, since: float) -> str:
    left = max(0.0, timing.seconds - (timing.clock() - since))
    return f"{what} is held by {claim_of(held.body).who()}, which gives no sign of life; taking it over in {left:.0f} s"


def is_alive(room: Room, name: str, timing: Timing) -> bool:
    """Whether what holds a lease renews it: watched for at most `timing.seconds`. False when nothing is there."""
    first, since = room.store.read(name), timing.clock()
    while first is not None and not room.lives.has_ended(claim_of(first.body).id):
        if timing.clock() - since >= timing.seconds:
            return False
        timing.sleep(timing.poll)
        held = room.store.read(name)
        if held is None:
            return False
        if held.etag != first.etag:
            return True
    return False


def locked(what: str, held: Kept, timing: Timing) -> Failure:
    """Failure `locked`, exit 10, that names the holder."""
    claim = claim_of(held.body)
    age = max(0, timing.wall_ms() - claim.by.begun) // 1000
    return Failure(
        "locked",
        f"{what} is being changed by {claim.who()}, since {shown_age(age)}",
        notes=(f"it runs `{claim.by.command}`, and its heartbeat goes on; nothing was changed",),
        helps=(
            "run the command again when it has ended",
            f"if it dies, it may be taken over {timing.seconds:.0f} s after its last heartbeat: "
            "the next command does that by itself",
            "`klotho unlock` shows who holds it, and removes what nobody renews",
        ),
        exit_code=ExitCode.LOCKED,
        data={
            "holder": claim.by.holder,
            "host": claim.by.host,
            "pid": claim.by.pid,
            "command": claim.by.command,
            "age_seconds": age,
        },
    )


def shown_age(seconds: int) -> str:
    """`42 s`, `3 min`, `2 h`."""
    if seconds < 120:
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < 7200 else f"{seconds // 3600} h"
