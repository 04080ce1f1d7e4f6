"""What libraries make becomes tables, databases, caches, buckets and secrets; the statement keeps its line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from klotho.annotations.compiling import compile_code
from klotho.annotations.languages.python.requirements import needed, with_packages
from klotho.diagnostics import Report
from tests.unit.annotations.test_compiling import compiled, good, relations, told

SHELF = Path(__file__).parents[3] / "examples" / "annotated-shelf-python"
MARK = '# @klotho::persist { id = "it" }\n'
SERVE = 'from fastapi import FastAPI\n# @klotho::expose { id = "api" }\napp = FastAPI()\n'


@pytest.mark.parametrize(
    ("code", "relation"),
    [
        ("from aiocache import Cache\n{}it = Cache()\n", ("reads_from", "Databases.KeyValue")),
        ("import aiocache\n{}it = aiocache.Cache(ttl=5)\nit.set(1, 2)\n", ("read_writes_to", "Databases.KeyValue")),
        ("import sqlalchemy as sa\n{}it = sa.create_engine('sqlite://')\n", ("read_writes_to", "Databases.Postgres")),
        (
            "from sqlalchemy.ext.asyncio import create_async_engine as make\n{}it = make('sqlite+aiosqlite://')\n",
            ("read_writes_to", "Databases.Postgres"),
        ),
        ("import sqlmodel\n{}it = sqlmodel.create_engine('sqlite://')\n", ("read_writes_to", "Databases.Postgres")),
        ("import redis\n{}it = redis.Redis()\n", ("read_writes_to", "Databases.Redis")),
        ("import redis.asyncio as redis\n{}it = redis.from_url('redis://x')\n", ("read_writes_to", "Databases.Redis")),
        (
            "from redis.asyncio import Redis\n{}it = Redis.from_url('redis://x')\n",
            ("read_writes_to", "Databases.Redis"),
        ),
        ("import redis\n{}it = redis.RedisCluster(host='x')\n", ("read_writes_to", "Databases.Redis")),
        (
            "from redis.asyncio.cluster import RedisCluster\n{}it = RedisCluster.from_url('redis://x')\n",
            ("read_writes_to", "Databases.Redis"),
        ),
        ("from pathlib import Path\n{}it = Path('media')\n", ("read_writes_to", "Storage.Bucket")),
        ("import pathlib\n{}it = pathlib.Path(__file__).parent / 'media'\n", ("read_writes_to", "Storage.Bucket")),
    ],
)
def test_what_a_library_makes_is_known_by_every_way_to_import_it(
    tmp_path: Path, code: str, relation: tuple[str, str]
) -> None:
    before = SERVE + code.format(MARK)
    made = good(tmp_path, {"main.py": before, "requirements.txt": "fastapi\n"})
    verb, kind = relation
    assert (verb, "Compute.Function/main", f"{kind}/it") in relations(made)
    after = made.files["main/main.py"].decode()
    changed = [one for one, other in zip(before.splitlines(), after.splitlines(), strict=True) if one != other]
    assert [line.split()[0] for line in changed] == ["it"]


def test_a_client_of_a_cluster_is_a_cache_in_cluster_mode(tmp_path: Path) -> None:
    code = f"from redis.cluster import RedisCluster as Made\n{MARK}it = Made(startup_nodes=[])\n"
    made = good(tmp_path, {"main.py": SERVE + code, "requirements.txt": "fastapi\n"})
    assert [item.properties for item in made.application.constructs if item.name == "it"] == [{"cluster": True}]


@pytest.mark.parametrize(
    ("code", "place"),
    [
        ("import redis\n{}it = redis.Redis(db=2)\n", "main.py:6"),
        ("import redis\n{}it = redis.Redis(connection_pool=p)\n", "main.py:6"),
        (
            "from pathlib import Path\nfrom fastapi.responses import FileResponse\n{}it = Path('m')\n"
            "def f():\n    return FileResponse(it / 'x')\n",
            "main.py:9",
        ),
    ],
)
def test_what_a_library_can_do_and_a_store_can_not_is_refused_at_its_line(
    tmp_path: Path, code: str, place: str
) -> None:
    found = told(tmp_path, {"main.py": SERVE + code.format(MARK), "requirements.txt": "fastapi\n"})
    assert found == [("annotation-not-yet", place)]


def test_a_folder_with_secret_is_a_secret(tmp_path: Path) -> None:
    mark = '# @klotho::persist {\n#   id = "key"\n#   secret = true\n# }\n'
    code = f'from pathlib import Path\n{mark}key = Path("key.txt")\n'
    made = good(tmp_path, {"main.py": SERVE + code, "requirements.txt": "fastapi\n"})
    assert ("uses", "Compute.Function/main", "Secret/key") in relations(made)


def test_a_database_driver_is_added_to_the_requirements_of_the_units_that_need_it(tmp_path: Path) -> None:
    made, report = compiled(tmp_path, {name: (SHELF / name).read_text(encoding="utf-8") for name in _files()})
    assert report.diagnostics == []
    assert b"psycopg[binary]\n" in made.files["main/requirements.txt"]
    assert b"psycopg" not in made.files["search/requirements.txt"]
    assert b"redis" not in made.files["search/requirements.txt"]


def _files() -> list[str]:
    return [path.relative_to(SHELF).as_posix() for path in SHELF.rglob("*") if path.suffix in (".py", ".txt")]


def test_a_manifest_without_the_driver_is_refused(tmp_path: Path) -> None:
    code = f"{SERVE}import sqlalchemy\n{MARK}it = sqlalchemy.create_engine('sqlite://')\n"
    manifest = '[project]\nname = "it"\nversion = "1"\ndependencies = ["fastapi", "sqlalchemy"]\n'
    assert told(tmp_path, {"main.py": code, "pyproject.toml": manifest}) == [("annotation-package", "main.py:5")]


def test_only_packages_that_only_other_units_import_are_left_out() -> None:
    text = b"# pinned\nFlask==3.0\nredis>=5 ; python_version > '3'\nuvicorn\npython-multipart\n"
    assert needed(text, {"flask"}, {"flask", "redis"}) == text.replace(b"redis>=5 ; python_version > '3'\n", b"")
    assert needed(text, {"flask", "werkzeug"}, {"flask", "redis"}) == text  # comes with another
    for whole in (b"-r base.txt\nredis\n", b"redis==5 \\\n  --hash=sha256:aa\n"):
        assert needed(whole, set(), {"redis"}) == whole
    assert with_packages(b"Psycopg==3", ("psycopg[binary]",)) == b"Psycopg==3"


def test_not_deployed_everything_is_what_it_was(tmp_path: Path) -> None:
    code = (
        'from pathlib import Path\n# @klotho::execution_unit { id = "a" }\n# @klotho::persist { id = "media" }\n'
        "MEDIA = Path('media')\n"
        "def run():\n    MEDIA.mkdir()\n    with open(MEDIA / 'a', 'w') as file:\n        file.write('é')\n"
        "    return type(MEDIA).__name__, (MEDIA / 'a').read_text()\n"
    )
    made, _ = compiled(tmp_path / "code", {"main.py": code})
    for name, content in made.files.items():
        (tmp_path / "out" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "out" / name).write_bytes(content)
    said = subprocess.run(
        [sys.executable, "-c", "import main; print(main.run())"],
        cwd=tmp_path / "out" / "a",
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    ).stdout
    assert said == "('PosixPath', 'é')\n"


@pytest.mark.parametrize(
    ("code", "lines"),
    [
        ("def f():\n    it[1]['x'] = 2\n", [7]),
        ("def f():\n    it.setdefault(1, []).append(2)\n    del it[1].x\n", [7, 8]),
        ("def f():\n    pet = it[1]\n    pet['toys'].append(2)\n    pet.age += 1\n", [8, 9]),
        ("def f():\n    for k, pet in it.items():\n        pet.age = 1\n", [8]),
        ("def f():\n    if (pet := it.get(1)):\n        pet.update(x=1)\n", [8]),
        ("def f():\n    pet = it[1]\n    pet.age += 1\n    it[1] = pet\n", []),
        ("def f():\n    it[1] += 1\n    it[2] = {}\n    del it[1]\n    it.pop(2)\n    it.update({})\n", []),
    ],
)
def test_changes_in_place_that_are_not_put_back_are_warned_about_at_their_lines(
    tmp_path: Path, code: str, lines: list[int]
) -> None:
    found = told(tmp_path, {"main.py": f"{SERVE}{MARK}it = {{}}\n{code}"})
    assert found == [("annotation-mutation", f"main.py:{line}") for line in lines]


def test_a_value_of_a_cache_that_is_changed_in_place_is_warned_about(tmp_path: Path) -> None:
    code = "async def f():\n    pet = await it.get(1)\n    pet['x'] = 1\n"
    found = told(tmp_path, {"main.py": f"{SERVE}from aiocache import Cache\n{MARK}it = Cache()\n{code}"})
    assert found == [("annotation-mutation", "main.py:9")]


EVENTS = Path(__file__).parents[3] / "examples" / "annotated-events-python"


def test_an_emitter_is_a_topic_from_the_unit_that_emits_to_the_unit_that_listens() -> None:
    report = Report()
    made = compile_code(EVENTS, None, report)
    assert report.diagnostics == []
    topics = {(verb, actor) for verb, actor, target in relations(made) if target == "Messaging.Topic/pet-events"}
    assert topics == {("publishes_to", "Compute.Function/main"), ("subscribes_to", "Compute.Function/mailer")}
    assert b'.emitter("pet-events", AsyncIOEventEmitter)()' in made.files["main/events.py"]
    assert b'.listener("pet-events", AsyncIOEventEmitter)()' in made.files["mailer/events.py"]


def test_what_a_unit_emits_for_itself_only_stays_in_its_process(tmp_path: Path) -> None:
    code = 'from pyee.base import EventEmitter\n# @klotho::pubsub { id = "it" }\nit = EventEmitter()\n'
    use = "@it.on('x')\ndef f():\n    it.emit('y')\n"
    made = good(tmp_path, {"main.py": SERVE + code + use, "requirements.txt": "fastapi\n"})
    assert made.files["main/main.py"].decode() == SERVE + code + use
    assert all(target != "Messaging.Topic/it" for _, _, target in relations(made))


def test_another_emitter_is_refused_with_what_is_known(tmp_path: Path) -> None:
    code = '# @klotho::pubsub { id = "it" }\nit = Emitter()\n'
    assert told(tmp_path, {"main.py": SERVE + code}) == [("annotation-without-effect", "main.py:4")]
