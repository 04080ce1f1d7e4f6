"use strict";
// fs/promises whose files are objects of a bucket when the unit is deployed, and fs/promises itself when it is not.
// Paths are those of the program's folder; a folder is there when somebody made it, or as long as something is in it.
const path = require("node:path");
const { Buffer } = require("node:buffer");

const ROOT = path.join(__dirname, ".."); // of the unit

module.exports = function files(name, local) {
  if (!process.env.KLOTHO_UNIT) return local;
  const bucket = () => require("@klotho/runtime").config.buckets.get(name);
  const stored = { constants: local.constants };
  for (const [method, work] of Object.entries(METHODS)) stored[method] = async (...args) => work(bucket(), ...args);
  stored.promises = stored.default = stored;
  return new Proxy(stored, { get: (known, method) => (method in known ? known[method] : missing(method, local)) });
};

function missing(method, local) {
  if (!(method in local)) return undefined;
  return () => {
    throw new TypeError(`fs.${String(method)} is not supported in a persisted file system`);
  };
}

function keyOf(given) {
  const text = given instanceof URL ? require("node:url").fileURLToPath(given) : String(given);
  const relative = path.relative(ROOT, path.resolve(ROOT, text));
  if (relative === ".." || relative.startsWith(`..${path.sep}`) || path.isAbsolute(relative)) {
    throw failure("EACCES", "permission denied, outside of the program's folder", "open", given);
  }
  return relative.split(path.sep).join("/");
}

const ERRNO = { EACCES: -13, EEXIST: -17, ENOENT: -2, ENOTEMPTY: -39, EISDIR: -21, ENOTDIR: -20 };

function failure(code, text, syscall, given, to) {
  const where = to === undefined ? `'${given}'` : `'${given}' -> '${to}'`;
  const error = new Error(`${code}: ${text}, ${syscall} ${where}`);
  return Object.assign(error, { errno: ERRNO[code], code, syscall, path: String(given), ...(to === undefined ? {} : { dest: String(to) }) });
}

const absent = (syscall, given, to) => failure("ENOENT", "no such file or directory", syscall, given, to);

function encodingOf(options) {
  return typeof options === "string" ? options : options?.encoding ?? null;
}

async function contentOf(data, encoding) {
  if (typeof data === "string") return Buffer.from(data, encoding ?? "utf8");
  if (ArrayBuffer.isView(data)) return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  if (data && (data[Symbol.asyncIterator] || data[Symbol.iterator])) {
    const parts = [];
    for await (const part of data) parts.push(await contentOf(part, encoding));
    return Buffer.concat(parts);
  }
  throw new TypeError("the data must be a string, a buffer, or an iterable of them");
}

async function isFolder(bucket, key) {
  if (key === "") return true;
  for await (const _ of bucket.list(`${key}/`, { limit: 1 })) return true;
  return false;
}

async function read(bucket, given, syscall, to) {
  const key = keyOf(given);
  const content = key === "" ? null : await bucket.get(key);
  if (content !== null) return content;
  if (await isFolder(bucket, key)) throw failure("EISDIR", "illegal operation on a directory", "read", given);
  throw absent(syscall, given, to);
}

async function write(bucket, given, data, options, flag) {
  const key = keyOf(given);
  let content = await contentOf(data, encodingOf(options));
  if (key === "") throw failure("EISDIR", "illegal operation on a directory", "open", given);
  if (flag.startsWith("a")) content = Buffer.concat([(await bucket.get(key)) ?? Buffer.alloc(0), content]);
  const ifAbsent = flag.includes("x");
  try {
    await bucket.put(key, content, { ifAbsent });
  } catch (error) {
    if (ifAbsent && error instanceof require("@klotho/runtime").ConditionFailedError) {
      throw failure("EEXIST", "file already exists", "open", given);
    }
    throw error;
  }
}

function statOf(size, modified, folder) {
  const time = modified ?? new Date(0);
  const no = () => false;
  const times = { atime: time, mtime: time, ctime: time, birthtime: time };
  const inMs = Object.fromEntries(Object.entries(times).map(([name, value]) => [`${name}Ms`, value.getTime()]));
  const kinds = { isFile: () => !folder, isDirectory: () => folder, isSymbolicLink: no, isFIFO: no, isSocket: no };
  return { size, mode: folder ? 0o40755 : 0o100644, ...times, ...inMs, ...kinds, isBlockDevice: no, isCharacterDevice: no };
}

async function stat(bucket, given, syscall = "stat") {
  const key = keyOf(given);
  const found = key === "" ? null : await bucket.head(key);
  if (found) return statOf(found.size, found.modified, false);
  if (await isFolder(bucket, key)) return statOf(0, null, true);
  throw absent(syscall, given);
}

