"""`pubsub` on Node's EventEmitter: who publishes and listens, what is told, and that listeners are called as ever."""

from __future__ import annotations

import random
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from klotho.annotations.compiling import Compiled, compile_code
from klotho.diagnostics import Report
from tests.unit.annotations.test_compiling import APP, EXPOSE, SHIMS, good, in_node, relations, told
from tests.unit.annotations.test_grammar import mutated

EVENTS = Path(__file__).parents[3] / "examples" / "annotated-events"
MARK = '// @klotho::pubsub { id = "it" }\n'
OTHER = '// @klotho::execution_unit { id = "other" }\n'
INDEX = f'require("./other");\n{APP}{EXPOSE}'


def verbs(made: Compiled) -> dict[str, set[str]]:
    """By unit, what it does with the topic."""
    found: dict[str, set[str]] = {}
    for verb, actor, target in relations(made):
        if target == "Messaging.Topic/it":
            found.setdefault(actor.removeprefix("Compute.Function/"), set()).add(verb)
    return found


def test_two_units_that_listen_to_each_other_publish_what_the_other_one_hears() -> None:
    report = Report()
    made = compile_code(EVENTS, None, report)
    assert report.diagnostics == []
    both = {("publishes_to", unit) for unit in ("main", "mailer")} | {("subscribes_to", u) for u in ("main", "mailer")}
    found = {(verb, actor) for verb, actor, target in relations(made) if target == "Messaging.Topic/pet-events"}
    assert found == {(verb, f"Compute.Function/{unit}") for verb, unit in both}
    line = 'const events = require("./klotho/events.cjs")("pet-events", ["adopted", "returned"], new EventEmitter());'
    assert made.files["main/events.js"].decode().splitlines()[3] == line
    assert b'["adopted", "mailed"]' in made.files["mailer/events.js"]
    assert made.files["main/desk.js"] == (EVENTS / "desk.js").read_bytes()


COMMON = {
    "whole": ("module.exports = new EventEmitter();", 'const it = require("./bus");', "it"),
    "variable": (
        "const bus = new EventEmitter();\nmodule.exports = { bus };",
        'const { bus: it } = require("./bus");',
        "it",
    ),
    "property": (
        "exports.bus = new EventEmitter({ captureRejections: true });",
        'const b = require("./bus");',
        "b.bus",
    ),
}
CLASSES = {
    'const EventEmitter = require("events");': "EventEmitter",
    'const { EventEmitter } = require("node:events");': "EventEmitter",
    'const { EventEmitter: Emitter } = require("events");': "Emitter",
    'const EventEmitter = require("events").EventEmitter;': "EventEmitter",
    'const events = require("node:events");': "events.EventEmitter",
}


@pytest.mark.parametrize("shape", COMMON)
@pytest.mark.parametrize("way", CLASSES)
def test_an_emitter_of_commonjs_is_known_however_it_is_exported_and_imported(
    tmp_path: Path, shape: str, way: str
) -> None:
    statement, use, name = COMMON[shape]
    statement = statement.replace("EventEmitter(", f"{CLASSES[way]}(")
    files = {
        "index.js": f'{INDEX}{use}\n{name}.emit("a", 1);\n',
        "bus.js": f"{way}\n{MARK}{statement}\n",
        "other.js": f'{OTHER}{use}\n{name}.setMaxListeners(5).once("a", f).addListener("b", f);\n',
    }
    made = good(tmp_path, files)
    assert verbs(made) == {"main": {"publishes_to"}, "other": {"subscribes_to"}}
    assert '("it", ["a", "b"], new ' in made.files["main/bus.js"].decode()
    assert '("it", [], new ' in made.files["other/bus.js"].decode()


MODULES: Mapping[str, tuple[str, str, str]] = {
    "named": ("export const bus = new EventEmitter();", 'import { bus as it } from "./bus.js";', "it"),
    "default": ("export default new EventEmitter();", 'import it from "./bus.js";', "it"),
    "namespace": ("export const bus = new EventEmitter();", 'import * as all from "./bus.js";', "all.bus"),
    "again": ("export const bus = new EventEmitter();", 'import { it } from "./index-of-all.js";', "it"),
}


