// On this machine the pages and the API have one address; deployed, Klotho writes this file.
globalThis.klotho = {};
