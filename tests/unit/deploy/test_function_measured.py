"""How large functions are: looked at once for the same packages, and split where a layer may hold them."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from klotho.deploy.functions import package
from klotho.deploy.functions.measured import Measured, apart, read_measured
from klotho.deploy.functions.package import FunctionPackager
from klotho.deploy.functions.size import MAX_IMAGE_BYTES
from klotho.deploy.target import HOST
from klotho.diagnostics import Failure

PROPERTIES = {"root": ".", "handler": "f.main", "runtime": "python3.12"}
BACKEND = """import zipfile
def build_wheel(folder, config_settings=None, metadata_directory=None):
    name = "model-1.0-py3-none-any.whl"
    with zipfile.ZipFile(folder + "/" + name, "w") as wheel:
        wheel.writestr("model/__init__.py", "WORD = 1")
        wheel.writestr("shared/theirs.py", "WORD = 2")
        wheel.writestr("model-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: model\\nVersion: 1.0\\n")
        wheel.writestr("model-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr("model-1.0.dist-info/RECORD", "")
    return name
"""
FILES = {
    "f.py": "import model, shared.own\ndef main(event, context): ...\n",
    "shared/own.py": "WORD = 3\n",
    "requirements.txt": "./model\n",
    "model/pyproject.toml": '[project]\nname = "model"\nversion = "1.0"\n[build-system]\nrequires = []\n'
    'build-backend = "backend"\nbackend-path = ["."]\n',
    "model/backend.py": BACKEND,
    ".git/HEAD": "",
}


@pytest.fixture
def app(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / "app" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "app" / name).write_text(text)
    return tmp_path / "app"


def names(path: Path | None) -> set[str]:
    assert path is not None
    return {name for name in zipfile.ZipFile(path).namelist() if not name.startswith("klotho/")}


def packager(app: Path) -> FunctionPackager:
    return FunctionPackager(app, app.parent / "cache", HOST)


def silent(line: str) -> None:
    """Nobody reads it."""


def test_packages_are_looked_at_once_and_code_is_counted_as_it_is_now(app: Path) -> None:
    assert packager(app).measured(PROPERTIES) is None
    first = packager(app).measure(PROPERTIES, silent)
    assert (first.zipped, first.missing, first.too_large) == (0, None, False)
    (app / "f.py").write_text(FILES["f.py"] + "# " + "x" * 1000 + "\n")
    changed = packager(app).measured(PROPERTIES)
    assert changed is not None
    assert changed.total == first.total + 1003
    (app / "model/backend.py").write_text(BACKEND.replace("WORD = 1", "WORD = 11"))
    assert packager(app).measured(PROPERTIES) is None, "other packages"


def test_a_function_without_a_manifest_needs_no_look(tmp_path: Path) -> None:
    (tmp_path / "f.py").write_text("def main(event, context): ...\n")
    assert FunctionPackager(tmp_path, tmp_path / "cache", HOST).measured(PROPERTIES) == Measured()


def test_a_layer_holds_the_packages_and_the_zip_the_code(app: Path) -> None:
    built = packager(app).package({**PROPERTIES, "layer": True}, silent)
    assert names(built.path) == {"f.py", "shared/own.py", "shared/theirs.py"}, "Python takes a package from one place"
    assert {name for name in names(built.layer) if "dist-info" not in name} == {"python/model/__init__.py"}
    assert built.layer_key == f"functions/{built.layer.name}" if built.layer else False
    again = packager(app).package({**PROPERTIES, "layer": True}, silent)
    assert again.cached and (again.digest, again.layer) == (built.digest, built.layer)
    whole = packager(app).package(PROPERTIES, silent)
    assert whole.layer is None and "model/__init__.py" in names(whole.path)
    assert whole.unzipped == built.unzipped, "Lambda's limit counts both"


def test_large_packages_are_measured_zipped(app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package, "LARGE_BYTES", 1)
    assert packager(app).measure(PROPERTIES, silent).zipped > 100


def test_what_was_packed_as_an_image_is_known_to_fit_a_zip_again(app: Path) -> None:
    packager(app).package({**PROPERTIES, "base": "scratch"}, silent, limit=MAX_IMAGE_BYTES)
    found = packager(app).measured(PROPERTIES)
    assert found is not None and 0 < found.total < 1024 * 1024


def test_a_function_without_packages_can_have_no_layer(tmp_path: Path) -> None:
    (tmp_path / "f.py").write_text("def main(event, context): ...\n")
    with pytest.raises(Failure, match="nothing that could be in a layer") as failed:
        FunctionPackager(tmp_path, tmp_path / "cache", HOST).package({**PROPERTIES, "layer": True}, silent)
    assert failed.value.diagnostic.code == "layer-empty"


def test_a_damaged_note_counts_as_none(tmp_path: Path) -> None:
    for text in ("{", "[]", '{"other": 1}'):
        (tmp_path / "note.json").write_text(text)
        assert read_measured(tmp_path / "note.json") is None


def test_what_the_code_has_a_part_of_stays_with_it() -> None:
    packages = {"google/cloud/a.py": b"", "numpy/b.py": b"", "six.py": b""}
    layer, rest = apart(packages, {"google/own.py": b"", "f.py": b""}, "python/")
    assert layer.keys() == {"python/numpy/b.py", "python/six.py"}
    assert rest.keys() == {"google/cloud/a.py", "google/own.py", "f.py"}
