"""A function's Python packages: which manifest decides, what is installed for which target, what is refused.

Nothing leaves this machine: the index is a folder of wheels made here.
"""

from __future__ import annotations

import base64
import hashlib
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from klotho.deploy.functions.package import FunctionPackager, FunctionZip
from klotho.deploy.functions.requirements_file import local_folder
from klotho.deploy.functions.run import uv
from klotho.deploy.target import HOST, LAMBDA, Target
from klotho.diagnostics import Failure

PROPERTIES = {"root": ".", "runtime": "python3.12", "handler": "f.main"}
ELF = {"aarch64": 0xB7, "x86_64": 0x3E}
BACKEND = """
import zipfile
def build_wheel(folder, config_settings=None, metadata_directory=None):
    name = "money-1.0-py3-none-any.whl"
    with zipfile.ZipFile(folder + "/" + name, "w") as wheel:
        wheel.write("money.py")
        wheel.writestr("money-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: money\\nVersion: 1.0\\n")
        wheel.writestr("money-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr("money-1.0.dist-info/RECORD", "")
    return name
"""
MONEY = {
    "libs/money/pyproject.toml": '[project]\nname = "money"\nversion = "1.0"\n[build-system]\nrequires = []\n'
    'build-backend = "backend"\nbackend-path = ["."]\n',
    "libs/money/backend.py": BACKEND,
    "libs/money/money.py": "EURO = 'EUR'\n",
}
POETRY = {  # as Poetry 2.5 locks them
    "poetry": (
        '[tool.poetry]\nname = "fn"\nversion = "0.1"\npackage-mode = false\n\n[tool.poetry.dependencies]\n'
        'python = "^3.11"\ngreetings = "^1.0"\n\n[tool.poetry.group.dev.dependencies]\niniconfig = "*"\n',
        "089499dcce69bb7d769f8855e93e27565fe806ebd88a5bba881358552ea4db2e",
    ),
    "project": (
        '[project]\nname = "fn"\nversion = "0.1"\nrequires-python = ">=3.11"\ndependencies = ["greetings (>=1.0)"]\n\n'
        "[tool.poetry]\npackage-mode = false\n",
        "57cc1bf1f1f4cfd183939d4cb478aff6c675265c73831cf23a2bbbb8e35bfa48",
    ),
    "groups": (
        '[project]\nname = "fn"\nversion = "0.1"\nrequires-python = ">=3.11"\ndependencies = ["greetings (>=1.0)"]\n\n'
        '[tool.poetry]\npackage-mode = false\n\n[dependency-groups]\ndev = ["iniconfig"]\n',
        "da719843af3e1b41d1219658f5b87cb8a7dd96d867b3a0298b0f0e24472c847c",
    ),
}


@pytest.fixture(autouse=True)
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_FIND_LINKS", str(folder))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    wheel(folder, "greetings", version="1.0")
    wheel(folder, "greetings", version="2.0")
    return folder


def wheel(folder: Path, name: str, tag: str = "py3-none-any", version: str = "1.0", machine: str = "") -> str:
    """A wheel with one module, or one file of machine code; its hash."""
    info = f"{name}-{version}.dist-info"
    files = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: {str(not machine).lower()}\nTag: {tag}\n".encode(),
    }
    if machine:
        files[f"{name}/code.so"] = b"\x7fELF\x02\x01\x01".ljust(18, b"\0") + ELF[machine].to_bytes(2, "little")
    else:
        files[f"{name}/__init__.py"] = f"VERSION = '{version}'\n".encode()
    lines = [
        f"{path},sha256={base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b'=').decode()},{len(data)}"
        for path, data in files.items()
    ]
    files[f"{info}/RECORD"] = "\n".join([*lines, f"{info}/RECORD,,", ""]).encode()
    path = folder / f"{name}-{version}-{tag}.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for inner, data in files.items():
            archive.writestr(inner, data)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def program(tmp_path: Path, files: Mapping[str, str]) -> Path:
    folder = tmp_path / "app"
    write(folder, {"f.py": "def main(event, context): ...\n", ".git/HEAD": "", **files})
    return folder


def packaged(folder: Path, target: Target = HOST, said: list[str] | None = None, **properties: str) -> FunctionZip:
    packager = FunctionPackager(folder, folder.parent / "cache", target)
    return packager.package({**PROPERTIES, **properties}, (said if said is not None else []).append)


