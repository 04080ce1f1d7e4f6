// For a bundle of ES modules: packages written for CommonJS ask for `require`, which modules do not have.
import { createRequire } from "node:module";

globalThis.require = createRequire(import.meta.url);
