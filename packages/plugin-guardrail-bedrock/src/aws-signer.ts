import type { Hash, Hmac } from "node:crypto";
import { createHash, createHmac } from "node:crypto";
import type { AwsCredentials } from "./options.ts";

/** Headers that sign a POST of JSON, those of the client's side left out. */
export type AwsSigner = (url: URL, body: string) => Promise<Readonly<Record<string, string>>>;

type Bytes = string | ArrayBuffer | ArrayBufferView;

/** SHA-256 and its HMAC, as the signer wants them. */
class Sha256 {
  readonly #secret: Buffer | undefined;
  #hash: Hash | Hmac;

  constructor(secret?: Bytes) {
    this.#secret = secret === undefined ? undefined : bytes(secret);
    this.#hash = this.#begin();
  }

  update(data: Bytes): void {
    this.#hash.update(bytes(data));
  }

  digest(): Promise<Uint8Array> {
    return Promise.resolve(this.#hash.digest());
  }

  reset(): void {
    this.#hash = this.#begin();
  }

  #begin(): Hash | Hmac {
    return this.#secret === undefined ? createHash("sha256") : createHmac("sha256", this.#secret);
  }
}

function bytes(data: Bytes): Buffer {
  if (typeof data === "string") return Buffer.from(data);
  return ArrayBuffer.isView(data) ? Buffer.from(data.buffer, data.byteOffset, data.byteLength) : Buffer.from(data);
}

/** Signature Version 4 for the service `bedrock`. The library is loaded with the first question. */
export function awsSigner(region: string, credentials: () => AwsCredentials | Promise<AwsCredentials>): AwsSigner {
  return async (url, body) => {
    const { SignatureV4 } = await import("@smithy/signature-v4");
    const { accessKeyId, secretAccessKey, sessionToken } = await credentials();
    const signer = new SignatureV4({
      service: "bedrock",
      region,
      sha256: Sha256,
      credentials: {
        accessKeyId,
        secretAccessKey: secretAccessKey.reveal(),
        ...(sessionToken !== undefined && { sessionToken: sessionToken.reveal() }),
      },
    });
    const { headers } = await signer.sign({
      method: "POST",
      protocol: url.protocol,
      hostname: url.hostname,
      path: url.pathname,
      headers: { host: url.host, "content-type": "application/json" },
      body,
    });
    const { host: _, "content-type": __, ...added } = headers;
    return added;
  };
}
