// Runs compiled Pulumi programs in TypeScript under the real SDK, with mocks in place of the engine.
//
// Input (stdin) and output (stdout) as of run_pulumi_programs.py; `folder` holds `index.js`. It is started in the folder
// whose node_modules have the SDK.
"use strict";
const path = require("path");
const { createRequire } = require("module");
const load = createRequire(path.join(process.cwd(), "index.js"));
const pulumi = load("@pulumi/pulumi");
const mocks = load("@pulumi/pulumi/runtime/mocks");

const FACTS = {
    "aws-native:index:getAccountId": { accountId: "<AccountId>" },
    "aws-native:index:getPartition": { partition: "<Partition>" },
    "aws-native:index:getRegion": { region: "<Region>" },
    "aws-native:index:getUrlSuffix": { urlSuffix: "<URLSuffix>" },
    "aws-native:index:getAzs": { azs: [0, 1, 2, 3, 4, 5].map((number) => `<zone ${number}>`) },
};
const SECRET = "aws:secretsmanager/getSecretVersion:getSecretVersion";
// The key a secret has on the wire beside its `value`: pulumi/pulumi, sdk/go/common/resource/sig/sig.go.
const SIGNATURE = "4dabf18193072939515e22adb298388d";

let engine;
const register = mocks.MockMonitor.prototype.registerResource;
mocks.MockMonitor.prototype.registerResource = function (request, answer) {
    const found = register.call(this, request, answer);
    engine.options.set(`${request.getType()} ${request.getName()}`, {
        protect: request.getProtect(),
        kept: request.getRetainondelete(),
        depends_on: request.getDependenciesList().map((urn) => urn.split("::").pop()).sort(),
    });
    return found;
};

function isSecret(value) {
    return value !== null && typeof value === "object" && SIGNATURE in value;
}

function call(args) {
    if (args.token !== SECRET) return FACTS[args.token];
    const entry = `{{resolve:secretsmanager:${args.inputs.secretId}:SecretString:password}}`;
    return { secretString: JSON.stringify({ password: entry }) };
}

function put(state, names, value) {
    for (const name of names.slice(0, -1)) {
        state = state[name] = state[name] || {};
    }
    const last = names[names.length - 1];
    if (!(last in state)) state[last] = value;
}

function newResource(args) {
    if (args.type === "pulumi:pulumi:StackReference") {
        const outputs = engine.outputs[args.name.split("/")[1]];
        return { id: args.name, state: { name: args.name, outputs } };
    }
    const given = Object.entries(args.inputs);
    const inputs = Object.fromEntries(given.map(([name, value]) => [name, isSecret(value) ? value.value : value]));
    const secret = given.filter(([, value]) => isSecret(value)).map(([name]) => name).sort();
    engine.registered.push({ token: args.type, name: args.name, inputs, secret, unknown: [] });
    const state = { ...inputs };
    for (const found of engine.attributes[args.type] || []) put(state, found.split("."), `${args.name}.${found}`);
    if (args.type === "aws:lambda/invocation:Invocation") state.result = JSON.stringify({ User: `${args.name}.User` });
    return { id: `${args.name}.id`, state };
}

async function runExport(task) {
    engine = { attributes: task.attributes, outputs: {}, registered: [], options: new Map() };
    for (const program of task.programs) {
        pulumi.runtime.setAllConfig(program.config);
        await pulumi.runtime.setMocks({ newResource, call }, program.project, "gates", false, "organization");
        const shown = {};
        for (const [name, value] of Object.entries(require(path.join(program.folder, "index.js")))) {
            shown[name] = await new Promise((done) => pulumi.output(value).apply(done));
        }
        await pulumi.runtime.waitForRPCs();
        engine.outputs[program.project] = shown;
    }
    const registered = engine.registered.map((item) => ({ ...item, ...engine.options.get(`${item.token} ${item.name}`) }));
    return { registered, outputs: engine.outputs };
}

async function main() {
    const chunks = [];
    for await (const chunk of process.stdin) chunks.push(chunk);
    const results = [];
    for (const task of JSON.parse(Buffer.concat(chunks).toString())) results.push(await runExport(task));
    process.stdout.write(JSON.stringify(results), () => process.exit(0));
}

main().catch((error) => {
    console.error(error);
    process.exit(1);
});
