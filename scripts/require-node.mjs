// Runs first in every npm script. Plain ES2020, so that an old Node prints this message instead of a syntax error.
const need = [22, 19];
const have = process.versions.node.split(".").map(Number);

if (have[0] < need[0] || (have[0] === need[0] && have[1] < need[1])) {
  console.error(
    `Signalbox needs Node.js ${need.join(".")} or newer, and this is ${process.version}. ` +
      "`npm install` normally brings its own Node 24 for the npm scripts (the `node` development dependency); " +
      "it is missing here, most likely because install scripts were turned off (`--ignore-scripts`). " +
      `Run \`npm rebuild node --ignore-scripts=false\`, or put Node ${need.join(".")} or newer on the PATH, and try again.`,
  );
  process.exit(1);
}
