import { isIPv4 } from "node:net";
import type { Deployment } from "@signalbox/kernel";

/** Servers that people run themselves, by the names under which providers know them, and the mock. */
const LOCAL_PROVIDERS: readonly string[] = [
  "atomic-chat",
  "docker-model-runner",
  "jan",
  "koboldcpp",
  "lemonade",
  "llama-cpp",
  "llamacpp",
  "llamafile",
  "lm-studio",
  "lmstudio",
  "localai",
  "mistralrs",
  "mock",
  "ollama",
  "oobabooga",
  "sglang",
  "tgi",
  "vllm",
  "xinference",
];

/** Whether nobody charges for it: a known local server, at an address of one's own where the deployment has one. */
export function isLocal({ provider, baseUrl }: Pick<Deployment, "provider" | "baseUrl">): boolean {
  const name = provider.toLowerCase().replaceAll("_", "-");
  return LOCAL_PROVIDERS.includes(name) && (baseUrl === undefined || isOwnAddress(baseUrl));
}

/** Loopback, private networks, and names without a dot (`ollama`, `localhost`) or under `.local` and `.internal`. */
function isOwnAddress(baseUrl: string): boolean {
  if (!URL.canParse(baseUrl)) return false;
  const { hostname } = new URL(baseUrl);
  const host = hostname.toLowerCase();
  if (host.startsWith("[")) return /^\[(::1\]|f[cd][0-9a-f]{2}:|fe80:)/.test(host);
  if (isIPv4(host)) return /^(127\.|10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|0\.0\.0\.0$)/.test(host);
  return !host.includes(".") || /\.(local|internal|localhost)$/.test(host);
}
