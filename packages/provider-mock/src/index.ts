export { mock } from "./mock.ts";
export type { MockOptions, Script, ScriptAnswer, ScriptedReply } from "./options.ts";
