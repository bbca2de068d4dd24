import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { postgresOwner, startPostgres } from "../services/postgres.ts";
import type { Service } from "../services/service.ts";
import { findBinary } from "../services/service.ts";
import { newEntry } from "./entries.ts";
import { opened, ownSchema } from "./opened.ts";

const openssl = findBinary("openssl");
const here = mkdtempSync(join(tmpdir(), "tls-"));
const at = (name: string): string => join(here, name);
let plain: Service;
let right: Service;
let other: Service;

function certify(name: string, names: string): void {
  const run = (...words: string[]): void => void execFileSync(openssl ?? "", words, { stdio: "ignore" });
  run(
    "req",
    "-newkey",
    "rsa:2048",
    "-nodes",
    "-keyout",
    at(`${name}.key`),
    "-out",
    at(`${name}.csr`),
    "-subj",
    `/CN=${name}`,
  );
  writeFileSync(at(`${name}.ext`), `subjectAltName=${names}`);
  const signed = ["-CA", at("ca.crt"), "-CAkey", at("ca.key"), "-CAcreateserial", "-days", "2"];
  run("x509", "-req", "-in", at(`${name}.csr`), ...signed, "-extfile", at(`${name}.ext`), "-out", at(`${name}.crt`));
  const owner = postgresOwner();
  chmodSync(at(`${name}.key`), 0o600);
  if (owner) for (const file of ["key", "crt"]) chownSync(at(`${name}.${file}`), owner.uid, owner.gid);
}

function settings(name: string): readonly string[] {
  return ["ssl=on", `ssl_cert_file=${at(`${name}.crt`)}`, `ssl_key_file=${at(`${name}.key`)}`];
}

beforeAll(async () => {
  if (openssl === undefined) return;
  chmodSync(here, 0o755);
  const ca = ["-keyout", at("ca.key"), "-out", at("ca.crt"), "-subj", "/CN=a CA of one's own", "-days", "2"];
  execFileSync(openssl, ["req", "-x509", "-newkey", "rsa:2048", "-nodes", ...ca], { stdio: "ignore" });
  certify("right", "IP:127.0.0.1");
  certify("other", "DNS:database.example");
  [plain, right, other] = await Promise.all([
    startPostgres(),
    startPostgres(settings("right")),
    startPostgres(settings("other")),
  ]);
}, 120_000);

afterAll(async () => {
  await Promise.all([plain, right, other].map((service) => service?.stop()));
  rmSync(here, { recursive: true, force: true });
});

function url(service: Service, parameters: Readonly<Record<string, string>>): string {
  const made = new URL(service.url);
  for (const [name, value] of Object.entries(parameters)) made.searchParams.set(name, value);
  return made.href;
}

describe.skipIf(openssl === undefined || process.env.DATABASE_URL)("TLS to PostgreSQL", () => {
  it("trusts a CA of one's own, named in the URL or given as an option", async () => {
    const verified = { sslmode: "verify-full", sslrootcert: at("ca.crt") };
    const byUrl = await opened({ url: url(right, verified), schema: ownSchema() });
    await byUrl.entryStore.append([newEntry()]);
    expect(await byUrl.check?.()).toMatchObject({ ok: true });
    await byUrl.close?.();
    const byOption = await opened({
      url: right.url,
      ssl: { ca: readFileSync(at("ca.crt"), "utf8") },
      schema: ownSchema(),
    });
    await byOption.entryStore.append([newEntry()]);
    await byOption.close?.();
  });

  it("refuses, and says why", async () => {
    const verified = { sslmode: "verify-full", sslrootcert: at("ca.crt") };
    const cases: readonly (readonly [string, RegExp])[] = [
      [url(other, verified), /the certificate of PostgreSQL cannot be trusted: .*127\.0\.0\.1.*name its CA/],
      [url(right, { sslmode: "verify-full" }), /the certificate of PostgreSQL cannot be trusted: .*name its CA/],
      [url(plain, verified), /does not support SSL/],
    ];
    for (const [from, why] of cases) {
      await expect(opened({ url: from, schema: ownSchema() })).rejects.toMatchObject({
        code: "ledger_unavailable",
        message: expect.stringMatching(why),
      });
      // it would be the same for ever: nobody waits for it
      await expect(opened({ url: from, schema: ownSchema(), onUnreachable: "wait" })).rejects.toThrow(why);
    }
  });
});
