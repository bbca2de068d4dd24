import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { MultipartLimits } from "../../src/http/multipart-decode.ts";
import { multipartParts } from "../../src/http/multipart-decode.ts";
import { encodeMultipart, streamMultipart } from "../../src/http/multipart-encode.ts";
import { rejection } from "./loopback.ts";

interface Seen {
  name: string;
  filename?: string;
  contentType?: string;
  text: string;
}

async function* cut(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function decode(
  source: AsyncIterable<Buffer>,
  contentType = "multipart/form-data; boundary=b",
  limits?: MultipartLimits,
): Promise<Seen[]> {
  const seen: Seen[] = [];
  for await (const { name, filename, contentType: type, bytes } of multipartParts(source, contentType, limits)) {
    seen.push({
      name,
      ...(filename !== undefined && { filename }),
      ...(type !== undefined && { contentType: type }),
      text: (await bytes()).toString(),
    });
  }
  return seen;
}

const form = (...parts: string[]): Buffer =>
  Buffer.from(`${parts.map((part) => `--b\r\n${part}\r\n`).join("")}--b--\r\n`);
const field = (name: string, value: string): string => `Content-Disposition: form-data; name="${name}"\r\n\r\n${value}`;

describe("multipartParts", () => {
  const bytes = form(
    field("model", "whisper-1"),
    field("empty", ""),
    'content-disposition: form-data; name="file"; filename="C:\\\\music\\\\a.mp3"\r\nContent-Type: audio/mpeg\r\n\r\n\r\n--bx\r\n-\r\n--\r\n',
    field("é", "ü\r\n"),
  );
  const seen: Seen[] = [
    { name: "model", text: "whisper-1" },
    { name: "empty", text: "" },
    { name: "file", filename: "a.mp3", contentType: "audio/mpeg", text: "\r\n--bx\r\n-\r\n--\r\n" },
    { name: "é", text: "ü\r\n" },
  ];

  it("gives the same parts for every size of pieces", async () => {
    for (let size = 1; size <= bytes.length; size++) {
      // "\r\n--bx" is not a boundary: what follows the boundary has to end the line
      expect(await decode(cut(Buffer.from(bytes.toString().replaceAll("--bx", "--cx")), size))).toEqual(
        seen.map((part) => ({ ...part, text: part.text.replaceAll("--bx", "--cx") })),
      );
    }
  });

  it("refuses a boundary with text behind it, which others may take for content", async () => {
    expect(await rejection(decode(cut(bytes, 50)))).toMatchObject({ code: "invalid_request" });
  });

  it.each([
    ["multipart/form-data; boundary=b", true],
    ['multipart/form-data; charset=utf-8; boundary="b"', true],
    ["Multipart/Form-Data;BOUNDARY=b", true],
    ["multipart/form-data", false],
    ["multipart/mixed; boundary=b", false],
    ["multipart/form-data; xboundary=b", false],
    ["multipart/form-data; boundary=", false],
    [`multipart/form-data; boundary=${"b".repeat(71)}`, false],
  ])("reads the boundary of %j", async (contentType, good) => {
    const run = decode(cut(form(field("a", "1")), 100), contentType);
    if (good) expect(await run).toEqual([{ name: "a", text: "1" }]);
    else expect(await rejection(run)).toMatchObject({ code: "invalid_request" });
  });

  it.each([
    ['form-data; name="a"; filename="x \\"y\\".txt"', 'x "y".txt'],
    ['form-data; name="a"; filename="x %22y%22.txt"', 'x "y".txt'],
    ['form-data; name="a"; filename="../../etc/passwd"', "passwd"],
    ['form-data; name="a"; filename=".."', ""],
    ['form-data; name="a"; filename=""', ""],
    ["form-data; name=a; filename=plain.txt", "plain.txt"],
    ['form-data; name="a"; filename="x"; filename*=UTF-8\'\'na%C3%AFve%2F..%2Fb.txt', "b.txt"],
  ])("reads the file name of %s", async (disposition, filename) => {
    expect(await decode(cut(form(`content-disposition: ${disposition}\r\n\r\n1`), 100))).toEqual([
      { name: "a", filename, text: "1" },
    ]);
  });

  it.each([
    ["nothing", ""],
    ["no boundary", "hello"],
    ["another boundary", "--c\r\n"],
    ["a preamble", `hello\r\n${form(field("a", "1")).toString()}`],
    ["an epilogue", `${form(field("a", "1")).toString()}hello`],
    ["no end", "--b\r\ncontent-disposition: form-data; name=a\r\n\r\n1"],
    ["no end of the headers", "--b\r\ncontent-disposition: form-data; name=a\r\n"],
    ["a cut end", "--b\r\ncontent-disposition: form-data; name=a\r\n\r\n1\r\n--b-"],
    ["no headers", form("\r\n1").toString()],
    ["no name", form("content-disposition: form-data\r\n\r\n1").toString()],
    ["no disposition", form("content-type: text/plain\r\n\r\n1").toString()],
    ["an attachment", form('content-disposition: attachment; name="a"\r\n\r\n1').toString()],
    ["two names", form('content-disposition: form-data; name="a"; name="b"\r\n\r\n1').toString()],
    ["two dispositions", form(`content-disposition: form-data; name="a"\r\n${field("b", "1")}`).toString()],
    ["a bare line feed in a header", form('content-disposition: form-data; name="a\nb"\r\n\r\n1').toString()],
    ["a NUL in a header", form('content-disposition: form-data; name="a\0b"\r\n\r\n1').toString()],
    ["a folded header", form('content-disposition: form-data;\r\n name="a"\r\n\r\n1').toString()],
    ["an open quote", form('content-disposition: form-data; name="a\r\n\r\n1').toString()],
    [
      "a line end in an encoded name",
      form("content-disposition: form-data; name=a; filename*=UTF-8''a%0Ab\r\n\r\n1").toString(),
    ],
  ])("refuses %s", async (_name, text) => {
    for (const size of [1, 1000])
      expect(await rejection(decode(cut(Buffer.from(text), size)))).toMatchObject({ code: "invalid_request" });
  });

  it("skips what is not read of a part", async () => {
    const names: string[] = [];
    for await (const part of multipartParts(
      cut(form(field("a", "x".repeat(1000)), field("b", "y".repeat(1000)), field("c", "1")), 64),
      "multipart/form-data; boundary=b",
    )) {
      names.push(part.name);
      if (part.name === "b") for await (const _piece of part.body) break;
    }
    expect(names).toEqual(["a", "b", "c"]);
  });

  it("pulls no more than it is asked for, and closes its source", async () => {
    let pulled = 0;
    let closed = false;
    async function* source(): AsyncGenerator<Buffer> {
      try {
        yield Buffer.from('--b\r\ncontent-disposition: form-data; name="file"\r\n\r\n');
        for (;;) {
          pulled++;
          yield Buffer.alloc(1000, "x");
        }
      } finally {
        closed = true;
      }
    }
    for await (const part of multipartParts(source(), "multipart/form-data; boundary=b")) {
      let pieces = 0;
      for await (const _piece of part.body) if (++pieces === 3) break;
      break;
    }
    expect(pulled).toBeLessThanOrEqual(4);
    expect(closed).toBe(true);
  });

  it("limits parts, headers, fields and the whole", async () => {
    const many = form(...Array.from({ length: 100_000 }, () => field("a", "1")));
    const startedAt = performance.now();
    expect(await rejection(decode(cut(many, 65_536)))).toMatchObject({ code: "request_too_large" });
    expect(performance.now() - startedAt).toBeLessThan(1000);
    expect(await rejection(decode(cut(form(`x: ${"a".repeat(9000)}\r\n${field("a", "1")}`), 100)))).toMatchObject({
      code: "request_too_large",
    });
    expect(await rejection(decode(cut(form(field("a", "x".repeat(1_100_000))), 65_536)))).toMatchObject({
      code: "request_too_large",
      param: "a",
    });
    const limits = { parts: 10, headerBytes: 1000, totalBytes: 2000 };
    expect(await rejection(decode(cut(form(field("a", "x".repeat(2000))), 100), undefined, limits))).toMatchObject({
      code: "request_too_large",
    });
  });

  it.each([
    ["dashes after the boundary", Buffer.concat([Buffer.from("--b"), Buffer.alloc(10_000_000, "-")])],
    ["dashes in a field", Buffer.concat([Buffer.from(`--b\r\n${field("a", "")}`), Buffer.alloc(10_000_000, "-")])],
    [
      "line ends in a field",
      Buffer.concat([Buffer.from(`--b\r\n${field("a", "")}`), Buffer.alloc(10_000_000, "\r\n")]),
    ],
    [
      "almost boundaries",
      Buffer.concat([Buffer.from(`--b\r\n${field("a", "")}`), Buffer.alloc(10_000_000, "\r\n--c")]),
    ],
    ["header flood", Buffer.concat([Buffer.from("--b\r\n"), Buffer.alloc(10_000_000, "a: b\r\n")])],
  ])("takes linear time for 10 MB of %s", async (_name, flood) => {
    for (const size of [1000, 65_536]) {
      const startedAt = performance.now();
      const run = (async () => {
        for await (const part of multipartParts(cut(flood, size), "multipart/form-data; boundary=b"))
          for await (const _piece of part.body);
      })();
      expect(["invalid_request", "request_too_large"]).toContain(((await rejection(run)) as { code: string }).code);
      expect(performance.now() - startedAt).toBeLessThan(1000);
    }
  });
});

describe("encodeMultipart", () => {
  it("writes what the decoder reads, for any names and contents", async () => {
    const name = fc.string({ minLength: 1, unit: "grapheme" }).filter((text) => !/\p{Cc}|\\|%22/u.test(text));
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.tuple(
            name,
            fc.string({ unit: "binary" }).map((text) => Buffer.from(text).toString()),
            fc.boolean(),
          ),
          { maxLength: 5 },
        ),
        fc.integer({ min: 1, max: 200 }),
        async (fields, size) => {
          const parts = fields.map(([key, value, file]) =>
            file
              ? { name: key, filename: "a.bin", contentType: "text/plain", data: Buffer.from(value) }
              : { name: key, value },
          );
          const { body, contentType } = encodeMultipart(parts);
          const expected = fields.map(([key, text, file]) => ({
            name: key,
            ...(file && { filename: "a.bin", contentType: "text/plain" }),
            text,
          }));
          expect(await decode(cut(body, size), contentType)).toEqual(expected);
        },
      ),
      { numRuns: 200 },
    );
  });

  it("streams a file that is still arriving", async () => {
    async function* data(): AsyncGenerator<Buffer> {
      yield Buffer.from("one ");
      yield Buffer.from("two");
    }
    const { body, contentType } = streamMultipart([
      { name: "model", value: "whisper-1" },
      { name: "file", filename: "a.wav", data: data() },
    ]);
    expect(await decode(body, contentType)).toEqual([
      { name: "model", text: "whisper-1" },
      { name: "file", filename: "a.wav", contentType: "application/octet-stream", text: "one two" },
    ]);
  });

  it.each(["a\r\nx: y", "a\nb", "a\0"])("refuses the name %j", (name) => {
    const refused = expect.objectContaining({ code: "invalid_request" });
    expect(() => encodeMultipart([{ name, value: "1" }])).toThrow(refused);
    expect(() => encodeMultipart([{ name: "a", filename: name, data: Buffer.alloc(0) }])).toThrow(refused);
    expect(() =>
      encodeMultipart([{ name: "a", filename: "b", contentType: `text/plain${name}`, data: Buffer.alloc(0) }]),
    ).toThrow(refused);
  });

  it("encodes quotes as browsers do", () => {
    expect(encodeMultipart([{ name: 'a"b', value: "1" }]).body.toString()).toContain('name="a%22b"');
  });
});