@pytest.mark.parametrize("shape", MODULES)
@pytest.mark.parametrize("suffix", ["js", "ts"])
def test_an_emitter_of_es_modules_and_typescript_is_known_through_every_import(
    tmp_path: Path, shape: str, suffix: str
) -> None:
    statement, use, name = MODULES[shape]
    if suffix == "ts":
        statement = statement.replace("EventEmitter()", "EventEmitter<{ a: [number] }>() as Typed")
    begin = 'import "./other.js";\nimport express from "express";\nconst app = express();\n'
    files = {
        "package.json": '{"type": "module"}',
        f"main.{suffix}": f'{begin}{EXPOSE}{use}\n{name}.emit("a", 1);\n',
        f"bus.{suffix}": f'import {{ EventEmitter }} from "node:events";\n{MARK}{statement}\n',
        f"some.{suffix}": 'import { bus } from "./bus.js";\nexport { bus };\n',
        f"index-of-all.{suffix}": 'export { bus as it } from "./some.js";\n',
        f"other.{suffix}": f'{OTHER}{use}\n{name}.on("a", f);\n',
    }
    made = good(tmp_path, files)
    assert verbs(made) == {"main": {"publishes_to"}, "other": {"subscribes_to"}}
    _, _, line, last = made.files[f"main/bus.{suffix}"].decode().splitlines()
    local = last.removeprefix("import ").partition(" ")[0]
    assert line == statement.replace("new ", f'{local}("it", ["a"], new ').replace(";", ");")


def test_what_a_unit_emits_for_itself_only_stays_in_its_process(tmp_path: Path) -> None:
    code = f'const E = require("events");\n{MARK}const it = new E();\nit.on("x", f);\nit.emit("x");\n'
    made = good(tmp_path, {"index.js": APP + code + EXPOSE})
    assert made.files["main/index.js"].decode() == APP + code + EXPOSE
    assert "main/klotho/events.cjs" not in made.files
    assert verbs(made) == {}


@pytest.mark.parametrize("use", ["it.on(NAME, f);", "register(it);", "const listen = it.on;"])
def test_where_names_are_not_told_everything_is_published(tmp_path: Path, use: str) -> None:
    bus = f'const E = require("events");\n{MARK}module.exports = new E();\n'
    mine, other = 'const it = require("./bus");\nit.emit("a");\n', f'{OTHER}const it = require("./bus");\n{use}\n'
    made = good(tmp_path, {"index.js": INDEX + mine, "bus.js": bus, "other.js": other})
    assert {"publishes_to"} <= verbs(made)["main"]
    assert {"subscribes_to"} <= verbs(made)["other"]
    assert '("it", null, new E())' in made.files["main/bus.js"].decode()


@pytest.mark.parametrize(
    ("declared", "name"),
    [
        ('export const A = "a";', "A"),
        ('export const Names = Object.freeze({ A: "a", "B-C": "b" });', "Names.A"),
        ('export const Names = { A: "a" } as const;', "Names.A"),
        ('export enum Names {\n  B = "b",\n  A = "a",\n}', "Names.A"),
        ('enum Names { A = "a" }\nexport { Names as Others };', "Others.A"),
        ('export const A = "a";', "all.A"),
    ],
)
def test_constants_and_enums_name_events_also_of_another_module(tmp_path: Path, declared: str, name: str) -> None:
    uses = f'import {{ bus, {name.partition(".")[0]} }} from "./all.js";\n'
    if name.startswith("all."):
        uses = 'import * as all from "./all.js";\nimport { bus } from "./all.js";\n'
    bus = f'import {{ EventEmitter }} from "events";\n{MARK}export const bus = new EventEmitter();\n{declared}\n'
    begin = 'import "./other.js";\nimport express from "express";\nconst app = express();\n'
    files = {
        "index.ts": f"{begin}{uses}bus.emit({name});\n{EXPOSE}",
        "bus.ts": bus,
        "all.ts": 'export * from "./bus.js";\n',
        "other.ts": f"{OTHER}{uses}bus.on({name}, f);\n",
    }
    made = good(tmp_path, files)
    assert b'("it", ["a"], new EventEmitter())' in made.files["main/bus.ts"]


def test_waiting_for_an_event_of_another_unit_is_refused_at_its_line(tmp_path: Path) -> None:
    bus = f'const E = require("events");\n{MARK}module.exports = new E();\n'
    mine = 'const { once } = require("node:events");\nconst it = require("./bus");\nonce(it, "a").then(f);\n'
    other = f'{OTHER}const it = require("./bus");\nit.emit("a");\nit.on("b", f);\n'
    files = {"index.js": INDEX + mine, "bus.js": bus, "other.js": other}
    assert told(tmp_path, files)[:1] == [("annotation-not-yet", "index.js:8")]


