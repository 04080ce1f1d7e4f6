"""The manifests that people read: YAML of what the templates make."""

from __future__ import annotations

import yaml

from klotho.emit.kubernetes import manifests
from klotho.resources import Ref, Resource, ResourceGraph, ResourceKey, join

KEY, GROUP = ResourceKey("Compute.Container/web:workload"), ResourceKey("Compute.Container/web:targets")


def test_they_are_yaml_with_names_of_what_only_a_deployment_knows() -> None:
    objects = [
        {"kind": "A", "spec": {"text": "1", "number": 1, "on": True, "empty": [], "a/b": [{"x": Ref(GROUP)}, [1, 2]]}},
        {"kind": "B", "env": [{"name": "N", "value": join("http://", Ref(GROUP, "Name"), ':80 "quoted": #no')}]},
    ]
    resource = Resource(KEY, "Custom::KubernetesObjects", {"Objects": objects})
    files = manifests(ResourceGraph({KEY: resource}), {KEY: "WebWorkload", GROUP: "WebTargets"})
    assert list(files) == ["kubernetes/WebWorkload.yaml"]
    assert list(yaml.safe_load_all(files["kubernetes/WebWorkload.yaml"])) == [
        {"kind": "A", "spec": {**objects[0]["spec"], "a/b": [{"x": "${WebTargets}"}, [1, 2]]}},  # type: ignore[dict-item]
        {"kind": "B", "env": [{"name": "N", "value": 'http://${WebTargets.Name}:80 "quoted": #no'}]},
    ]
