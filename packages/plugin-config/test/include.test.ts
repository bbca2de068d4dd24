import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { LoadedConfig } from "@signalbox/plugin-config";
import { loadConfig } from "@signalbox/plugin-config";
import { KEYS, load, problemsOf, report, vendors } from "./support/vendors.ts";

let folder: string;

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "signalbox-config-")));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
}

const read = (name = "main.yaml"): LoadedConfig =>
  loadConfig({ file: join(folder, name), env: KEYS, providers: vendors() });

/** Messages with the folder's name cut out. */
function messages(name?: string): readonly string[] {
  const inFolder = `${relative(process.cwd(), folder)}/`;
  return problemsOf(() => read(name)).map(({ file, line, key, message, hint }) =>
    `${file}:${line} ${key}: ${message}${hint === undefined ? "" : `; ${hint}`}`
      .replaceAll(inFolder, "")
      .replaceAll(`${folder}/`, "")
      .replaceAll(folder, "<folder>"),
  );
}

const model = (name: string): string =>
  `model_list: [{model_name: ${name}, litellm_params: {model: openai/${name}}}]\n`;

test("maps merge and lists append, the including file first", () => {
  write({
    "main.yaml": `include: [parts/models.yaml, limits.yaml]\n${model("a")}router_settings: {timeout: 5}\n`,
    "parts/models.yaml": `include: [more.yaml]\n${model("b")}`,
    "parts/more.yaml": `${model("c")}router_settings: {fallbacks: [{a: [c]}]}\n`,
    "limits.yaml": "router_settings: {stream_timeout: 2}\n",
  });
  const config = read();
  expect(config.deployments.map((one) => one.model)).toEqual(["a", "b", "c"]);
  expect(config).toMatchObject({ timeoutMs: 5_000, fallbacks: { a: ["c"] } });
  expect(config.deployments[0]?.streamTimeoutMs).toBe(2_000);
  expect(config.files).toEqual(
    ["main.yaml", "parts/models.yaml", "parts/more.yaml", "limits.yaml"].map((name) => join(folder, name)),
  );
});

test("a problem names the file it is in", () => {
  write({
    "main.yaml": `include: [other.yaml]\n${model("a")}`,
    "other.yaml": "router_settings:\n  timeout: soon\n  retires: 3\n",
  });
  expect(messages()).toEqual([
    'other.yaml:2 router_settings.timeout: must be a number of seconds, not the text "soon"',
    "other.yaml:3 router_settings.retires: unknown key",
  ]);
});

test("a value in two files is refused", () => {
  write({
    "main.yaml": `include: [other.yaml]\n${model("a")}router_settings: {timeout: 5}\nlitellm_settings: {}\n`,
    "other.yaml": "router_settings: {timeout: 5}\nlitellm_settings: [1]\n",
  });
  expect(messages()).toEqual([
    "other.yaml:1 router_settings.timeout: is also given in main.yaml:3; keep one of the two",
    "other.yaml:2 litellm_settings: is a list here and a map in main.yaml:4; files that are merged must agree",
  ]);
});

test("cycles, repetitions and missing files are refused", () => {
  write({
    "main.yaml": `include: [b.yaml, b.yaml, nowhere.yaml, parts]\n${model("a")}`,
    "b.yaml": "include: [main.yaml]\n",
    "parts/x.yaml": "",
  });
  expect(messages()).toEqual(
    [
      "b.yaml:1 include[0]: main.yaml includes itself, directly or through another file",
      "main.yaml:1 include[1]: b.yaml is included twice",
      "main.yaml:1 include[2]: nowhere.yaml does not exist",
      "main.yaml:1 include[3]: parts is not a file",
    ].toSorted((one, other) => order(one) - order(other)),
  );
});

/** Files are reported in the order in which their first problem was found. */
function order(line: string): number {
  return line.startsWith("b.yaml") ? 0 : 1;
}

test.each([
  ["include: other.yaml\n", 'main.yaml:1 include: must be a list of file names, not the text "other.yaml"'],
  ["include: [1]\n", "main.yaml:1 include[0]: must be the name of a file, not 1"],
  [
    "include: [https://example.com/x.yaml]\n",
    'main.yaml:1 include[0]: must be the name of a file, not the text "https://example.com/x.yaml"',
  ],
])("%j is refused", (line, message) => {
  write({ "main.yaml": `${line}${model("a")}` });
  expect(messages()).toEqual([message]);
});

test("a text has no files to include", () => {
  expect(report(`include: [a.yaml]\n${model("a")}`)).toEqual([
    "1:1 include: a configuration that is not a file cannot include files",
  ]);
  expect(load(model("a")).files).toEqual([]);
});

test("the main file must be there, be a file and be text", () => {
  mkdirSync(join(folder, "dir.yaml"));
  writeFileSync(join(folder, "latin.yaml"), Buffer.from([0x61, 0x3a, 0x20, 0xe4]));
  expect(messages("none.yaml")).toEqual(["none.yaml:1 : the file does not exist"]);
  expect(messages("dir.yaml")).toEqual(["dir.yaml:1 : the file is not a file"]);
  expect(messages("latin.yaml")).toEqual(["latin.yaml:1 : the file is not UTF-8 text"]);
});

test("a link may lead to the main file, and not to an included one", () => {
  write({ "real/main.yaml": model("a"), "main.yaml": `include: [link.yaml]\n${model("b")}` });
  symlinkSync(join(folder, "real/main.yaml"), join(folder, "link.yaml"));
  expect(read("link.yaml").files).toEqual([join(folder, "real/main.yaml")]);
  expect(messages()).toEqual([
    "main.yaml:1 include[0]: link.yaml is a symbolic link; an included file must be a file of its own",
  ]);
});

test("what everyone can write to is refused", () => {
  write({ "main.yaml": model("a"), "open/main.yaml": model("a"), "safe.yaml": `include: [open/main.yaml]\n` });
  chmodSync(join(folder, "open"), 0o777);
  expect(messages("open/main.yaml")).toEqual([
    "open/main.yaml:1 : the file is in a folder that every user of this machine can write to; run: chmod o-w open",
  ]);
  expect(messages("safe.yaml")).toContain(
    "safe.yaml:1 include[0]: open/main.yaml is in a folder that every user of this machine can write to; run: chmod o-w open",
  );
  chmodSync(join(folder, "main.yaml"), 0o666);
  expect(messages()).toEqual([
    "main.yaml:1 : the file can be written by every user of this machine; run: chmod o-w main.yaml",
  ]);
});

test("in a shared folder such as /tmp an own file is fine", () => {
  write({ "shared/main.yaml": model("a") });
  chmodSync(join(folder, "shared"), 0o1777);
  expect(read("shared/main.yaml").deployments).toHaveLength(1);
});
