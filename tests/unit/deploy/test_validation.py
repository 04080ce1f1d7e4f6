"""What can't be built is found before anything is begun, all of it at once."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from klotho.deploy import events
from klotho.deploy.assets import AssetStep
from klotho.deploy.target import HOST
from klotho.diagnostics import Failure, ProgramError, Span
from klotho.resources import PackageAsset

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="Node reads its own syntax")
SPANS = {
    "Compute.Function/bad": Span("infra.py", 3),
    "Compute.Function/worse": Span("infra.py", 4),
    "Compute.Container/web": Span("infra.py", 5),
}


def zip_of(name: str, handler: str, runtime: str = "python3.12", root: str = ".") -> PackageAsset:
    return PackageAsset(f"Compute.Function/{name}", "zip", {"root": root, "handler": handler, "runtime": runtime})


def no_apt(properties: Mapping[str, Any]) -> None:
    raise Failure("image-not-built", "`RUN apt-get` is not carried", at=Span("web/Dockerfile", 2))


def step(folder: Path, *assets: PackageAsset, seen: list[events.Event] | None = None) -> AssetStep:
    def never(properties: Mapping[str, Any], log: Any) -> str:
        pytest.fail("nothing is built")

    return AssetStep(
        assets, program_root=folder, cache=folder / ".cache", target=HOST, build_image=never, validate_image=no_apt,
        spans=SPANS, sink=(seen if seen is not None else []).append, clock=lambda: 0.0,
    )  # fmt: skip


def test_everything_wrong_is_said_at_once_and_nothing_is_begun(tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text("def handler(:\n")
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "worse.py").write_text("import json\nx = = 1\n")
    (tmp_path / "fine.py").write_text("def handler(event, context): ...\n")
    seen: list[events.Event] = []
    web = PackageAsset("Compute.Container/web", "image", {"context": "web", "dockerfile": "web/Dockerfile"})
    assets = step(
        tmp_path,
        zip_of("bad", "bad.handler"),
        zip_of("worse", "worse.handler", root="code"),
        zip_of("fine", "fine.handler"),
        web,
        seen=seen,
    )
    with ThreadPoolExecutor(1) as threads, pytest.raises(ProgramError) as refused:
        assets.start(threads)
    found = {item.labels[0].span[:2]: item for item in refused.value.diagnostics}
    assert set(found) == {("bad.py", 1), ("code/worse.py", 2), ("web/Dockerfile", 2)}
    assert found["web/Dockerfile", 2].labels[1].span == Span("infra.py", 5)
    assert found["code/worse.py", 2].labels[1].span == Span("infra.py", 4)
    assert seen == []
    assert not (tmp_path / ".cache").exists()


@needs_node
@pytest.mark.parametrize(
    ("files", "place"),
    [
        ({"h.js": "exports.handler = async () => {\n  return = 1\n}\n"}, ("h.js", 2)),
        ({"h.js": "const a = require('./b')\n", "b.js": "\n\nlet let = 1\n"}, ("b.js", 3)),
        ({"h.mjs": "export const handler = await 1\n"}, None),
        ({"h.js": "export const handler = 1\n", "package.json": '{"type": "module"}'}, None),
        ({"h.js": "exports.handler = () => 1\n"}, None),
    ],
)
def test_javascript_that_node_does_not_parse_is_refused_at_its_line(
    tmp_path: Path, files: dict[str, str], place: tuple[str, int] | None
) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    assets = step(tmp_path, zip_of("bad", "h.handler", "nodejs20.x"))
    if place is None:
        assets.validate()
        return
    with pytest.raises(ProgramError) as refused:
        assets.validate()
    (found,) = refused.value.diagnostics
    assert found.code == "function-does-not-parse"
    assert found.labels[0].span[:2] == place
    assert found.labels[1].span == Span("infra.py", 3)


def test_a_build_that_fails_later_names_the_users_line_too(tmp_path: Path) -> None:
    def broken(properties: Mapping[str, Any], log: Any) -> str:
        raise Failure("image-not-built", "npm is gone", at=Span("web/Dockerfile", 4))

    web = PackageAsset("Compute.Container/web", "image", {"context": "web", "dockerfile": "web/Dockerfile"})
    assets = AssetStep(
        [web], program_root=tmp_path, cache=tmp_path, target=HOST, build_image=broken, spans=SPANS,
        sink=lambda event: None, clock=lambda: 0.0,
    )  # fmt: skip
    with ThreadPoolExecutor(1) as threads:
        assets.start(threads)
        with pytest.raises(Failure) as failed:
            assets.future(web.construct).result()
    assert [label.span.file for label in failed.value.diagnostic.labels] == ["web/Dockerfile", "infra.py"]
