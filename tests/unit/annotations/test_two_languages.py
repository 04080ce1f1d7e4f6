"""Units of two languages in one application: they meet in stores, topics and secrets, by the ids that both say."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from klotho.diagnostics import render_text
from tests.unit.annotations.test_compiling import APP, EXPOSE, MAP, SHIMS, compiled, good, relations, told

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


def test_a_folder_that_two_languages_use_is_named_from_the_program_on(tmp_path: Path) -> None:
    script = f"{APP}// @klotho::persist {{ id = 'notes' }}\nconst fs = require('fs/promises');\nfs.rm('x');\n{EXPOSE}"
    path = '# @klotho::persist { id = "notes" }\nNOTES = Path("notes")\n'
    reports = f"{UNIT}from pathlib import Path\n{path}{SERVE}"
    made = good(tmp_path, {"index.js": script, "reports.py": reports})
    assert b').shared_folder("notes", Path("notes"))' in made.files["reports/reports.py"]
    (tmp_path / "index.js").write_text(f"{APP}{EXPOSE}")
    assert b').folder("notes", Path("notes"))' in good(tmp_path, {}).files["reports/reports.py"]


def test_files_of_one_language_are_files_of_the_other(tmp_path: Path) -> None:
    (tmp_path / "node_modules" / "@klotho" / "runtime").mkdir(parents=True)
    (tmp_path / "node_modules" / "@klotho" / "runtime" / "index.js").write_text(RUNTIME)
    shutil.copytree(SHIMS, tmp_path / "klotho")
    objects = tmp_path / "objects.json"
    objects.write_text("{}")
    javascript = """
process.env.KLOTHO_UNIT = "main";
const fs = require("./klotho/files.cjs")("notes", require("fs/promises"));
const { save } = require("@klotho/runtime");
"""
    writes = "await fs.mkdir('notes/old', { recursive: true }); await fs.writeFile('notes/a.txt', 'é');"
    in_node(f"{javascript}(async () => {{ {writes} save(); }})();", tmp_path)
    code = f"""
import json, os, sys, types
os.environ["KLOTHO_UNIT"] = "reports"
from klotho_unit.files import shared_folder
from pathlib import Path
objects = json.loads(Path({str(objects)!r}).read_text())
bucket = types.SimpleNamespace(
    get=lambda key: objects[key].encode() if key in objects else None,
    head=lambda key: objects.get(key),
    put=lambda key, data: objects.update({{key: data.decode()}}),
    delete=lambda key: objects.pop(key, None),
    list=lambda prefix, limit: [types.SimpleNamespace(key=key) for key in sorted(objects) if key.startswith(prefix)],
)
sys.modules["klotho"] = types.SimpleNamespace(
    config=types.SimpleNamespace(buckets=types.SimpleNamespace(get=lambda _: bucket))
)
notes = shared_folder("notes", Path("notes"))
assert [str(path) for path in notes.iterdir()] == ["notes/a.txt", "notes/old"]
assert [path.read_text() for path in notes.glob("**/*.txt")] == ["é"]
assert (notes / "old").is_dir() and not list((notes / "old").iterdir())
(notes / "old").rmdir()
(notes / "new").mkdir()
(notes / "new" / "b.txt").write_text("two")
(notes / "a.txt").unlink()
Path({str(objects)!r}).write_text(json.dumps(objects))
for outside in (Path("/elsewhere"), Path("../notes")):
    try:
        shared_folder("notes", outside)
    except PermissionError:
        continue
    raise AssertionError(outside)