def names(built: FunctionZip) -> set[str]:
    return {name for name in zipfile.ZipFile(built.path).namelist() if not name.startswith("klotho/")}


def read(built: FunctionZip, name: str) -> bytes:
    return zipfile.ZipFile(built.path).read(name)


def refused(folder: Path, target: Target = HOST, **properties: str) -> Failure:
    with pytest.raises(Failure) as failed:
        packaged(folder, target, **properties)
    return failed.value


def test_packages_are_those_of_the_target_and_not_of_this_machine(tmp_path: Path, index: Path) -> None:
    wheel(index, "fast", "cp312-cp312-manylinux_2_28_aarch64", machine="aarch64")
    wheel(index, "fast", "cp312-cp312-manylinux_2_28_x86_64", machine="x86_64")
    built = packaged(program(tmp_path, {"requirements.txt": "fast\n"}), LAMBDA)
    assert (built.architecture, read(built, "fast/code.so")[18]) == ("arm64", ELF["aarch64"])
    named = packaged(tmp_path / "app", LAMBDA, architecture="x86_64")
    assert (named.architecture, read(named, "fast/code.so")[18]) == ("x86_64", ELF["x86_64"])


def test_a_wheel_for_x86_64_only_decides_and_is_said(tmp_path: Path, index: Path) -> None:
    wheel(index, "slow", "cp312-cp312-manylinux2014_x86_64", machine="x86_64")
    said: list[str] = []
    built = packaged(program(tmp_path, {"requirements.txt": "slow\ngreetings\n"}), LAMBDA, said)
    assert built.architecture == "x86_64"
    assert any(line.startswith("made for x86_64: not everything has a wheel for arm64") for line in said)


@pytest.mark.parametrize(
    ("tag", "runtime"),
    [
        ("cp312-cp312-macosx_11_0_arm64", "python3.12"),
        ("cp313-cp313-manylinux2014_aarch64", "python3.12"),  # for another Python
        ("cp311-cp311-manylinux_2_28_aarch64", "python3.11"),  # Amazon Linux 2 has an older C library
        ("cp312-cp312-musllinux_1_2_aarch64", "python3.12"),
    ],
)
def test_a_package_without_a_wheel_for_the_runtime_is_refused(
    tmp_path: Path, index: Path, tag: str, runtime: str
) -> None:
    wheel(index, "rare", tag, machine="aarch64")
    failure = refused(program(tmp_path, {"requirements.txt": "rare\n"}), LAMBDA, runtime=runtime)
    assert failure.diagnostic.code == "wheels-missing"
    assert runtime in str(failure) and any("rare" in note for note in failure.diagnostic.notes)


def test_a_name_that_does_not_exist_is_not_a_question_of_wheels(tmp_path: Path) -> None:
    failure = refused(program(tmp_path, {"requirements.txt": "no-such-thing\n"}), LAMBDA)
    assert failure.diagnostic.code == "dependencies-not-installed"


def test_each_target_has_its_own_zip_and_none_is_built_twice(tmp_path: Path, index: Path) -> None:
    folder = program(tmp_path, {"requirements.txt": "greetings==1.0\n"})
    first = [packaged(folder, target).cached for target in (HOST, LAMBDA)]
    for stale in index.iterdir():
        stale.unlink()  # nothing could be installed now
    again = [packaged(folder, target).cached for target in (HOST, LAMBDA)]
    assert (first, again) == ([False, False], [True, True])


def test_the_same_packages_installed_twice_give_the_same_bytes(tmp_path: Path) -> None:
    digests = set()
    for name in ("a", "b"):
        folder = program(tmp_path / name, {"requirements.txt": "greetings==1.0\n./libs/money\n", **MONEY})
        digests.add(packaged(folder).digest)
    assert len(digests) == 1


def test_requirements_with_includes_constraints_and_hashes(tmp_path: Path, index: Path) -> None:
    good = wheel(index, "hashed")
    files = {"requirements.txt": f"-r base.txt\n-c limits.txt\nhashed==1.0 --hash=sha256:{good}\n"}
    folder = program(tmp_path, {**files, "base.txt": "greetings\n", "limits.txt": "greetings<2\n"})
    assert read(packaged(folder), "greetings/__init__.py") == b"VERSION = '1.0'\n"
    write(folder, {"requirements.txt": f"hashed==1.0 --hash=sha256:{'0' * 64}\n"})
    failure = refused(folder)
    assert failure.diagnostic.code == "dependencies-not-installed"
    assert any("hash" in note.lower() for note in failure.diagnostic.notes)


