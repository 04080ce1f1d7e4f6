"""A function as an image: its code is another, and nothing else."""

from __future__ import annotations

import json
from typing import Any

from tests.unit.engine.conftest import Builder


def whole(app: Builder) -> Builder:
    """A function with everything that can be about one: a trigger, a caller, a network, variables."""
    app.add("function", "report", memory=2048, environment={"LEVEL": "info"}).add("function", "other")
    app.add("queue", "jobs").add("postgres", "orders")
    app.says("report", "consumes", "jobs").says("report", "reads_from", "orders").says("other", "calls", "report")
    return app


def templates(app: Builder) -> dict[str, Any]:
    return {name: json.loads(body) for name, body in app.bundle().files.items() if name.endswith(".template.json")}


def function(found: dict[str, Any]) -> dict[str, Any]:
    resources = [item for body in found.values() for item in body["Resources"].items()]
    return next(item["Properties"] for name, item in resources if name == "ReportFunction")


def test_the_template_of_an_image_differs_in_the_code_and_nothing_else(app: Builder) -> None:
    zipped = templates(whole(app))
    app.directive("report", "use", "lambda-image")
    imaged = templates(app)
    assert zipped.keys() == imaged.keys()
    before, after = function(zipped), function(imaged)
    assert {name: after[name] for name in after.keys() - before.keys()} == {"PackageType": "Image"}
    assert before.keys() - after.keys() == {"Runtime", "Handler"}
    assert after["Code"] == {"ImageUri": {"Ref": "ReportImage"}}
    assert after["Architectures"] == [{"Ref": "ReportArchitecture"}]
    for found in (before, after):
        for name in ("Code", "PackageType", "Runtime", "Handler"):
            found.pop(name, None)
    (home,) = [name for name in zipped if "ReportFunction" in zipped[name]["Resources"]]
    assert imaged[home]["Parameters"].pop("ReportImage")["Type"] == "String"
    del zipped[home]["Parameters"]["ReportCodeBucket"], zipped[home]["Parameters"]["ReportCodeKey"]
    assert zipped == imaged


def test_its_asset_is_the_package_and_the_base_image_of_its_runtime(app: Builder) -> None:
    app.add("function", "report", architecture="x86_64").directive("report", "use", "lambda-image")
    (asset,) = app.bundle().manifest.assets
    assert (asset.construct, asset.type) == ("Compute.Function/report", "function-image")
    assert asset.properties == {
        "root": ".",
        "handler": "functions/work.handler",
        "runtime": "python3.12",
        "architecture": "x86_64",
        "base": "public.ecr.aws/lambda/python:3.12",
    }


def test_a_name_that_has_to_be_known_beforehand_is_another_one_for_an_image(app: Builder) -> None:
    """CloudFormation can't replace a function by one of the same name, and a zip becomes an image by replacement."""

    def names(of: Builder = app) -> dict[str, str]:
        found = [item for item in of.resolve().graph if item.type == "AWS::Lambda::Function"]
        return {item.key: item.properties["FunctionName"] for item in found}

    app.add("function", "a").add("function", "b").says("a", "calls", "b").says("b", "calls", "a")
    before = names()
    after = names(app.directive("b", "use", "lambda-image"))
    assert after["Compute.Function/a:function"] == before["Compute.Function/a:function"]
    name = f"{before['Compute.Function/b:function']}_image"
    assert after["Compute.Function/b:function"] == name
    policies = [item.properties for item in app.resolve().graph if "a:" in item.key and "PolicyDocument" in str(item)]
    assert f":function:{name}" in str(policies), "the caller may call the new one"
