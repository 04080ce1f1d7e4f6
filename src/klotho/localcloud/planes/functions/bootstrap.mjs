// Runs a Node function in a worker of the local cloud: asks the Lambda Runtime API for work and calls the handler.
//
// Run as `node bootstrap.mjs <handler>`; needs nothing but Node. It does what AWS's runtime does: CommonJS and ES
// module handlers, promises and callbacks, the context object, console lines with the request's id, and AWS's error
// types for what goes wrong. Response streaming is refused by name.
//
// The Runtime API is spoken over one plain socket: its server is ours, so that a client for its four calls is short,
// and several times faster than `node:http` for each invocation.

import { existsSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import net from 'node:net';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { format } from 'node:util';

const PREFIX = '/2018-06-01/runtime/';
const JSON_LOGS = process.env.AWS_LAMBDA_LOG_FORMAT === 'JSON';
const LEVELS = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];
const LOWEST = Math.max(0, LEVELS.indexOf((process.env.AWS_LAMBDA_LOG_LEVEL ?? 'TRACE').toUpperCase()));
let currentId;

// --- the Runtime API ------------------------------------------------------------------------------------------------

class RuntimeClient {
  constructor(address) {
    const [host, port] = address.split(':');
    this.waiting = [];
    this.buffer = Buffer.alloc(0);
    this.socket = net.connect({ host, port: Number(port), noDelay: true });
    this.socket.on('data', (chunk) => this.received(chunk));
    // The other end is the supervisor: without it there is nothing left to do.
    this.socket.on('close', () => process.exit(0));
    this.socket.on('error', () => process.exit(1));
    this.address = address;
  }

