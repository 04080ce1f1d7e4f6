"""What the applications of a project may not be together, and who is held up by it."""

from __future__ import annotations

from klotho.application import Application, Construct, Existing
from klotho.diagnostics import Diagnostic
from klotho.registry import Conflict, Entry, Origin, Snapshot, Unreadable, join
from tests.unit.registry.applications import application, construct, entry, large

REPOSITORY = Origin("services/billing", "github.com/kentoso/billing")


def snapshot(*entries: Entry, unreadable: tuple[Unreadable, ...] = ()) -> Snapshot:
    return Snapshot("acme", "prod", entries, unreadable)


def conflicts(entries: list[Entry], local: Application | None = None) -> list[Conflict]:
    return join(snapshot(*entries), local, "/home/bob/shop")


def domain(line: int, **more: object) -> Construct:
    return construct("Domain", "shop.example", line, **more)


def test_a_domain_that_two_applications_claim_is_refused_with_both_lines_and_the_fix() -> None:
    other = entry(application("billing", domain(7)), origin=REPOSITORY)
    (found,) = conflicts([other], application("shop", domain(12)))
    told = found.diagnostic
    assert (told.code, found.applications) == ("domain-claimed-twice", {"shop", "billing"})
    assert told.message == "the domain `shop.example` is claimed by `billing` and `shop` in project `acme`"
    assert told.span is not None and told.span.line == 12
    assert told.notes[:2] == (
        "in `billing`: github.com/kentoso/billing/services/billing/infra.py:7",
        "in `shop`: /home/bob/shop/infra.py:12",
    )
    assert "`billing.shop.example`" in told.helps[0]
    assert "remove it from `billing`, run `klotho up` there, then here" in told.helps[1]


def test_a_domain_that_is_adopted_or_another_ones_is_no_claim() -> None:
    other = entry(application("billing", domain(7)))
    assert not conflicts([other], application("shop", domain(12, existing=Existing("arn:aws:apigateway:…"))))
    assert not conflicts([other], application("shop", domain(12, existing={"prod": Existing("arn:aws:apigateway:…")})))
    assert not conflicts([other], application("shop", domain(12, from_project=True)))
    assert conflicts([other], application("shop", domain(12, existing={"staging": Existing("arn:aws:apigateway:…")})))


def test_the_application_at_hand_stands_for_its_own_entry() -> None:
    published = [entry(application("shop", domain(12))), entry(application("billing", domain(7)))]
    assert conflicts(published)
    assert not conflicts(published, application("shop"))
    assert not conflicts([published[0]], application("shop", domain(13)))


def test_the_same_name_in_two_applications_is_nobodys_business_until_somebody_refers_to_it() -> None:
    queue = construct("Messaging.Queue", "jobs", 5)
    two = [entry(application("shop", queue)), entry(application("billing", construct("Messaging.Queue", "jobs", 9)))]
    assert not conflicts(two)
    topic = application("mail", construct("Messaging.Topic", "jobs", 2, from_project=True))
    assert [item.diagnostic.code for item in conflicts(two, topic)] == ["dangling-reference"], "it is not one of them"
    user = application("mail", construct("Messaging.Queue", "jobs", 2, from_project=True))
    (found,) = conflicts([*two, entry(user)])
    told = found.diagnostic
    assert (told.code, found.applications) == ("duplicate-definition", {"shop", "billing", "mail"})
    assert told.message == 'Messaging.Queue "jobs" is defined by `billing` and `shop` in project `acme`'
    assert told.notes[:2] == ("in `billing`: /home/ann/billing/infra.py:9", "in `shop`: /home/ann/shop/infra.py:5")
    assert "/home/ann/mail/infra.py:2" in told.notes[2]
    assert "`billing`" in told.helps[0] and "`shop`" in told.helps[0]
    assert not conflicts([two[0], entry(user)])


def test_the_line_at_hand_is_shown_when_the_second_definition_is_made_here() -> None:
    others = [
        entry(application("billing", construct("Messaging.Queue", "jobs", 9))),
        entry(application("mail", construct("Messaging.Queue", "jobs", 2, from_project=True))),
    ]
    (found,) = conflicts(others, application("shop", construct("Messaging.Queue", "jobs", 5)))
    assert found.diagnostic.span is not None and found.diagnostic.span.line == 5


def test_others_are_not_held_up_by_a_conflict_that_is_not_theirs_but_by_an_entry_nobody_can_read() -> None:
    clash = [entry(application("shop", domain(1))), entry(application("billing", domain(2)))]
    unreadable = Unreadable("odd", Diagnostic("registry-newer", "what `odd` published …"))
    found = join(snapshot(*clash, unreadable=(unreadable,)), application("mail"), "/home/ann/mail")
    assert [item.diagnostic.code for item in found] == ["registry-newer", "domain-claimed-twice"]
    assert [item.concerns("mail") for item in found] == [True, False]
    assert [item.concerns("shop") for item in found] == [True, True]


def test_fifty_applications_of_twenty_constructs_are_joined() -> None:
    """How long that takes `benchmarks/registry.py` says."""
    entries = [entry(large(number, shared=[f"a{number // 2}.example"])) for number in range(50)]
    found = conflicts(entries, large(7, shared=["a3.example"]))
    assert len(found) == 25
