import type { Plugin } from "@signalbox/kernel";
import { layerFor, withRequest } from "@signalbox/kernel";

export function brevity(most: number): Plugin {
  const brief = layerFor("chat", function brief(call, next) {
    const maxOutputTokens = Math.min(call.request.maxOutputTokens ?? most, most);
    return next(withRequest(call, { ...call.request, maxOutputTokens }));
  });
  return { name: "brevity", layers: { admit: brief } };
}