  request(method, route, body, headers = '') {
    const payload = body === undefined ? Buffer.alloc(0) : Buffer.from(body);
    const head = `${method} ${PREFIX}${route} HTTP/1.1\r\nHost: ${this.address}\r\n${headers}Content-Length: ${payload.length}\r\n\r\n`;
    this.socket.write(payload.length ? Buffer.concat([Buffer.from(head), payload]) : head);
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  received(chunk) {
    this.buffer = this.buffer.length ? Buffer.concat([this.buffer, chunk]) : chunk;
    for (;;) {
      const end = this.buffer.indexOf('\r\n\r\n');
      if (end < 0) return;
      const lines = this.buffer.toString('latin1', 0, end).split('\r\n');
      const headers = {};
      for (const line of lines.slice(1)) {
        const colon = line.indexOf(':');
        headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
      }
      const length = Number(headers['content-length'] ?? 0);
      if (this.buffer.length < end + 4 + length) return;
      const body = this.buffer.subarray(end + 4, end + 4 + length);
      this.buffer = this.buffer.subarray(end + 4 + length);
      this.waiting.shift()?.({ status: Number(lines[0].split(' ')[1]), headers, body });
    }
  }
}

// --- errors and logs ------------------------------------------------------------------------------------------------

class RuntimeError extends Error {
  constructor(type, message, cause) {
    super(message);
    this.name = type;
    if (cause?.stack) this.stack = `${type}: ${message}\n${cause.stack.split('\n').slice(1).join('\n')}`;
  }
}

function errorDocument(error) {
  if (error instanceof Error || (error && typeof error === 'object' && 'message' in error && 'stack' in error)) {
    return {
      errorType: String(error.name ?? 'Error'),
      errorMessage: String(error.message),
      trace: String(error.stack ?? '').split('\n'),
    };
  }
  return { errorType: typeof error, errorMessage: format('%s', error), trace: [] };
}

function logLine(level, message) {
  if (LEVELS.indexOf(level) < LOWEST) return;
  if (JSON_LOGS) {
    const entry = { timestamp: new Date().toISOString(), level, requestId: currentId, message };
    process.stdout.write(`${JSON.stringify(entry)}\n`);
    return;
  }
  // One event for a message of several lines: AWS's text format separates its lines by carriage returns.
  const text = message.replace(/\n/g, '\r');
  process.stdout.write(`${new Date().toISOString()}\t${currentId ?? 'undefined'}\t${level}\t${text}\n`);
}

function patchConsole() {
  const levels = { log: 'INFO', info: 'INFO', debug: 'DEBUG', warn: 'WARN', error: 'ERROR', trace: 'TRACE' };
  for (const [method, level] of Object.entries(levels)) {
    console[method] = (...parts) => logLine(level, format(...parts));
  }
  console.fatal = (...parts) => logLine('FATAL', format(...parts));
}

function logError(headline, error) {
  const { errorType, errorMessage, trace } = errorDocument(error);
  const extra = error && typeof error === 'object' ? { ...error } : {};
  delete extra.name;
  delete extra.message;
  delete extra.stack;
  let text;
  try {
    text = JSON.stringify({ errorType, errorMessage, ...extra, stack: trace });
  } catch {
    // What hangs on the error can't be written as JSON: its type, message and stack can.
    text = JSON.stringify({ errorType, errorMessage, stack: trace });
  }
  logLine('ERROR', `${headline}\t${text}`);
}

// --- the handler ----------------------------------------------------------------------------------------------------

async function loadHandler(taskRoot, handler) {
  const folder = path.dirname(handler);
  const match = /^([^.]*)\.(.+)$/.exec(path.basename(handler));
  if (!match || handler.includes('..')) {
    throw new RuntimeError('Runtime.MalformedHandlerName', `Bad handler ${JSON.stringify(handler)}`);
  }
  const [, module, names] = match;
  let found = await importModule(path.join(taskRoot, folder, module), module);
  for (const name of names.split('.')) found = found?.[name];
  if (found === undefined) {
    throw new RuntimeError('Runtime.HandlerNotFound', `${handler} is undefined or not exported`);
  }
  if (typeof found !== 'function') {
    throw new RuntimeError('Runtime.HandlerNotFound', `${handler} is not a function`);
  }
  return found;
}

async function importModule(stem, module) {
  const file = [stem, `${stem}.js`, `${stem}.mjs`, `${stem}.cjs`].find((name) => statSync(name, { throwIfNoEntry: false })?.isFile());
  try {
    if (file?.endsWith('.mjs') || (file?.endsWith('.js') && isModulePackage(file))) {
      return await import(pathToFileURL(file).href);
    }
    return createRequire(`${process.env.LAMBDA_TASK_ROOT}/`)(file ?? stem);
  } catch (error) {
    if (error instanceof SyntaxError) throw new RuntimeError('Runtime.UserCodeSyntaxError', `SyntaxError: ${error.message}`, error);
    if (error?.code === 'MODULE_NOT_FOUND' || error?.code === 'ERR_MODULE_NOT_FOUND') {
      throw new RuntimeError('Runtime.ImportModuleError', `Error: ${file ? error.message : `Cannot find module '${module}'`}`, error);
    }
    throw error;
  }
}

function isModulePackage(file) {
  for (let folder = path.dirname(file); ; folder = path.dirname(folder)) {
    const manifest = path.join(folder, 'package.json');
    if (existsSync(manifest)) {
      try {
        return JSON.parse(readFileSync(manifest, 'utf8')).type === 'module';
      } catch (error) {
        throw new RuntimeError('Runtime.UserCodeSyntaxError', `${manifest}: ${error.message}`, error);
      }
    }
    if (folder === process.env.LAMBDA_TASK_ROOT || folder === path.dirname(folder)) return false;
  }
}

function contextOf(headers) {
  const deadline = Number(headers['lambda-runtime-deadline-ms']);
  const clientContext = headers['lambda-runtime-client-context'];
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    clientContext: clientContext ? JSON.parse(clientContext) : undefined,
    identity: undefined,
    invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
    awsRequestId: headers['lambda-runtime-aws-request-id'],
    getRemainingTimeInMillis: () => deadline - Date.now(),
  };
}

