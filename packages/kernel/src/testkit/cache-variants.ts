import type { ChatRequest } from "../chat/request.ts";
import type { Principal } from "../principal.ts";

/** Principals that are all of different tenants, and names that only look alike when they are joined carelessly. */
export function otherPrincipals(): readonly Principal[] {
  const key = { kind: "key", admin: false, models: ["*"] } as const;
  return [
    { ...key, id: "key-2", organizationId: "org-1", teamId: "team-2" },
    { ...key, id: "key-3", organizationId: "org-2", teamId: "team-1" },
    { ...key, id: "key-4", organizationId: "org-2" },
    { ...key, id: "key-5", teamId: "org-2" },
    { ...key, id: "key-6", organizationId: "a", teamId: "b:c" },
    { ...key, id: "key-7", organizationId: "a:b", teamId: "c" },
    { ...key, id: "key-8", organizationId: "a/b", teamId: "c" },
    { ...key, id: "key-9", organizationId: "a", teamId: "b/c" },
    { ...key, id: "org-2" },
    { ...key, id: "key-10" },
    { ...key, id: "key-11" },
  ];
}

/** The same question with one effective parameter changed, by name. */
export function otherParameters(base: ChatRequest): Readonly<Record<string, ChatRequest>> {
  const tool = { type: "function", name: "get_weather", parameters: { type: "object" } } as const;
  const changes: Readonly<Record<string, Partial<ChatRequest>>> = {
    model: { model: "kit-model-2" },
    temperature: { temperature: 1 },
    topP: { topP: 0.5 },
    topK: { topK: 1 },
    seed: { seed: 1 },
    stop: { stop: ["a", "b"] },
    "stop, in another order": { stop: ["b", "a"] },
    "stop, joined": { stop: ["a,b"] },
    maxOutputTokens: { maxOutputTokens: 5 },
    frequencyPenalty: { frequencyPenalty: 1 },
    presencePenalty: { presencePenalty: 1 },
    logitBias: { logitBias: { 50256: -100 } },
    logprobs: { logprobs: true },
    choiceCount: { choiceCount: 2 },
    tools: { tools: [tool] },
    "tool description": { tools: [{ ...tool, description: "The weather." }] },
    toolChoice: { tools: [tool], toolChoice: { type: "required" } },
    responseFormat: { responseFormat: { type: "json" } },
    reasoning: { reasoning: { effort: "high" } },
    verbosity: { verbosity: "low" },
    modalities: { modalities: ["text", "audio"] },
    serviceTier: { serviceTier: "flex" },
    extra: { extra: { kit: { unknown_field: 1 } } },
    "extra, of another vendor": { extra: { other: { unknown_field: 1 } } },
    "extra, as text": { extra: { kit: { unknown_field: "1" } } },
  };
  return Object.fromEntries(Object.entries(changes).map(([name, change]) => [name, { ...base, ...change }]));
}

/** Other conversations, some of which read alike. */
export function otherMeanings(base: ChatRequest): Readonly<Record<string, ChatRequest>> {
  const [system, user] = base.messages as [ChatRequest["messages"][number], ChatRequest["messages"][number]];
  const text = (words: string) => ({ type: "text", text: words }) as const;
  const image = (url: string) => ({ type: "image", source: { type: "url", url } }) as const;
  const conversations: Readonly<Record<string, ChatRequest["messages"]>> = {
    question: [system, { ...user, content: [text("What is the capital of Italy?")] }],
    "question, in capitals": [system, { ...user, content: [text("WHAT IS THE CAPITAL OF FRANCE?")] }],
    "system prompt": [{ ...system, content: [text("Be verbose.")] }, user],
    "system role": [{ ...system, role: "user" }, user],
    "no system prompt": [user],
    "one more turn": [system, user, { role: "assistant", content: [text("Paris.")] }, user],
    "name of the speaker": [system, { ...user, name: "ann" }],
    image: [system, { ...user, content: [...user.content, image("https://example.com/1.png")] }],
    "other image": [system, { ...user, content: [...user.content, image("https://example.com/2.png")] }],
  };
  return Object.fromEntries(Object.entries(conversations).map(([name, messages]) => [name, { ...base, messages }]));
}
