import { once } from "node:events";
import type { Server } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { CryptoKey } from "jose";
import { exportJWK, generateKeyPair, SignJWT } from "jose";

interface Key {
  readonly kid: string;
  readonly privateKey: CryptoKey;
  readonly publicKey: CryptoKey;
}

/** An identity provider on the loopback interface. */
export interface Issuer {
  readonly url: string;
  /** How often its keys have been asked for. */
  readonly asked: () => number;
  /** Signs with a new key from now on; the old ones are withdrawn. */
  rotate(kid: string): Promise<void>;
  /** A claim that is undefined is left out. */
  token(
    claims?: Readonly<Record<string, unknown>>,
    header?: { readonly alg?: string; readonly kid?: string },
  ): Promise<string>;
  /** The public key, as anybody knows it. */
  publicJwk(): Promise<Readonly<Record<string, unknown>>>;
  /** What the discovery document says besides. */
  document: Record<string, unknown>;
  down: boolean;
  close(): Promise<void>;
}

export const AUDIENCE = "signalbox";

export async function startIssuer(port = 0): Promise<Issuer> {
  let asked = 0;
  let key = await newKey("first");
  const server: Server = createServer((request, response) => {
    void (async () => {
      if (issuer.down) {
        response.writeHead(503).end();
        return;
      }
      if (request.url === "/.well-known/openid-configuration") {
        response.end(JSON.stringify({ issuer: issuer.url, jwks_uri: `${issuer.url}/keys`, ...issuer.document }));
        return;
      }
      asked++;
      const jwk = await exportJWK(key.publicKey);
      response.end(JSON.stringify({ keys: [{ ...jwk, kid: key.kid, use: "sig", alg: "ES256" }] }));
    })();
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const issuer: Issuer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: () => asked,
    async rotate(kid) {
      key = await newKey(kid);
    },
    async token(claims = {}, header = {}) {
      const now = Math.floor(Date.now() / 1000);
      const payload = { iss: issuer.url, aud: AUDIENCE, sub: "alice", iat: now, exp: now + 300, ...claims };
      return await new SignJWT(payload)
        .setProtectedHeader({ alg: "ES256", kid: key.kid, ...header })
        .sign(key.privateKey);
    },
    publicJwk: async () => ({ ...(await exportJWK(key.publicKey)) }),
    document: {},
    down: false,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  return issuer;
}

async function newKey(kid: string): Promise<Key> {
  return { kid, ...(await generateKeyPair("ES256", { extractable: true })) };
}
