"""What importing the runtime costs and drags in, as it is in an asset: without the rest of Klotho."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from klotho.runtime import assets

from .conftest import grants


def run(asset: Path, program: str) -> str:
    """Run a program in a bare interpreter (`-I -S`: no site-packages at all) that sees only the asset."""
    start = f"import sys; sys.path.insert(0, {str(asset)!r})\n"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", start + program], capture_output=True, text=True, env=grants(), timeout=30
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_loads_nothing_but_itself(asset: Path) -> None:
    program = (
        "before = set(sys.modules)\nimport klotho\nklotho.config.datastores\nprint(sorted(sys.modules.keys() - before))"
    )
    assert run(asset, program).strip() == "['__future__', 'klotho', 'klotho.runtime', 'klotho.runtime.config']"


def test_using_it_loads_only_the_standard_library_and_tls_only_for_a_call(asset: Path) -> None:
    program = (
        "before = set(sys.modules)\nfrom klotho import config\n"
        "config.datastores.get('users_db'); config.datastores.get('carts'); config.services.get('pdf').url\n"
        "import json\nprint(json.dumps(sorted(sys.modules.keys() - before)))"
    )
    loaded = set(json.loads(run(asset, program)))
    foreign = {name.partition(".")[0] for name in loaded} - set(sys.stdlib_module_names) - {"klotho"}
    assert foreign == set()
    assert "ssl" not in loaded
    assert "klotho.runtime.explain" not in loaded


def test_the_lookup_of_a_plain_datastore_needs_no_http(asset: Path) -> None:
    program = (
        "from klotho import config\nconfig.datastores.get('users_db').host\n"
        "print('http.client' in sys.modules, 'ssl' in sys.modules)"
    )
    assert run(asset, program).strip() == "False False"


def test_the_constructs_are_not_in_an_asset_and_it_says_so(asset: Path) -> None:
    program = "import klotho\ntry: klotho.Compute\nexcept AttributeError as error: print(error)"
    assert run(asset, program).startswith("klotho.Compute is not available inside a deployed service")


def test_assets_are_the_same_every_time_and_leave_the_compiler_out() -> None:
    files = assets.python_files()
    assert list(files) == sorted(files)
    assert dict(assets.python_files()) == dict(files)
    assert {path.rpartition("/")[0] for path in files} == {"klotho", "klotho/runtime"}
    assert "klotho/runtime/assets.py" not in files
    assert b"pathlib" not in files["klotho/runtime/config.py"]
    node = assets.node_files()
    assert list(node) == sorted(node)
    assert "node_modules/@klotho/runtime/package.json" in node
    assert "dependencies" not in json.loads(node["node_modules/@klotho/runtime/package.json"])