@pytest.mark.parametrize(
    ("line", "folder"),
    [
        ("./libs/money", "./libs/money"),
        ("-e ./libs/money", "./libs/money"),
        ("--editable=libs/money", "libs/money"),
        ("money[extra] @ ./libs/money ; python_version > '3'", "./libs/money"),
        ("file:./libs/money  # ours", "./libs/money"),
        ("../shared", "../shared"),
        ("money==1.0", None),
        ("money @ https://example.com/money.whl", None),
        ("-e git+https://example.com/money.git#egg=money", None),
        ("-r more/requirements.txt", None),
    ],
)
def test_which_lines_name_packages_of_the_repository(line: str, folder: str | None) -> None:
    assert local_folder(line) == folder


def test_a_package_of_the_repository_is_built_and_shipped(tmp_path: Path) -> None:
    folder = program(tmp_path, {"requirements.txt": "-e ./libs/money\n", **MONEY})
    built = packaged(folder, LAMBDA)
    assert read(built, "money.py") == b"EURO = 'EUR'\n"
    write(folder, {"libs/money/money.py": "EURO = '€'\n", "libs/money/__pycache__/x.pyc": "", "libs/other.py": ""})
    assert read(packaged(folder, LAMBDA), "money.py") == "EURO = '€'\n".encode()
    assert not (folder / "libs/money/build").exists()


@pytest.mark.parametrize("line", ["../outside", "-e .", "./libs/nothing"])
def test_a_folder_that_is_no_package_of_the_repository_is_refused(tmp_path: Path, line: str) -> None:
    write(tmp_path / "outside", {"pyproject.toml": ""})
    failure = refused(program(tmp_path, {"requirements.txt": f"greetings\n{line}\n"}))
    assert failure.diagnostic.code == "dependency-is-local"
    assert failure.diagnostic.labels[0].span[:2] == ("requirements.txt", 2)


def workspace(tmp_path: Path, wanted: str = "greetings==1.0") -> Path:
    member = (
        f'[project]\nname = "fn"\nversion = "0"\nrequires-python = ">=3.11"\ndependencies = ["money", "{wanted}"]\n'
    )
    files = {
        "pyproject.toml": '[project]\nname = "top"\nversion = "0"\nrequires-python = ">=3.11"\n'
        '[tool.uv.workspace]\nmembers = ["fn", "libs/*"]\n',
        "fn/pyproject.toml": f"{member}[dependency-groups]\ndev = ['greetings']\n"
        "[tool.uv.sources]\nmoney = { workspace = true }\n",
        "fn/f.py": "def main(event, context): ...\n",
        **MONEY,
    }
    folder = program(tmp_path, files)
    subprocess.run([uv(), "lock", "--quiet", "--python", sys.executable], cwd=folder, check=True)
    return folder


def test_a_uv_lock_decides_and_members_of_the_workspace_are_shipped(tmp_path: Path) -> None:
    built = packaged(workspace(tmp_path), LAMBDA, handler="fn/f.main")
    assert read(built, "greetings/__init__.py") == b"VERSION = '1.0'\n"
    assert {"fn/f.py", "money.py"} <= names(built)
    assert not any(name.startswith("top") for name in names(built))


def test_a_uv_lock_that_does_not_fit_is_refused_before_anything_is_installed(tmp_path: Path) -> None:
    folder = workspace(tmp_path)
    project = folder / "fn/pyproject.toml"
    project.write_text(project.read_text().replace("greetings==1.0", "greetings==2.0"))
    with pytest.raises(Failure) as failed:
        FunctionPackager(folder, tmp_path / "cache", HOST).validate({**PROPERTIES, "handler": "fn/f.main"})
    assert failed.value.diagnostic.code == "lock-outdated"
    assert failed.value.diagnostic.helps == ("run `uv lock` in its folder",)


