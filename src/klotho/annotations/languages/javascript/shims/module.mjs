// What Lambda calls where the unit is of ES modules: bundled as CommonJS, they could not have `await` at their top.
import shim from "./handler.cjs";

export const handler = shim.handler;
