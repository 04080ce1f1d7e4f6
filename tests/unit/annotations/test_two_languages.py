"""Units of two languages in one application: they meet in stores, topics and secrets, by the ids that both say."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.annotations.test_compiling import APP, EXPOSE, MAP, SHIMS, good, relations, told

PYTHON = Path(SHIMS).parents[1] / "python" / "shims"
UNIT = '# @klotho::execution_unit { id = "reports" }\nfrom fastapi import FastAPI\n'
SERVE = '# @klotho::expose { id = "reports-api" }\napp = FastAPI()\n'
DICT = '# @klotho::persist { id = "pets" }\npets = {}\n'


def test_a_map_and_a_dict_of_one_id_are_one_table(tmp_path: Path) -> None:
    files = {"index.js": f"{APP}{MAP}const pets = new Map();\n{EXPOSE}", "reports.py": UNIT + DICT + SERVE}
    assert relations(good(tmp_path, files)) >= {
        ("reads_from", f"Compute.Function/{unit}", "Databases.KeyValue/pets") for unit in ("main", "reports")
    }


def test_within_one_language_an_id_stands_once(tmp_path: Path) -> None:
    files = {"reports.py": f"{UNIT}{DICT}import more\n{SERVE}", "more.py": DICT}
    assert [code for code, _ in told(tmp_path, files)] == ["annotation-duplicate"]


def test_what_two_languages_ask_of_one_id_is_the_same_thing(tmp_path: Path) -> None:
    folder = 'from pathlib import Path\n# @klotho::persist { id = "pets" }\npets = Path("pets")\n'
    files = {"index.js": f"{APP}{MAP}const pets = new Map();\n{EXPOSE}", "reports.py": UNIT + folder + SERVE}
    assert told(tmp_path, files) == [("annotation-duplicate", "reports.py:4")]


def test_what_an_emitter_of_one_language_emits_those_of_the_other_hear(tmp_path: Path) -> None:
    emits = (
        'const { EventEmitter } = require("node:events");\n// @klotho::pubsub { id = "pet-events" }\n'
        'const events = new EventEmitter();\napp.post("/", (req, res) => res.json(events.emit("adopted", 1)));\n'
    )
    hears = (
        'from pyee.base import EventEmitter\n# @klotho::pubsub {\n#   id = "pet-events"\n# }\nevents = EventEmitter()\n'
        '@events.on("adopted")\ndef note(pet):\n    pass\n'
    )
    made = good(tmp_path, {"index.js": APP + emits + EXPOSE, "reports.py": UNIT + hears + SERVE})
    assert relations(made) >= {
        ("publishes_to", "Compute.Function/main", "Messaging.Topic/pet-events"),
        ("subscribes_to", "Compute.Function/reports", "Messaging.Topic/pet-events"),
    }


def in_node(code: str) -> str:
    return subprocess.run(
        ["node", "-e", code], cwd=SHIMS, capture_output=True, text=True, check=True, timeout=30
    ).stdout


def in_python(code: str) -> str:
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=PYTHON, capture_output=True, text=True, check=True, timeout=30).stdout


def test_javascript_reads_what_python_wrote() -> None:
    text = in_python("""
import datetime, decimal, uuid, enum, dataclasses
from klotho_unit.encoding import encode
class Kind(enum.Enum):
    CAT = "cat"
@dataclasses.dataclass
class Pet:
    name: str
    tags: frozenset
day = datetime.datetime(2026, 11, 28, 12, 30)
print(encode([day, day.replace(tzinfo=datetime.timezone.utc), day.date(), day.time(), decimal.Decimal("1.50"),
    uuid.UUID(int=1), datetime.timedelta(days=1, seconds=2, microseconds=3000), Kind.CAT, (1, 2**60), b"ab",
    Pet("Rex", frozenset(["good"])), {1: "one"}, "é"]))
""")
    code = f"""
const assert = require("node:assert");
const found = require("./encoding.cjs").decode({json.dumps(text)});
const noon = new Date("2026-11-28T12:30:00Z");
assert.deepStrictEqual(found, [noon, noon, "2026-11-28", "12:30:00", "1.50", "00000000-0000-0000-0000-000000000001",
  86402003, "cat", [1, 2n ** 60n], new Uint8Array([97, 98]), {{ name: "Rex", tags: new Set(["good"]) }},
  new Map([[1, "one"]]), "é"]);
console.log("same");
"""
    assert in_node(code) == "same\n"


def test_python_reads_what_javascript_wrote() -> None:
    text = in_node("""
const { encode } = require("./encoding.cjs");
const values = [new Date(0), new Map([[1, "one"]]), new Set([1]), 2n ** 60n, undefined, Buffer.from("ab"), "é", 1.5];
console.log(encode(values));
""")
    code = f"""
import datetime
from klotho_unit.encoding import decode
epoch = datetime.datetime.fromtimestamp(0, datetime.timezone.utc)
assert decode({text!r}) == [epoch, {{1: "one"}}, {{1}}, 2**60, None, b"ab", "é", 1.5]
print("same")
"""
    assert in_python(code) == "same\n"


@pytest.mark.parametrize("key", ["Rex", "é🐔", 'say "hi"', "a\tb\u2028c\x7f", 7, 1.5, True, None])
def test_a_key_is_the_same_one_in_both(key: object) -> None:
    mine = in_python(
        f"import sys\nsys.stdout.reconfigure(encoding='utf-8')\n"
        f"from klotho_unit.encoding import encode\nprint(encode({key!r}))"
    )
    theirs = in_node(f'console.log(require("./encoding.cjs").encode({json.dumps(key)}));')
    assert mine == theirs


def test_what_python_gives_by_name_comes_last_to_a_listener_of_javascript(tmp_path: Path) -> None:
    code = """
process.env.KLOTHO_UNIT = "a";
const { EventEmitter } = require("node:events");
const events = require("./events.cjs");
const local = new EventEmitter();
events("pet-events", [], local).on("adopted", (...given) => console.log(JSON.stringify(given)));
const said = { emitter: "pet-events", event: "adopted", arguments: '["Rex"]', keywords: '{"owner":"Ann"}', from: "b" };
events.received({ Records: [{ Sns: { Message: JSON.stringify(said) } }] });
"""
    assert in_node(code) == '["Rex",{"owner":"Ann"}]\n'