CLASS = "class Bus extends {} {{\n  adopt(pet) {{\n    this.emit('adopted', pet);\n  }}\n}}\n"


@pytest.mark.parametrize(("head", "above"), [*CLASSES.items(), ('const E = require("events");', "E.EventEmitter")])
def test_who_calls_a_method_of_a_class_that_extends_it_publishes_all(tmp_path: Path, head: str, above: str) -> None:
    bus = f"{head}\n{CLASS.format(above)}{MARK}module.exports = new Bus();\n"
    other = f'{OTHER}const it = require("./bus");\nit.on("adopted", f);\n'
    made = good(
        tmp_path,
        {"index.js": INDEX + 'const it = require("./bus");\nit.adopt("Rex");\n', "bus.js": bus, "other.js": other},
    )
    assert verbs(made) == {"main": {"publishes_to"}, "other": {"subscribes_to"}}
    assert b'require("./klotho/events.cjs")("it", ["adopted"], new Bus())' in made.files["main/bus.js"]


def test_an_exported_class_of_typescript_is_one_too(tmp_path: Path) -> None:
    bus = f'import {{ EventEmitter }} from "node:events";\nexport {CLASS.format("EventEmitter")}'
    files = {
        "index.ts": 'import "./other.js";\nimport express from "express";\nimport { it } from "./bus.js";\n'
        f'const app = express();\nit.adopt("Rex");\n{EXPOSE}',
        "bus.ts": bus.replace("(pet)", "(pet: string)") + f"{MARK}export const it = new Bus();\n",
        "other.ts": f'{OTHER}import {{ it }} from "./bus.js";\nit.on("adopted", console.log);\n',
    }
    assert verbs(good(tmp_path, files)) == {"main": {"publishes_to"}, "other": {"subscribes_to"}}


@pytest.mark.parametrize(
    ("listens", "use"),
    [
        ("constructor() { super();\n this.on('adopted', f); }", "it.on('adopted', f);"),
        ("constructor() { super();\n super.once('adopted', f); }", "it.on('adopted', f);"),
        ("constructor() { super(); const me = this;\n me.on('adopted', f); }", "it.on('adopted', f);"),
        ("hear(f) {\n this.on('adopted', f); }", "it.hear(f);"),
    ],
)
def test_a_class_that_listens_to_itself_is_refused_at_its_line(tmp_path: Path, listens: str, use: str) -> None:
    listening = CLASS.format("E").replace("  adopt", f"  {listens}\n  adopt")
    bus = f'const E = require("events");\n{listening}{MARK}module.exports = new Bus();\n'
    other = f'{OTHER}const it = require("./bus");\nit.emit("adopted");\n'
    files = {
        "index.js": INDEX + f'const it = require("./bus");\n{use}\n',
        "bus.js": bus,
        "other.js": other,
    }
    assert ("annotation-not-yet", "bus.js:4") in told(tmp_path, files)
    assert (
        verbs(
            good(
                tmp_path,
                {
                    "other.js": f"{OTHER}exports.f = async () => {{}};\n",
                    "index.js": (
                        f'const {{ f }} = require("./other");\n{APP}{EXPOSE}f();\nconst it = require("./bus");\n{use}\n'
                    ),
                },
            )
        )
        == {}
    )  # within one unit it is what it was


def test_a_class_of_python_that_extends_pyees_is_an_emitter(tmp_path: Path) -> None:
    mark, unit = MARK.replace("//", "#"), OTHER.replace("//", "#")
    bus = (
        "from pyee.base import EventEmitter\nclass Bus(EventEmitter):\n    def adopt(self, pet):\n"
        f"        self.emit('adopted', pet)\n{mark}it = Bus()\n"
    )
    files = {
        "main.py": "import other\nfrom bus import it\nfrom fastapi import FastAPI\nit.adopt('Rex')\n"
        '# @klotho::expose { id = "api" }\napp = FastAPI()\n',
        "bus.py": bus,
        "other.py": f"{unit}from bus import it\nit.on('adopted', print)\n",
    }
    made = good(tmp_path, files)
    assert verbs(made) == {"main": {"publishes_to"}, "other": {"subscribes_to"}}
    assert b'emitter("it", Bus)()' in made.files["main/bus.py"]
    for listens in ("self.on('adopted', print)", "super().on('adopted', print)", "me = self; me.on('adopted', print)"):
        files["bus.py"] = bus.replace("def adopt(self, pet):", f"def __init__(self):\n        {listens}")
        assert ("annotation-not-yet", "bus.py:4") in told(tmp_path, files)