async function below(bucket, key) {
  const found = [];
  for await (const item of bucket.list(key === "" ? "" : `${key}/`)) found.push(item.key);
  return found;
}

async function remove(bucket, given, { recursive = false, force = false } = {}) {
  const key = keyOf(given);
  if (key !== "" && (await bucket.exists(key))) return bucket.delete(key);
  const inside = await below(bucket, key);
  if (inside.length === 0) {
    if (force) return undefined;
    throw absent("lstat", given);
  }
  if (!recursive) {
    const error = new Error(`Path is a directory: rm returned EISDIR (is a directory) ${given}`);
    throw Object.assign(error, { errno: 21, code: "ERR_FS_EISDIR", syscall: "rm", path: String(given) });
  }
  for (const item of inside) await bucket.delete(item);
}

async function copy(bucket, from, to, syscall) {
  const content = await read(bucket, from, syscall, to);
  await bucket.put(keyOf(to), content);
}

function entry(name, parent, folder) {
  return { name, parentPath: parent, path: parent, ...statKinds(folder) };
}

function statKinds(folder) {
  const { isFile, isDirectory, isSymbolicLink, isFIFO, isSocket, isBlockDevice, isCharacterDevice } = statOf(0, null, folder);
  return { isFile, isDirectory, isSymbolicLink, isFIFO, isSocket, isBlockDevice, isCharacterDevice };
}

const METHODS = {
  readFile: async (bucket, given, options) => {
    const content = await read(bucket, given, "open");
    const encoding = encodingOf(options);
    return encoding ? content.toString(encoding) : content;
  },
  writeFile: (bucket, given, data, options) => write(bucket, given, data, options, options?.flag ?? "w"),
  appendFile: (bucket, given, data, options) => write(bucket, given, data, options, options?.flag ?? "a"),
  stat: (bucket, given) => stat(bucket, given),
  lstat: (bucket, given) => stat(bucket, given, "lstat"),
  access: async (bucket, given) => void (await stat(bucket, given, "access")),
  unlink: async (bucket, given) => {
    if (!(await bucket.exists(keyOf(given)))) throw absent("unlink", given);
    await bucket.delete(keyOf(given));
  },
  rm: remove,
  mkdir: async (bucket, given, options) => {
    const key = keyOf(given);
    const recursive = options?.recursive ?? false;
    if (await bucket.exists(key)) throw failure("EEXIST", "file already exists", "mkdir", given);
    if (await isFolder(bucket, key)) {
      if (recursive) return undefined;
      throw failure("EEXIST", "file already exists", "mkdir", given);
    }
    const parent = path.posix.dirname(key);
    if (!recursive && parent !== "." && !(await isFolder(bucket, parent))) throw absent("mkdir", given);
    await bucket.put(`${key}/`, "");
    return recursive ? path.resolve(ROOT, key.split("/")[0]) : undefined;
  },
  rmdir: async (bucket, given) => {
    const key = keyOf(given);
    const inside = await below(bucket, key);
    if (inside.length === 0) throw absent("rmdir", given);
    if (inside.some((item) => item !== `${key}/`)) throw failure("ENOTEMPTY", "directory not empty", "rmdir", given);
    await bucket.delete(`${key}/`);
  },
  readdir: async (bucket, given, options) => {
    const key = keyOf(given);
    const inside = await below(bucket, key);
    if (inside.length === 0 && key !== "") {
      if (await bucket.exists(key)) throw failure("ENOTDIR", "not a directory", "scandir", given);
      throw absent("scandir", given);
    }
    const names = new Map(); // by path below the folder: whether it is a folder itself
    for (const item of inside) {
      const parts = item.slice(key === "" ? 0 : key.length + 1).split("/");
      const deepest = options?.recursive ? parts.length : 1;
      for (let depth = 1; depth <= Math.min(deepest, parts.length); depth += 1) {
        const name = parts.slice(0, depth).join("/");
        if (name && !name.endsWith("/")) names.set(name, names.get(name) || depth < parts.length);
      }
    }
    const found = [...names].sort(([one], [other]) => (one < other ? -1 : 1));
    if (!options?.withFileTypes) return found.map(([name]) => name);
    return found.map(([name, folder]) => entry(path.posix.basename(name), path.join(String(given), path.posix.dirname(name)), folder));
  },
  rename: async (bucket, from, to) => {
    const [one, other] = [keyOf(from), keyOf(to)];
    const inside = await below(bucket, one);
    for (const item of inside) {
      await bucket.put(other + item.slice(one.length), (await bucket.get(item)) ?? "");
      await bucket.delete(item);
    }
    if (inside.length > 0) return;
    await copy(bucket, from, to, "rename");
    if (one !== other) await bucket.delete(one);
  },
  copyFile: (bucket, from, to) => copy(bucket, from, to, "copyfile"),
};
