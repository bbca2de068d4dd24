import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { bash, GatewayProcess, runToEnd } from "./support/gateway-process.ts";

const KEY = "sk-8f2d91c64e0b7a35";
const running: GatewayProcess[] = [];

async function start(
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<GatewayProcess> {
  const gateway = new GatewayProcess(["--port", "0", ...args], env);
  running.push(gateway);
  return await gateway.ready();
}

afterEach(async () => {
  for (const gateway of running.splice(0)) {
    gateway.child.kill("SIGKILL");
    await gateway.ended;
  }
});

interface Completion {
  readonly choices: readonly { readonly message: { readonly content: string } }[];
}

const ask = (url: string, model: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> =>
  fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ model, messages: [{ role: "user", content: "Hello" }] }),
  });

describe("without a configuration", () => {
  test("serves mock models to this machine, and the printed line works", async () => {
    const gateway = await start();
    expect(gateway.url).toMatch(/^http:\/\/127\.0\.0\.1:[1-9]\d*$/);
    expect(gateway.stdout).toMatch(/^Signalbox \d+\.\d+\.\d+ is ready at /);
    expect(gateway.stdout).toContain("  models   mock/*\n");
    expect(gateway.stdout).toContain("/v1/chat/completions");
    expect(gateway.stdout).toContain("/v1/messages");
    expect(gateway.stdout).toContain("openai (set OPENAI_API_KEY), anthropic (set ANTHROPIC_API_KEY)");
    expect(gateway.stdout).toContain("master key (set SIGNALBOX_MASTER_KEY; without it only this machine is served)");
    const answer = JSON.parse(await bash(gateway.curl)) as Completion;
    expect(answer.choices[0]?.message.content).toBe("Hello");
    expect(await gateway.stop()).toMatchObject({ code: 0, stderr: "" });
  });

  test("serves every provider whose key is there, and never shows a key", async () => {
    const env = { OPENAI_API_KEY: "sk-openai-canary", GROQ_API_KEY: "gsk-canary", ANTHROPIC_API_KEY: "sk-ant-canary" };
    const gateway = await start(["--model", "gpt-5", "--model", "anthropic/claude-opus-4-7"], env);
    expect(gateway.stdout).toContain(
      "  models   gpt-5, anthropic/claude-opus-4-7, mock/*, openai/*, anthropic/*, groq/*\n",
    );
    expect(gateway.stdout).not.toContain("(set OPENAI_API_KEY)");
    expect(gateway.curl).toContain('"model":"gpt-5"');
    const models = (await (await fetch(`${gateway.url}/v1/models`)).json()) as { data: { id: string }[] };
    // The mock provider lists its models without a network; the others cannot be asked with these keys.
    const names = models.data.map(({ id }) => id);
    expect(names.slice(0, 2)).toEqual(["gpt-5", "anthropic/claude-opus-4-7"]);
    expect(names).toContain("mock/echo");
    expect(names.every((name) => !name.includes("*"))).toBe(true);
    const { stdout, stderr } = await gateway.stop();
    expect(stdout + stderr).not.toContain("canary");
  });

  test("sends what is asked of openai/* there, with the key of the environment", async () => {
    const seen: (string | undefined)[] = [];
    const upstream = createServer((request, response) => {
      seen.push(request.url, request.headers.authorization);
      response.writeHead(200, { "content-type": "application/json" });
      const message = { role: "assistant", content: "from upstream" };
      response.end(
        JSON.stringify({
          id: "1",
          object: "chat.completion",
          created: 1,
          model: "m",
          choices: [{ index: 0, message, finish_reason: "stop" }],
          usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
        }),
      );
    });
    await new Promise<void>((resolve) => upstream.listen(0, "127.0.0.1", resolve));
    const { port } = upstream.address() as AddressInfo;
    const gateway = await start([], { OPENAI_API_KEY: "sk-canary", OPENAI_BASE_URL: `http://127.0.0.1:${port}/v1` });
    const answer = (await (await ask(gateway.url, "openai/gpt-5")).json()) as Completion;
    expect(answer.choices[0]?.message.content).toBe("from upstream");
    expect(seen).toEqual(["/v1/chat/completions", "Bearer sk-canary"]);
    upstream.close();
  });
});

