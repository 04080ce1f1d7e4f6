"""Parameter Store through boto3, against a model, and across a kill."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from klotho.localcloud.database import Database
from klotho.localcloud.service import ApiError
from klotho.localcloud.services.ssm import Parameters
from klotho.localcloud.services.ssm.store import MAX_VERSIONS, Draft
from tests.localcloud.frame.frame_harness import EndpointUnderTest

pytestmark = pytest.mark.localcloud
ARN = "arn:aws:ssm:eu-west-1:000000000000:parameter"


def test_a_parameter_is_made_changed_and_read_by_version(endpoint: EndpointUnderTest) -> None:
    client = endpoint.client("ssm")
    made = client.put_parameter(Name="/shop/url", Value="one", Type="String", Description="d",
                                Tags=[{"Key": "a", "Value": "b"}])  # fmt: skip
    assert (made["Version"], made["Tier"]) == (1, "Standard")
    with pytest.raises(client.exceptions.ParameterAlreadyExists):
        client.put_parameter(Name="/shop/url", Value="two", Type="String")
    assert client.put_parameter(Name="/shop/url", Value="two", Overwrite=True)["Version"] == 2
    found = client.get_parameter(Name="/shop/url")["Parameter"]
    assert (found["Value"], found["Version"], found["ARN"]) == ("two", 2, f"{ARN}/shop/url")
    first = client.get_parameter(Name="/shop/url:1")["Parameter"]
    assert (first["Value"], first["Selector"]) == ("one", ":1")
    assert client.get_parameter(Name=f"{ARN}/shop/url")["Parameter"]["Value"] == "two"
    with pytest.raises(client.exceptions.ParameterVersionNotFound):
        client.get_parameter(Name="/shop/url:9")
    assert [item["Value"] for item in client.get_parameter_history(Name="/shop/url")["Parameters"]] == ["one", "two"]
    (described,) = client.describe_parameters(
        ParameterFilters=[{"Key": "Name", "Option": "BeginsWith", "Values": ["/shop"]}]
    )["Parameters"]
    assert described["LastModifiedUser"] == "arn:aws:iam::000000000000:user/deployer"
    tags = {"ResourceType": "Parameter", "ResourceId": "/shop/url"}
    client.add_tags_to_resource(**tags, Tags=[{"Key": "c", "Value": "d"}])
    client.remove_tags_from_resource(**tags, TagKeys=["a"])
    assert client.list_tags_for_resource(**tags)["TagList"] == [{"Key": "c", "Value": "d"}]
    client.delete_parameter(Name="/shop/url")
    with pytest.raises(client.exceptions.ParameterNotFound):
        client.get_parameter(Name="/shop/url")


def test_several_at_once_and_by_path(endpoint: EndpointUnderTest) -> None:
    client = endpoint.client("ssm")
    for name in ("/a/x", "/a/y", "/a/deep/z", "/ab", "plain"):
        client.put_parameter(Name=name, Value=name, Type="String")
    found = client.get_parameters(Names=["/a/x", "plain", "nothing"])
    assert [item["Name"] for item in found["Parameters"]] == ["/a/x", "plain"]
    assert found["InvalidParameters"] == ["nothing"]

    def by_path(**asked: Any) -> list[str]:
        return [item["Name"] for item in client.get_parameters_by_path(**asked)["Parameters"]]

    assert by_path(Path="/a") == ["/a/x", "/a/y"]
    assert by_path(Path="/a/", Recursive=True) == ["/a/deep/z", "/a/x", "/a/y"]
    assert by_path(Path="/", Recursive=True) == ["/a/deep/z", "/a/x", "/a/y", "/ab"]
    pages = client.get_paginator("get_parameters_by_path").paginate(Path="/", Recursive=True, MaxResults=3)
    assert [len(page["Parameters"]) for page in pages] == [3, 1]
    gone = client.delete_parameters(Names=["/a/x", "nothing"])
    assert (gone["DeletedParameters"], gone["InvalidParameters"]) == (["/a/x"], ["nothing"])


def test_a_secure_string_shows_its_value_only_when_asked_to(endpoint: EndpointUnderTest) -> None:
    client = endpoint.client("ssm")
    client.put_parameter(Name="key", Value="canary-77", Type="SecureString")
    closed = client.get_parameter(Name="key")["Parameter"]["Value"]
    assert closed != "canary-77"
    assert client.get_parameter(Name="key", WithDecryption=True)["Parameter"]["Value"] == "canary-77"
    assert client.get_parameters(Names=["key"])["Parameters"][0]["Value"] == closed
    assert "canary-77" not in str(client.get_parameter_history(Name="key"))
    secure = [{"Key": "Type", "Values": ["SecureString"]}]
    assert client.describe_parameters(ParameterFilters=secure)["Parameters"][0]["KeyId"] == "alias/aws/ssm"
    assert "canary-77" not in repr(endpoint.parameters.get("key"))
    assert endpoint.database.path.stat().st_mode & 0o077 == 0
    with pytest.raises(client.exceptions.HierarchyTypeMismatchException):
        client.put_parameter(Name="key", Value="open", Type="String", Overwrite=True)


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"Name": "aws-x"}, "ValidationException"),
        ({"Name": "/SSM/x"}, "ValidationException"),
        ({"Name": "a b"}, "ValidationException"),
        ({"Name": "a/b"}, "ValidationException"),
        ({"Name": "/a/"}, "ValidationException"),
        ({"Name": "/" + "/".join("abcdefghijklmnop")}, "HierarchyLevelLimitExceededException"),
        ({"Name": "x" * 1012}, "ValidationException"),
        ({"Value": "x" * 4097}, "ValidationException"),
        ({"Value": "x" * 8193, "Tier": "Advanced"}, "ValidationException"),
        ({"Value": "a,,b", "Type": "StringList"}, "ValidationException"),
        ({"Value": "abc", "AllowedPattern": "^[0-9]+$"}, "ParameterPatternMismatchException"),
        ({"AllowedPattern": "("}, "InvalidAllowedPatternException"),
        ({"KeyId": "alias/own", "Type": "SecureString"}, "InvalidKeyId"),
        ({"DataType": "aws:ec2:image"}, "ValidationException"),
        ({"Policies": "[]"}, "ValidationException"),
        ({"Overwrite": True, "Tags": [{"Key": "a", "Value": "b"}]}, "ValidationException"),
    ],
)
def test_what_parameter_store_would_refuse_is_refused(
    endpoint: EndpointUnderTest, asked: dict[str, Any], code: str
) -> None:
    with pytest.raises(ClientError) as refused:
        endpoint.client("ssm").put_parameter(**{"Name": "fine", "Value": "v", "Type": "String", **asked})
    assert refused.value.response["Error"]["Code"] == code


def test_a_type_is_needed_at_first_and_larger_values_take_another_tier(endpoint: EndpointUnderTest) -> None:
    client = endpoint.client("ssm")
    with pytest.raises(ClientError, match="A parameter type is required when you create a parameter"):
        client.put_parameter(Name="p", Value="v", Overwrite=True)
    more = client.put_parameter(Name="p", Value="v" * 5000, Type="String", Tier="Intelligent-Tiering")
    assert more["Tier"] == "Advanced"
    with pytest.raises(ClientError, match="does not carry ssm:LabelParameterVersion yet"):
        client.label_parameter_version(Name="p", Labels=["live"])


def test_only_the_newest_versions_are_kept(tmp_path: Path) -> None:
    store = Parameters(Database(tmp_path / "s.db"), "eu-west-1", "0")
    store.create("p", Draft("0", "String"), {}, owner="o", author="a")
    for number in range(1, MAX_VERSIONS + 5):
        store.change("p", Draft(str(number), None), author="a")
    kept = [item.number for item in store.history("p")]
    assert (len(kept), kept[0], kept[-1]) == (MAX_VERSIONS, 6, MAX_VERSIONS + 5)
    with pytest.raises(ApiError, match="could not find version 1"):
        store.get("p", 1)


KILLED = """
import os, sys
from pathlib import Path
from klotho.localcloud.database import Database
from klotho.localcloud.services.ssm import Parameters
from klotho.localcloud.services.ssm.store import Draft

