import { GatewayError } from "@signalbox/kernel";

/** One thing that is wrong with a configuration, and where. */
export interface Problem {
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
  /** Counted from 1. */
  readonly column: number;
  /** Path of the key: `model_list[0].litellm_params.timeout`. Empty for the file as a whole. */
  readonly key: string;
  /** What is wrong; never a secret. */
  readonly message: string;
  /** What to do about it. */
  readonly hint?: string;
}

/** A place in a file. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** Collects what is wrong, so that all of it is reported together. */
export class Problems {
  readonly #list: Problem[] = [];

  add(place: Place, key: string, message: string, hint?: string): void {
    const { file, line, column } = place;
    this.#list.push({ file, line, column, key, message, ...(hint !== undefined && { hint }) });
  }

  get count(): number {
    return this.#list.length;
  }

  /** Whether there is a problem at this key or below it. */
  below(key: string): boolean {
    return this.#list.some((problem) => isBelow(problem.key, key));
  }

  /** Whether the hint of an unknown key in this section names the key. */
  suggested(section: string, key: string): boolean {
    return this.#list.some((problem) => isBelow(problem.key, section) && problem.hint?.includes(JSON.stringify(key)));
  }

  /** `option_invalid` with everything that was added. */
  error(): GatewayError {
    return configError(this.#list);
  }
}

function isBelow(key: string, section: string): boolean {
  return section === "" || key === section || (key.startsWith(section) && /^[.[]/.test(key.slice(section.length)));
}

/** The error for an invalid configuration: one line per problem, in the order of the files. */
export function configError(problems: readonly Problem[]): GatewayError {
  const files = [...new Set(problems.map((problem) => problem.file))];
  const sorted = problems.toSorted(
    (one, other) =>
      files.indexOf(one.file) - files.indexOf(other.file) || one.line - other.line || one.column - other.column,
  );
  const count = sorted.length === 1 ? "1 problem" : `${sorted.length} problems`;
  const message = [`the configuration has ${count}`, ...sorted.map(problemLine)].join("\n");
  return new GatewayError("option_invalid", message, { source: "config", details: { problems: sorted } });
}

function problemLine({ file, line, column, key, message, hint }: Problem): string {
  const place = `${file}:${line}:${column}`;
  const text = hint === undefined ? message : `${message}${/^[A-Z]/.test(hint) ? "." : ";"} ${hint}`;
  return key === "" ? `${place}  ${text}` : `${place}  ${key}: ${text}`;
}