@pytest.mark.parametrize("value", ["new Emitter()", "new Map()", "make()", "class extends EventEmitter {}"])
def test_another_emitter_is_refused_with_what_is_known(tmp_path: Path, value: str) -> None:
    code = f'const {{ EventEmitter }} = require("events");\n{MARK}const it = {value};\n'
    ((problem, line),) = told(tmp_path, {"index.js": APP + code + EXPOSE})
    # Something of `events` is named.
    assert problem == ("annotation-not-yet" if "EventEmitter" in value else "annotation-without-effect")
    assert line == "index.js:4"


def test_the_shim_tells_other_units_and_calls_listeners_as_emit_does(tmp_path: Path) -> None:
    (tmp_path / "node_modules/@klotho/runtime").mkdir(parents=True)
    (tmp_path / "node_modules/@klotho/runtime/index.js").write_text(
        "exports.published = [];\nconst publish = async (told) => {\n"
        "  if (told.event === 'lost') throw new Error('no topic');\n  exports.published.push(told);\n};\n"
        "exports.config = { topics: { get: () => ({ publish }) } };\n"
    )
    for name in ("events.cjs", "encoding.cjs"):
        shutil.copy(SHIMS / name, tmp_path / name)
    in_node(SCRIPT, tmp_path)


SCRIPT = """
const assert = require("node:assert");
const { EventEmitter } = require("node:events");
const shim = require("./events.cjs");
const plain = new EventEmitter();
assert.equal(shim("it", [], plain), plain);
assert.equal(Object.hasOwn(plain, "emit"), false);

process.env.KLOTHO_UNIT = "main";
console.error = () => {};
const { published } = require("@klotho/runtime");
const it = shim("it", ["a", "error", "lost"], new EventEmitter());
const heard = [];
const record = (event, args, from = "other", emitter = "it") => {
  const { encode } = require("./encoding.cjs");
  return { Records: [{ Sns: { Message: JSON.stringify({ from, emitter, event, arguments: encode(args) }) } }] };
};

(async () => {
  assert.deepEqual(Object.keys(it).includes("emit"), false);
  it.on("a", function (value) { assert.equal(this, it); value.n += 1; heard.push(value.n); });
  assert.equal(it.emit("a", { n: 1, at: new Date(0) }), true);
  assert.equal(it.emit("b"), false);
  assert.equal(it.emit(Symbol.for("a")), false);
  assert.equal(it.emit("error", new RangeError("told, not thrown")), true);
  assert.throws(() => it.emit("a", () => 1), TypeError);
  await shim.settled();
  assert.deepEqual(heard, [2]);
  assert.deepEqual(published.map(({ event, from, emitter }) => [event, from, emitter]),
    [["a", "main", "it"], ["error", "main", "it"]]);
  const [sent] = require("./encoding.cjs").decode(published[0].arguments);
  assert.deepEqual(sent, { n: 1, at: new Date(0) }); // as it was when it was emitted

  it.emit("lost");
  await assert.rejects(shim.settled(), /no topic/);
  await shim.settled(); // told once

  await shim.received(record("a", [{ n: 5 }]));
  await shim.received(record("a", [{ n: 7 }], "main"));  // its own
  await shim.received(record("a", [{ n: 7 }], "other", "unknown"));
  assert.deepEqual(heard, [2, 6]);
  assert.equal(published.length, 2); // what is received is not told again
  let ended = 0;
  it.once("late", async () => { await new Promise((resolve) => setTimeout(resolve, 20)); ended += 1; });
  await shim.received(record("late", []));
  await shim.received(record("late", []));
  assert.equal(ended, 1);
  it.on("bad", async () => { throw new Error("told to who sent it"); });
  await assert.rejects(shim.received(record("bad", [])), /told to who sent it/);
})().catch((error) => { console.log(error); process.exit(1); });
"""


def test_mutated_sources_with_emitters_give_no_traceback(tmp_path: Path) -> None:
    chance = random.Random(11)
    shutil.copytree(EVENTS, tmp_path / "events", ignore=shutil.ignore_patterns("compiled", "node_modules"))
    seeds = {path: path.read_text(encoding="utf-8") for path in (tmp_path / "events").glob("*.js")}
    for path, text in seeds.items():
        for _ in range(6):
            path.write_bytes(mutated(text, chance).encode("utf-8", "surrogatepass"))
            compile_code(tmp_path / "events", None, Report())
        path.write_text(text, encoding="utf-8")