describe("with a master key", () => {
  test("every route needs it, and the printed line names the variable", async () => {
    const gateway = await start([], { SIGNALBOX_MASTER_KEY: KEY });
    expect(gateway.stdout).toContain(
      "  on       master key and virtual keys (POST /key/generate): every request needs one, prices, limits and budgets, strategy simple-shuffle, 2 retries, cooldown\n",
    );
    expect(gateway.curl).toContain('-H "authorization: Bearer $SIGNALBOX_MASTER_KEY"');
    for (const headers of [{}, { authorization: "Bearer sk-wrong" }, { "x-api-key": `${KEY}x` }]) {
      const refused = await ask(gateway.url, "mock/echo", headers as Record<string, string>);
      expect(refused.status).toBe(401);
      expect(await refused.json()).toMatchObject({ error: { code: "invalid_api_key" } });
      expect((await fetch(`${gateway.url}/v1/models`, { headers: headers as Record<string, string> })).status).toBe(
        401,
      );
    }
    expect((await ask(gateway.url, "mock/echo", { "x-api-key": KEY })).status).toBe(200);
    const answer = JSON.parse(await bash(gateway.curl, { SIGNALBOX_MASTER_KEY: KEY })) as Completion;
    expect(answer.choices[0]?.message.content).toBe("Hello");
    const { code, stdout, stderr } = await gateway.stop("SIGINT");
    expect(code).toBe(0);
    expect(stdout + stderr).not.toContain(KEY);
  });

  test("it may listen on all addresses", async () => {
    const gateway = await start(["--host", "0.0.0.0"], { SIGNALBOX_MASTER_KEY: KEY });
    expect((await ask(gateway.url, "mock/echo")).status).toBe(401);
  });

  test("a weak one is warned of here and refused elsewhere", async () => {
    const gateway = await start([], { SIGNALBOX_MASTER_KEY: "sk-1234" });
    expect(gateway.stdout).toContain("  warning  the master key is shorter than 16 characters: anyone may guess it;");
    const refused = await runToEnd(["--port", "0", "--host", "0.0.0.0"], { SIGNALBOX_MASTER_KEY: "sk-1234" });
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toContain(
      "the master key is shorter than 16 characters, and 0.0.0.0 is open to other machines",
    );
    expect(refused.stderr).not.toContain("sk-1234");
  });
});

describe("cannot start", () => {
  test("without a key on an address that others reach", async () => {
    expect(await runToEnd(["--host", "0.0.0.0"])).toEqual({
      code: 1,
      stdout: "",
      stderr:
        "signalbox: without a master key the gateway serves this machine only, and 0.0.0.0 can be reached from others; " +
        "set SIGNALBOX_MASTER_KEY (or general_settings.master_key in the configuration), or use --host 127.0.0.1\n",
    });
  });

  test("on a port that is taken", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const { port } = other.address() as AddressInfo;
    expect(await runToEnd(["--port", String(port)])).toEqual({
      code: 1,
      stdout: "",
      stderr: `signalbox: port ${port} on 127.0.0.1 is in use by another program; choose another with --port\n`,
    });
    other.close();
  });

  test.each([
    [
      ["--model", "opnai/gpt-5"],
      'signalbox: --model opnai/gpt-5 names an unknown provider "opnai". Did you mean "openai"',
    ],
    [
      ["--model", "bedrock/x"],
      'signalbox: --model bedrock/x needs the provider "bedrock", which this gateway does not have',
    ],
    [
      ["--model", "llama"],
      'signalbox: --model llama names no provider, and "llama" is not a known vendor\'s; write "<provider>/llama"',
    ],
    [["--model", "openai/gpt-5"], "; set OPENAI_API_KEY\n"],
    [["--model", "mock/ecko"], "signalbox: --model mock/ecko: "],
    [["--model", "mock/echo", "--model", "mock/echo"], "signalbox: "],
    [
      ["--config", "nowhere.yaml"],
      "signalbox: the configuration has 1 problem\nnowhere.yaml:1:1  the file does not exist\n",
    ],
  ])("with %j", async (args, text) => {
    const { code, stdout, stderr } = await runToEnd(["--port", "0", ...args]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain(text);
    expect(stderr).not.toMatch(/^\s+at /m);
  });

  test("on a Node that is too old", async () => {
    const old =
      "data:text/javascript,Object.defineProperty(process,'versions',{value:{...process.versions,node:'20.19.0'}})";
    const { code, stdout, stderr } = await runToEnd([], {}, ["--import", old]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/^Signalbox needs Node\.js 22\.19 or newer, and this is v\d+\.\d+\.\d+\.\n$/);
  });
});

describe("the command line", () => {
  test.each([
    [["--prot", "1"], "error: unknown option '--prot'"],
    [
      ["--port", "http"],
      "error: option '--port <number>' argument 'http' is invalid. It must be a number from 0 to 65535.",
    ],
    [["--port", "70000"], "It must be a number from 0 to 65535."],
    [["--config"], "error: option '--config <file>' argument missing"],
    [["config.yaml"], "error: too many arguments."],
  ])("refuses %j with 2", async (args, text) => {
    const { code, stdout, stderr } = await runToEnd(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(text);
  });

  test("has help and a version", async () => {
    const help = await runToEnd(["--help"]);
    expect(help).toMatchObject({ code: 0, stderr: "" });
    for (const option of ["--config", "--port", "--host", "--model", "--version", "SIGNALBOX_MASTER_KEY"]) {
      expect(help.stdout).toContain(option);
    }
    const version = await runToEnd(["--version"]);
    expect(version).toMatchObject({ code: 0, stderr: "" });
    expect(version.stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

test("a signal lets running calls end", async () => {
  const gateway = await start();
  const slow = ask(gateway.url, "mock/fixed+slow-700ms");
  await new Promise((resolve) => setTimeout(resolve, 250));
  const stopped = gateway.stop();
  expect((await slow).status).toBe(200);
  expect(await stopped).toMatchObject({ code: 0, stderr: "" });
});
