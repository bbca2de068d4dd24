#!/usr/bin/env node
// Nothing is imported before the version is known: an old Node gets a sentence, not a syntax error.
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);

if (major < 22 || (major === 22 && minor < 19)) {
  console.error(`Signalbox needs Node.js 22.19 or newer, and this is ${process.version}.`);
  process.exitCode = 1;
} else {
  const { run } = await import("./cli.ts");
  process.exitCode = await run(process.argv.slice(2), { ...process.env });
}
