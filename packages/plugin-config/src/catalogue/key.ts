import type { z } from "zod";

/** A key that does something in this release. */
export interface SupportedKey {
  /** `model_list[].litellm_params.timeout`; `[]` stands for any entry of a list, `*` for any name. */
  readonly path: string;
  readonly status: "supported";
  readonly value: z.ZodType;
  /** What it does, in a sentence. */
  readonly text: string;
}

/** A key whose effect comes from a plugin that is not here. */
export interface LaterKey {
  readonly path: string;
  readonly status: "later";
  readonly plugin: string;
}

/** A key of LiteLLM that has no place here. */
export interface RefusedKey {
  readonly path: string;
  readonly status: "refused";
  /** What to use instead. */
  readonly hint: string;
}

/** A key of the configuration file: supported, meant for a plugin, or refused with a reason. */
export type ConfigKey = SupportedKey | LaterKey | RefusedKey;

export function supported(path: string, value: z.ZodType, text: string): SupportedKey {
  return { path, status: "supported", value, text };
}

/** Several keys of one section, separated by spaces. */
export function later(plugin: string, section: string, keys: string): readonly LaterKey[] {
  return paths(section, keys).map((path) => ({ path, status: "later", plugin }));
}

export function refused(hint: string, section: string, keys: string): readonly RefusedKey[] {
  return paths(section, keys).map((path) => ({ path, status: "refused", hint }));
}

function paths(section: string, keys: string): readonly string[] {
  return keys
    .trim()
    .split(/\s+/)
    .map((key) => (section === "" ? key : `${section}.${key}`));
}
