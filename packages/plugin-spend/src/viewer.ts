import type { Entry, Principal, Scope } from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";
import type { Sources } from "./sources.ts";

const OWNERS: readonly string[] = ["key", "user", "team", "organization"];

/** Who asks, and what of it there is to see. */
export class Viewer {
  readonly principal: Principal;
  readonly #sources: Sources;

  constructor(principal: Principal, sources: Sources) {
    this.principal = principal;
    this.#sources = sources;
  }

  get seesAll(): boolean {
    return this.principal.admin || this.#sources.directory()?.seesAll(this.principal) === true;
  }

  /** What is its own where it names nothing: everything that its person has spent, or its key. */
  get own(): Scope {
    const { userId, id } = this.principal;
    return userId === undefined ? { kind: "key", id } : { kind: "user", id: userId };
  }

  /** @throws {GatewayError} `route_not_allowed` */
  requireAll(): void {
    if (!this.seesAll) {
      throw new GatewayError("route_not_allowed", "this route is for proxy administrators and viewers");
    }
  }

  async sees(scope: Scope): Promise<boolean> {
    if (this.seesAll) return true;
    const directory = this.#sources.directory();
    if (directory !== undefined) return await directory.sees(this.principal, scope);
    return scope.kind === this.own.kind && scope.id === this.own.id;
  }

  /** Another's looks the same as none. @throws {GatewayError} `not_found` */
  async require(scope: Scope): Promise<void> {
    if (!(await this.sees(scope))) throw new GatewayError("not_found", `there is no such ${scope.kind}`);
  }

  /** Whether an entry is the viewer's own, or of a team or an organisation that it administers. */
  async seesEntry({ scopes }: Entry): Promise<boolean> {
    if (this.seesAll) return true;
    for (const scope of scopes) {
      if (OWNERS.includes(scope.kind) && scope.model === undefined && (await this.sees(scope))) return true;
    }
    return false;
  }

  /** The id of a key, by the key or its id. An unknown one is taken for an id: its entries may outlive it. */
  async keyId(text: string): Promise<string> {
    return (await this.#sources.directory()?.keyId(text)) ?? text;
  }
}
