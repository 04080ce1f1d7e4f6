"""References in templates' values, and values put in for them."""

from __future__ import annotations

from typing import Any

import pytest

from klotho.deploy.literals import Reference, filled, references_in

VALUE: dict[str, Any] = {
    "A": {"Ref": "Vpc"},
    "B": [{"Fn::GetAtt": ["Db", "Endpoint.Address"]}, {"Fn::GetAtt": "Db.Port"}],
    "C": {"Fn::Sub": "${Db.Arn}/${AWS::Region}/${!Literal}"},
    "D": {"Fn::Sub": ["${x}-${Vpc}", {"x": {"Ref": "Other"}}]},
}


def test_every_reference_is_found() -> None:
    assert set(references_in(VALUE)) == {
        Reference("Vpc"),
        Reference("Db", "Endpoint.Address"),
        Reference("Db", "Port"),
        Reference("Db", "Arn"),
        Reference("AWS::Region"),
        Reference("Other"),
    }


def test_known_ones_become_literals_and_names_change() -> None:
    known = {Reference("Vpc"): "vpc-1", Reference("Db", "Arn"): "arn:${x}", Reference("Other"): "o"}
    assert filled(VALUE, known, {"Db": "Data"}) == {
        "A": "vpc-1",
        "B": [{"Fn::GetAtt": ["Data", "Endpoint.Address"]}, {"Fn::GetAtt": ["Data", "Port"]}],
        "C": {"Fn::Sub": "arn:${!x}/${AWS::Region}/${!Literal}"},
        "D": {"Fn::Sub": ["${x}-vpc-1", {"x": "o"}]},
    }


@pytest.mark.parametrize("value", ["text", 7, None, True, [], {}, {"Ref": "A", "B": 1}])
def test_what_refers_to_nothing_stays(value: Any) -> None:
    assert filled(value, {Reference("A"): "a"}, {}) == value
