"""The cost model on random resources: additive over resources, monotonous in use."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from klotho.application import Application, Requirement
from klotho.catalogue.costs import Estimate, Usages, estimate
from klotho.catalogue.costs.estimate import why_free
from klotho.catalogue.costs.rules import RULES
from klotho.catalogue.costs.usage import DEFAULTS
from klotho.resources import Resource, ResourceKey

PROPERTIES: dict[str, st.SearchStrategy[Any]] = {
    "AllocatedStorage": st.sampled_from(["20", "100"]),
    "BillingMode": st.sampled_from(["PAY_PER_REQUEST", "PROVISIONED"]),
    "DBInstanceClass": st.sampled_from(["db.t4g.micro", "db.r5.huge"]),
    "DesiredCount": st.integers(0, 5),
    "Engine": st.sampled_from(["postgres", "mysql", "redis"]),
    "FifoQueue": st.booleans(),
    "GlobalSecondaryIndexes": st.lists(st.just({}), max_size=3),
    "MemorySize": st.integers(128, 10_240),
    "MultiAZ": st.booleans(),
    "RetentionInDays": st.sampled_from([1, 30, 365]),
    "VpcEndpointType": st.sampled_from(["Interface", "Gateway"]),
}
TYPES = (*sorted(RULES), "AWS::EC2::VPC", "AWS::RoboMaker::Fleet")
RESOURCES = st.lists(
    st.tuples(st.sampled_from(TYPES), st.fixed_dictionaries({}, optional=PROPERTIES)), min_size=1, max_size=12
).map(
    lambda items: [
        Resource(ResourceKey(f"Kind/n{number}:main"), type_, properties)
        for number, (type_, properties) in enumerate(items)
    ]
)
REQUESTS = st.integers(0, 10**9)


def cost(resources: list[Resource], **said: float) -> Estimate:
    requirements = tuple(Requirement(None, name, value) for name, value in said.items())
    usages = Usages(Application("shop", requirements=requirements))
    return estimate({item.key: item for item in resources}, usages, "us-east-1")


@given(RESOURCES, st.integers(0, 12), REQUESTS)
def test_the_whole_costs_what_its_parts_cost(resources: list[Resource], cut: int, requests: int) -> None:
    whole, *parts = (cost(some, requests_per_month=requests) for some in (resources, resources[:cut], resources[cut:]))
    assert whole.lines == parts[0].lines + parts[1].lines
    assert whole.unpriced == parts[0].unpriced + parts[1].unpriced
    together = parts[0].total.plus(parts[1].total)
    assert all(abs(a - b) <= 1e-9 * max(1, a) for a, b in zip(whole.total, together, strict=True))


@given(RESOURCES, st.sampled_from(sorted(DEFAULTS)), REQUESTS, REQUESTS)
def test_more_use_never_costs_less(resources: list[Resource], name: str, one: int, other: int) -> None:
    less, more = (cost(resources, **{name: value}) for value in sorted((one, other)))
    assert [line.price for line in less.lines] == [line.price for line in more.lines]
    for before, after in zip(less.lines, more.lines, strict=True):
        assert all(a <= b for a, b in zip(before.usd, after.usd, strict=True))


@given(RESOURCES)
def test_every_resource_is_priced_named_as_unknown_or_free_for_a_reason(resources: list[Resource]) -> None:
    found = cost(resources)
    spoken_of = {line.resource for line in found.lines} | {item.resource for item in found.unpriced} | set(found.free)
    assert spoken_of == {item.key for item in resources}
    assert all(why_free(type_) for type_ in found.free.values())
    assert all(line.usd.low <= line.usd.expected <= line.usd.high for line in found.lines)