print("same")
"""
    assert in_python(code) == "same\n"
    reads = (
        "console.log(JSON.stringify([await fs.readdir('notes'), await fs.readdir('notes/new'),"
        " await fs.readFile('notes/new/b.txt', 'utf8')]));"
    )
    assert json.loads(in_node(f"{javascript}(async () => {{ {reads} }})();", tmp_path)) == [["new"], ["b.txt"], "two"]


RUNTIME = """
const fs = require("node:fs");
const PLACE = require("node:path").join(__dirname, "../../../objects.json");
const objects = new Map(Object.entries(JSON.parse(fs.readFileSync(PLACE))));
const bucket = {
  put: async (key, content) => void objects.set(key, String(content)),
  get: async (key) => (objects.has(key) ? Buffer.from(objects.get(key)) : null),
  exists: async (key) => objects.has(key),
  delete: async (key) => void objects.delete(key),
  async *list(prefix) {
    for (const key of [...objects.keys()].sort()) if (key.startsWith(prefix)) yield { key };
  },
};
const save = () => fs.writeFileSync(PLACE, JSON.stringify(Object.fromEntries(objects)));
module.exports = { save, config: { buckets: { get: () => bucket } } };
"""


def test_secrets_that_one_language_has_several_of_are_not_one_of_the_other(tmp_path: Path) -> None:
    script = f"{APP}/* @klotho::persist {{\n  id = 'keys'\n  secret = true\n}} */\nconst fs = require('fs/promises');\n"
    key = '# @klotho::persist {\n#   id = "keys"\n#   secret = true\n# }\nKEY = Path("a.pem")\n'
    reports = f"{UNIT}from pathlib import Path\n{key}{SERVE}"
    several = f"{script}fs.readFile('a.pem');\nfs.readFile('b.pem');\n{EXPOSE}"
    assert told(tmp_path, {"index.js": several, "reports.py": reports}) == [("annotation-duplicate", "reports.py:4")]
    one = good(tmp_path, {"index.js": f"{script}fs.readFile('a.pem');\n{EXPOSE}"})
    assert relations(one) >= {("uses", f"Compute.Function/{unit}", "Secret/keys") for unit in ("main", "reports")}


def test_a_secret_of_one_id_is_not_one_of_another_capability_or_id(tmp_path: Path) -> None:
    reads = "const fs = require('fs/promises');\n"
    keys = "/* @klotho::persist {{\n  id = '{}'\n  secret = true\n}} */\n" + reads
    config = "/* @klotho::config {\n  id = 'keys'\n  secret = true\n} */\nconst key = process.env.KEY;\n"
    one = f"{APP}require('./more');\n{keys.format('keys')}fs.readFile('a.pem');\n"
    assert told(tmp_path, {"index.js": one + EXPOSE, "more.js": config}) == [("annotation-duplicate", "more.js:1")]
    more = f"{keys.format('keys-a-pem')}fs.readFile('c.pem');\n"
    two = f"{one}fs.readFile('b.pem');\n{EXPOSE}"
    assert told(tmp_path, {"index.js": two, "more.js": more}) == [("annotation-duplicate", "more.js:1")]


def in_node(code: str, folder: Path = SHIMS) -> str:
    return subprocess.run(
        ["node", "-e", code], cwd=folder, capture_output=True, text=True, check=True, timeout=30
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


@pytest.mark.parametrize("value", ["new Set([{ a: 1 }])", "{ a: new Map([[[1], 2]]) }"])
def test_what_python_can_not_hold_is_an_error_that_says_so(value: str) -> None:
    text = in_node(f'console.log(require("./encoding.cjs").encode({value}));')
    code = f"""
from klotho_unit.encoding import decode
try:
    decode({text!r})
except TypeError as error:
    print(error)
"""
    assert "of JavaScript can't be read: no " in in_python(code)


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


def test_buckets_of_go_name_files_in_another_way(tmp_path: Path) -> None:
    opened = '// @klotho::persist { id = "notes" }\n\tblob.OpenBucket(ctx, "file:///notes")\n'
    path = '# @klotho::persist { id = "notes" }\nNOTES = Path("notes")\n'
    files = {
        "go.mod": "module example.com/shop\n\ngo 1.22\n",
        "main.go": 'package main\n\nimport (\n\t"net/http"\n\t"gocloud.dev/blob"\n)\n\nfunc main() {\n\t'
        f'{opened}\t// @klotho::expose {{ id = "api" }}\n\thttp.ListenAndServe(":3000", nil)\n}}\n',
        "reports.py": f"{UNIT}from pathlib import Path\n{path}{SERVE}",
    }
    _, report = compiled(tmp_path, files)
    assert [(item.code, str(item.span)) for item in report.errors] == [("annotation-duplicate", "reports.py:4")]
    shown = render_text(report.errors, tmp_path)
    assert "here, with files named as in the bucket that was opened" in shown
    assert "here, with files named from the program's folder on" in shown