// Settles with the handler's answer. A handler that never answers is done when nothing is left to wait for: the answer
// is then null, as on AWS.
function call(handler, event, context) {
  return new Promise((resolve, reject) => {
    const finish = (error, value) => {
      if (error !== undefined && error !== null) reject(error);
      else if (context.callbackWaitsForEmptyEventLoop) whenIdle = () => resolve(value);
      else resolve(value);
    };
    whenIdle = () => resolve(undefined);
    const settle = (error, value) => {
      context.callbackWaitsForEmptyEventLoop = false;
      finish(error, value);
    };
    context.done = settle;
    context.succeed = (value) => settle(null, value);
    context.fail = (error) => settle(error ?? new Error('handled'));
    const result = handler(event, context, finish);
    if (typeof result?.then === 'function') result.then(resolve, reject);
  });
}

let whenIdle;
process.on('beforeExit', () => {
  const settle = whenIdle;
  whenIdle = undefined;
  // An immediate keeps the process alive until the answer is on its way.
  if (settle) setImmediate(settle);
});

// --- the loop -------------------------------------------------------------------------------------------------------

const client = new RuntimeClient(process.env.AWS_LAMBDA_RUNTIME_API);

// The invocation that still waits for its answer; undefined between invocations.
let unanswered;
let initialising = true;
let dying = false;

// Ends the process for an error that nobody caught: once, and said to whoever waits. Between invocations nobody does:
// whatever were posted then would be taken for an answer to the request for work that is already under way.
function dieOf(type, headline, status) {
  return (cause) => {
    if (dying) return;
    dying = true;
    const error = type ? new RuntimeError(type, String(cause instanceof Error ? cause : format('%s', cause)), cause instanceof Error ? cause : undefined) : cause;
    logError(headline, error);
    if (unanswered === undefined && !initialising) process.exit(status);
    const route = unanswered === undefined ? 'init/error' : `invocation/${unanswered}/error`;
    client.request('POST', route, JSON.stringify(errorDocument(error))).then(() => process.exit(status));
  };
}

async function handleOne(handler, request) {
  currentId = unanswered = request.headers['lambda-runtime-aws-request-id'];
  process.env._X_AMZN_TRACE_ID = request.headers['lambda-runtime-trace-id'] ?? '';
  const id = currentId;
  let route = `invocation/${id}/response`;
  let body;
  try {
    const event = JSON.parse(request.body.toString('utf8'));
    const value = await call(handler, event, contextOf(request.headers));
    body = JSON.stringify(value === undefined ? null : value) ?? 'null';
  } catch (error) {
    logError('Invoke Error', error);
    route = `invocation/${id}/error`;
    body = JSON.stringify(errorDocument(error));
  }
  whenIdle = undefined;
  client.socket.ref();
  // Node reports rejections that nobody awaits once the promises are through: they belong to this invocation.
  await new Promise((resolve) => setImmediate(resolve));
  if (dying) return new Promise(() => {});
  unanswered = undefined;
  // Both requests go out at once: the answers come in the same order.
  const posted = client.request('POST', route, body);
  const next = client.request('GET', 'invocation/next');
  await posted;
  return next;
}

async function main() {
  patchConsole();
  process.on('uncaughtException', dieOf(undefined, 'Uncaught Exception', 129));
  process.on('unhandledRejection', dieOf('Runtime.UnhandledPromiseRejection', 'Unhandled Promise Rejection', 128));
  globalThis.awslambda = {
    streamifyResponse() {
      throw new RuntimeError('Runtime.UnsupportedFeature', 'response streaming is not supported by the local cloud yet');
    },
  };
  let handler;
  try {
    handler = await loadHandler(process.env.LAMBDA_TASK_ROOT, process.argv[2]);
  } catch (error) {
    dying = true;
    logError('Uncaught Exception', error);
    await client.request('POST', 'init/error', JSON.stringify(errorDocument(error)));
    process.exit(1);
  }
  initialising = false;
  let request = await client.request('GET', 'invocation/next');
  for (;;) {
    client.socket.unref();
    request = await handleOne(handler, request);
  }
}

main();
