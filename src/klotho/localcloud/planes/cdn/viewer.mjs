// Runs CloudFront functions (cloudfront-js-2.0), each in a context of its own without Node's globals.
//
// Input: a line of JSON a request on the socket whose descriptor is the argument:
//   {"id": 1, "name": "…", "code": "…"}               check the code: {"id": 1, "error": null or text}
//   {"id": 2, "name": "…", "code": "…", "event": {…}}  run handler(event): {"id": 2, "result": …, "error": …, "logs": […]}
// Not carried: `import` (the helpers of `cloudfront`, key value stores), which is refused as the syntax error it is here.
import net from "node:net";
import readline from "node:readline";
import vm from "node:vm";

const LIMIT_MS = 500; // AWS gives a function less than a millisecond of a fast core; this only ends a loop.
const contexts = new Map();

function contextOf(name, code) {
  const known = contexts.get(name);
  if (known?.code === code) return known;
  const logs = [];
  const log = (...values) => logs.push(values.map((value) => (typeof value === "string" ? value : JSON.stringify(value))).join(" "));
  const context = vm.createContext({ console: { log, error: log } });
  new vm.Script(code, { filename: `${name}.js` }).runInContext(context, { timeout: LIMIT_MS });
  if (vm.runInContext("typeof handler", context) !== "function") throw new Error("the code has no function `handler`");
  const made = { code, context, logs };
  contexts.set(name, made);
  return made;
}

async function answer({ id, name, code, event }) {
  let logs = [];
  try {
    const made = contextOf(name, code);
    logs = made.logs;
    if (event === undefined) return { id, error: null };
    made.context.__event = JSON.stringify(event);
    let result = vm.runInContext("handler(JSON.parse(__event))", made.context, { timeout: LIMIT_MS });
    if (typeof result?.then === "function") {
      result = await Promise.race([
        result,
        new Promise((_, refuse) => setTimeout(() => refuse(new Error("the handler did not end")), LIMIT_MS).unref()),
      ]);
    }
    return { id, result: result ?? null, error: null, logs: logs.splice(0) };
  } catch (error) {
    return { id, error: String(error?.message ?? error), logs: logs.splice(0) };
  }
}

const socket = new net.Socket({ fd: Number(process.argv[2]) });
socket.on("close", () => process.exit(0));
for await (const line of readline.createInterface({ input: socket })) {
  socket.write(`${JSON.stringify(await answer(JSON.parse(line)))}\n`);
}
