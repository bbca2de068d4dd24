import { GatewayError } from "../errors.ts";

/** What the headers of a part say. */
export interface PartHeaders {
  readonly name: string;
  /** Last segment of the path that the client gave; undefined for a plain field. */
  readonly filename?: string;
  readonly contentType?: string;
}

const BOUNDARY =
  /^multipart\/form-data\s*;(?:[^"]{0,200};)?\s*boundary=(?:"([^"\r\n]{1,70})"|([^\s;"]{1,70}))\s*(?:;|$)/i;
const HEADER_LINE = /^([A-Za-z0-9-]{1,64}):[ \t]*(.*)$/s;
const PARAMETER = /;[ \t]*([a-z0-9_-]+\*?)=(?:"((?:[^"\\]|\\.)*)"|([^;"\s]*))[ \t]*/isy;

/** The boundary that a content type names. */
export function formBoundary(contentType: string): string {
  const match = BOUNDARY.exec(contentType);
  const boundary = match?.[1] ?? match?.[2];
  if (boundary === undefined) throw malformed("its content type names no boundary");
  return boundary;
}

/** Reads the header lines of one part. */
export function partHeaders(text: string): PartHeaders {
  const found = new Map<string, string>();
  for (const line of text.split("\r\n")) {
    const match = HEADER_LINE.exec(line);
    if (match === null || hasControl(line)) throw malformed("a field has a malformed header");
    const name = (match[1] as string).toLowerCase();
    if (found.has(name)) throw malformed("a field has a header twice");
    found.set(name, match[2] as string);
  }
  const { name, filename } = disposition(found.get("content-disposition"));
  const contentType = found.get("content-type")?.trim();
  return {
    name,
    ...(filename !== undefined && { filename }),
    ...(contentType !== undefined && { contentType }),
  };
}

function disposition(header: string | undefined): { name: string; filename: string | undefined } {
  if (header === undefined) throw malformed("a field has no content-disposition");
  const start = /^form-data[ \t]*/i.exec(header)?.[0];
  if (start === undefined) throw malformed("a field is not form-data");
  const parameters = new Map<string, string>();
  const pattern = new RegExp(PARAMETER);
  let at = start.length;
  while (at < header.length) {
    pattern.lastIndex = at;
    const match = pattern.exec(header);
    if (match === null) throw malformed("a field has a malformed content-disposition");
    const name = (match[1] as string).toLowerCase();
    if (parameters.has(name)) throw malformed("a field has a parameter twice");
    parameters.set(name, match[2] === undefined ? (match[3] as string) : unquoted(match[2]));
    at = pattern.lastIndex;
  }
  const name = parameters.get("name");
  if (name === undefined) throw malformed("a field has no name");
  const filename = extended(parameters.get("filename*")) ?? parameters.get("filename");
  return { name, filename: filename === undefined ? undefined : lastSegment(filename) };
}

/** Browsers encode quotes and line ends in per cent; others put a backslash before quotes. */
function unquoted(text: string): string {
  return text.replace(/\\(["\\])/g, "$1").replace(/%22/g, '"');
}

/** `UTF-8''na%C3%AFve.txt` (RFC 5987). */
function extended(value: string | undefined): string | undefined {
  const text = /^utf-8'[^']*'(.*)$/is.exec(value ?? "")?.[1];
  if (text === undefined) return undefined;
  try {
    const decoded = decodeURIComponent(text);
    if (!hasControl(decoded)) return decoded;
  } catch {
    // reported below
  }
  throw malformed("a file name is badly encoded");
}

/** A name, not a path: nobody stores a file where a client says. */
function lastSegment(path: string): string {
  const name = path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1);
  return name === "." || name === ".." ? "" : name;
}

function hasControl(text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if ((code < 0x20 && code !== 0x09) || code === 0x7f) return true;
  }
  return false;
}

function malformed(why: string): GatewayError {
  return new GatewayError("invalid_request", `the form is malformed: ${why}`);
}
