"""`persist` on `fs/promises`: which statements are known, what becomes of them, and that the shim does what fs does."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from klotho.annotations.compiling import Compiled, compile_code
from klotho.diagnostics import Report

SHIMS = Path(__file__).parents[3] / "src/klotho/annotations/languages/javascript/shims"
EXPOSE = (
    'const app = require("express")();\nrequire("./store");\n// @klotho::expose { id = "api" }\napp.listen(3000);\n'
)


def compiled(folder: Path, store: str) -> tuple[Compiled, Report]:
    (folder / "index.js").write_text(EXPOSE)
    (folder / "store.js").write_text(store)
    report = Report()
    return compile_code(folder, "shop", report), report


@pytest.mark.parametrize(
    ("statement", "becomes"),
    [
        (
            'const fs = require("fs/promises");',
            'const fs = require("./klotho/files.cjs")("media", require("fs/promises"));',
        ),
        (
            'const fs = require("node:fs").promises;',
            'const fs = require("./klotho/files.cjs")("media", require("node:fs").promises);',
        ),
        (
            'const { promises: fs } = require("fs");',
            'const { promises: fs } = { promises: require("./klotho/files.cjs")("media", require("fs").promises) };',
        ),
        (
            'const { readFile, writeFile: put } = require("fs/promises");',
            'const { readFile, writeFile: put } = require("./klotho/files.cjs")("media", require("fs/promises"));',
        ),
    ],
)
def test_each_way_to_have_fs_promises_is_handed_to_the_shim(tmp_path: Path, statement: str, becomes: str) -> None:
    found, report = compiled(tmp_path, f'// @klotho::persist {{ id = "media" }}\n{statement}\n')
    assert report.diagnostics == []
    assert found.files["main/store.js"].decode().splitlines()[1] == becomes
    assert "main/klotho/files.cjs" in found.files
    assert [item.id for item in found.application.constructs if item.kind == "Storage.Bucket"] == [
        "Storage.Bucket/media"
    ]


def test_a_unit_that_only_reads_may_only_read_and_what_is_not_carried_is_refused_at_its_line(tmp_path: Path) -> None:
    only_reads = '// @klotho::persist { id = "media" }\nconst fs = require("fs/promises");\nfs.readFile("a");\n'
    found, _ = compiled(tmp_path, only_reads)
    assert [item.verb for item in found.application.relationships if item.target == "Storage.Bucket/media"] == [
        "reads_from"
    ]
    _, report = compiled(tmp_path, only_reads + 'fs.open("a");\nfs.writeFile("a", "");\n')
    (problem,) = report.diagnostics
    assert problem.message == "`open` of a persisted file system is not supported yet"
    assert problem.span is not None
    assert problem.span.line == 4


def test_each_file_of_a_secret_is_a_secret_of_its_own(tmp_path: Path) -> None:
    text = '// @klotho::persist {\n// id = "keys"\n// secret = true\n// }\nconst fs = require("fs/promises");\n'
    found, report = compiled(tmp_path, text + 'fs.readFile("a.pem");\nfs.readFile("etc/b.pem", "utf8");\n')
    assert report.diagnostics == []
    assert [item.name for item in found.application.constructs if item.kind == "Secret"] == ["keys-a-pem", "keys-b-pem"]
    _, report = compiled(tmp_path, text + 'fs.readFile(name);\nfs.writeFile("a", "");\n')
    assert [item.message for item in report.diagnostics] == [
        "the file of a secret is named by a text in quotes; names that are computed are not supported yet",
        "`writeFile` of a secret is not supported yet: secrets are read",
    ]


RUNTIME = """
class ConditionFailedError extends Error {}
const objects = new Map();
const bucket = {
  async put(key, content, { ifAbsent = false } = {}) {
    if (ifAbsent && objects.has(key)) throw new ConditionFailedError();
    objects.set(key, { content: Buffer.from(content), modified: new Date() });
  },
  get: async (key) => objects.get(key)?.content ?? null,
  head: async (key) => (objects.has(key) ? { size: objects.get(key).content.length, ...objects.get(key) } : null),
  exists: async (key) => objects.has(key),
  delete: async (key) => void objects.delete(key),
  async *list(prefix, { limit = Infinity } = {}) {
    for (const key of [...objects.keys()].sort()) if (key.startsWith(prefix) && limit-- > 0) yield { key };
  },
};
module.exports = { ConditionFailedError, config: { buckets: { get: () => bucket } } };
"""
BOTH = """
process.env.KLOTHO_UNIT = "main";
const real = require("fs/promises");
const stored = require("./klotho/files.cjs")("media", real);
const STEPS = [
  ["readdir", "media"], ["readFile", "media/a"], ["mkdir", "media/deep/er"], ["mkdir", "media"], ["mkdir", "media"],
  ["mkdir", "media", { recursive: true }], ["readdir", "media"], ["writeFile", "media/a", "Møns"],
  ["readFile", "media/a"],
  ["readFile", "media/a", "utf8"], ["readFile", "media/a", { encoding: "base64" }], ["readFile", "media"],
  ["writeFile", "media/a", "x", { flag: "wx" }], ["appendFile", "media/a", " Klint"],
  ["readFile", "./media/../media/a", "utf8"],
   ["writeFile", "media/b", new Uint8Array([1, 2, 3])], ["writeFile", "media/c", ["one", "two"]], ["readdir", "media"],
  ["mkdir", "media/in/side", { recursive: true }],
  ["writeFile", "media/in/side/d", ""], ["rmdir", "media/in/side"],
  ["readdir", "media", { recursive: true }], ["readdir", "media/a"], ["access", "media/a"], ["access", "media/no"],
  ["rename", "media/a", "media/z"], ["rename", "media/a", "media/y"], ["copyFile", "media/z", "media/in/z"],
  ["copyFile", "media/no", "media/in/no"], ["rename", "media/in", "media/out"],
  ["readFile", "media/out/side/d", "utf8"],
  ["unlink", "media/out/z"], ["unlink", "media/out/z"], ["rm", "media/no"], ["rm", "media/no", { force: true }],
  ["rm", "media/out"], ["rm", "media/out", { recursive: true }], ["readdir", "media"], ["stat", "media/no"],
];
async function told(fs, [method, ...args]) {
  try {
    const found = await fs[method](...args);
    const value = Array.isArray(found) ? [...found].sort() : found;
    if (method === "mkdir" && value !== undefined) return "made";
    return Buffer.isBuffer(value) ? value.toString("hex") : value;
  } catch (error) {
    return `${error.code} ${error.syscall ?? ""} ${String(error.message).split(",")[0].replace(/\\(.*/, "")}`;
  }
}
(async () => {
  const differences = [];
  for (const step of STEPS) {
    const [one, other] = [await told(real, step), await told(stored, step)];
    if (JSON.stringify(one) !== JSON.stringify(other)) differences.push([step, one, other]);
  }
  const [one, other] = [await real.stat("media/z"), await stored.stat("media/z")];
  if (one.size !== other.size || !other.isFile() || other.isDirectory()) differences.push(["stat", one, other]);
  const entries = await stored.readdir("media", { withFileTypes: true });
  const found = entries.map((entry) => [entry.name, entry.isFile(), entry.parentPath]).join();
  if (found !== "b,true,media,c,true,media,z,true,media") differences.push(["entries", found]);
  for (const path of ["../etc/passwd", "/etc/passwd", "media/../../x"]) differences.push(...(await outside(path)));
  console.log(JSON.stringify(differences));
})();
async function outside(path) {
  try {
    await stored.readFile(path);
  } catch (error) {
    if (error.code === "EACCES") return [];
  }
  return [[path, "was read"]];
}
"""


def test_the_shim_does_what_fs_promises_does_step_by_step(tmp_path: Path) -> None:
    runtime = tmp_path / "node_modules/@klotho/runtime"
    runtime.mkdir(parents=True)
    (runtime / "index.js").write_text(RUNTIME)
    (tmp_path / "klotho").mkdir()
    (tmp_path / "klotho/files.cjs").write_bytes((SHIMS / "files.cjs").read_bytes())
    (tmp_path / "both.js").write_text(BOTH)
    done = subprocess.run(["node", "both.js"], cwd=tmp_path, capture_output=True, text=True, timeout=30, check=True)
    assert json.loads(done.stdout) == []