def poetry_lock(content_hash: str, version: str = "2.1", digest: str = "") -> str:
    hashes = f'{{file = "greetings-1.0-py3-none-any.whl", hash = "sha256:{digest}"}}' if digest else ""
    package = '[[package]]\nname = "{}"\nversion = "1.0"\noptional = false\ngroups = ["{}"]\nfiles = [{}]\n\n'
    metadata = f'[metadata]\nlock-version = "{version}"\ncontent-hash = "{content_hash}"\n'
    return package.format("greetings", "main", hashes) + package.format("iniconfig", "dev", "") + metadata


@pytest.mark.parametrize("kind", POETRY)
def test_a_poetry_lock_decides(tmp_path: Path, index: Path, kind: str) -> None:
    project, content_hash = POETRY[kind]
    digest = hashlib.sha256((index / "greetings-1.0-py3-none-any.whl").read_bytes()).hexdigest()
    folder = program(tmp_path, {"pyproject.toml": project, "poetry.lock": poetry_lock(content_hash, digest=digest)})
    built = packaged(folder, LAMBDA)
    assert read(built, "greetings/__init__.py") == b"VERSION = '1.0'\n"
    assert not any(name.startswith("iniconfig") for name in names(built))
    write(folder, {"pyproject.toml": project.replace("1.0", "2.0")})
    assert refused(folder).diagnostic.code == "lock-outdated"
    write(folder, {"pyproject.toml": project, "poetry.lock": poetry_lock(content_hash, "2.0")})
    assert "Poetry 1" in str(refused(folder))


def test_a_pip_lock_decides_and_has_to_fit(tmp_path: Path, index: Path) -> None:
    digest = hashlib.sha256((index / "greetings-1.0-py3-none-any.whl").read_bytes()).hexdigest()
    lock = (
        'lock-version = "1.0"\ncreated-by = "pip"\n[[packages]]\nname = "greetings"\nversion = "1.0"\n'
        f'[[packages.wheels]]\nname = "greetings-1.0-py3-none-any.whl"\n'
        f'path = "{index}/greetings-1.0-py3-none-any.whl"\n[packages.wheels.hashes]\nsha256 = "{digest}"\n'
    )
    project = '[project]\nname = "x"\nversion = "0"\ndependencies = ["greetings>=1"]\n'
    folder = program(tmp_path, {"pylock.toml": lock, "pyproject.toml": project})
    assert read(packaged(folder, LAMBDA), "greetings/__init__.py") == b"VERSION = '1.0'\n"
    write(folder, {"pyproject.toml": project.replace(">=1", ">=2")})
    failure = refused(folder)
    assert failure.diagnostic.code == "lock-outdated" and "greetings>=2" in str(failure)


@pytest.mark.parametrize(
    ("files", "code", "word"),
    [
        ({"Pipfile": ""}, "dependencies-unreadable", "Pipenv"),
        ({"pyproject.toml": POETRY["poetry"][0]}, "dependencies-unreadable", "poetry.lock"),
        (
            {"pyproject.toml": '[project]\ndependencies = ["x"]\n[tool.uv.sources]\nx = { path = "x" }\n'},
            "dependencies-unreadable",
            "uv.lock",
        ),
        ({"pyproject.toml": "[project"}, "dependencies-unreadable", "TOML"),
        ({"pyproject.toml": "", "uv.lock": "[["}, "dependencies-unreadable", "TOML"),
        (
            {"pyproject.toml": '[project]\nrequires-python = ">=3.13"\ndependencies = ["greetings"]\n'},
            "python-not-allowed",
            ">=3.13",
        ),
    ],
)
def test_manifests_that_can_not_be_followed_are_refused_by_name(
    tmp_path: Path, files: dict[str, str], code: str, word: str
) -> None:
    failure = refused(program(tmp_path, files), LAMBDA)
    assert failure.diagnostic.code == code
    assert word in str(failure)


def test_a_project_with_a_src_folder_imports_itself_from_there(tmp_path: Path) -> None:
    files = {
        "mail/pyproject.toml": "[project]\n",
        "mail/src/mail/__init__.py": "",
        "mail/src/mail/text.py": "from . import words\n",
        "mail/src/mail/words.py": "",
        "mail/src/mail/unused.py": "",
        "mail/app.py": "import mail.text\n",
    }
    built = packaged(program(tmp_path, files), handler="mail/app.main")
    assert names(built) == {"mail/app.py", "mail/__init__.py", "mail/text.py", "mail/words.py"}