store = Parameters(Database(Path(sys.argv[1])), "eu-west-1", "0")
store.create("p", Draft("one", "String"), {"a": "b"}, owner="o", author="a")
store.change("p", Draft("two", None), author="a")
os.kill(os.getpid(), 9)
"""


def test_what_was_put_survives_a_kill(tmp_path: Path) -> None:
    ended = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "s.db")])
    assert ended.returncode == -signal.SIGKILL
    store = Parameters(Database(tmp_path / "s.db"), "eu-west-1", "0")
    assert [item.value for item in store.history("p")] == ["one", "two"]
    assert store.tags("p") == {"a": "b"}


NAMES = st.sampled_from(["p", "/a/b", "/a/c"])
VALUES = st.sampled_from(["one", "two", "a,b"])


class AgainstAModel(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.store = Parameters(Database(Path(self.folder) / f"{id(self)}.db"), "eu-west-1", "0")
        self.model: dict[str, list[str]] = {}

    folder = ""

    @rule(name=NAMES, value=VALUES)
    def create(self, name: str, value: str) -> None:
        try:
            self.store.create(name, Draft(value, "String"), {}, owner=f"{name}{value}{len(self.model)}", author="a")
        except ApiError as error:
            assert (error.code, name in self.model) == ("ParameterAlreadyExists", True)
        else:
            self.model.setdefault(name, [value])  # the same owner gets what is there

    @rule(name=NAMES, value=VALUES)
    def change(self, name: str, value: str) -> None:
        try:
            self.store.change(name, Draft(value, None), author="a")
        except ApiError as error:
            assert (error.code, name in self.model) == ("ParameterNotFound", False)
        else:
            self.model[name].append(value)

    @rule(name=NAMES)
    def delete(self, name: str) -> None:
        assert self.store.delete(name) is (self.model.pop(name, None) is not None)

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def read_a_version(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.model)))
        number = data.draw(st.integers(1, len(self.model[name])))
        assert self.store.get(name, number).value == self.model[name][number - 1]

    @invariant()
    def everything_is_there(self) -> None:
        assert {item.name: item.value for item in self.store.all()} == {
            name: values[-1] for name, values in self.model.items()
        }


def test_the_store_agrees_with_a_model(tmp_path: Path) -> None:
    AgainstAModel.folder = str(tmp_path)
    run_state_machine_as_test(AgainstAModel, settings=settings(max_examples=40, deadline=None))
