// @klotho::persist { id = "media" }
import { mkdir, readFile, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";

const ROOT = "media";

export async function save(name, content) {
  const file = path.join(ROOT, name);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, content);
}

export const load = (name) => readFile(path.join(ROOT, name));

export const remove = (name) => rm(path.join(ROOT, name));

export const move = (name, to) => rename(path.join(ROOT, name), path.join(ROOT, to));

export async function list(folder = "") {
  const entries = await readdir(path.join(ROOT, folder), { withFileTypes: true });
  const sizes = entries.map(async (entry) => {
    if (entry.isDirectory()) return { name: `${entry.name}/` };
    const { size } = await stat(path.join(ROOT, folder, entry.name));
    return { name: entry.name, size };
  });
  return (await Promise.all(sizes)).sort((a, b) => a.name.localeCompare(b.name));
}
