import type { Provider } from "@signalbox/kernel";
import { jsonRequest, openStream, sendJson } from "@signalbox/kernel/http";
import { textResult } from "./scripted-provider.ts";

/** A vendor over HTTP: a stream of texts, or one JSON body `{ text }`. */
export const httpVendor: Provider = {
  name: "vendor",
  operations: {
    async *chat(attempt) {
      const asked = jsonRequest(attempt, {
        baseUrl: attempt.deployment.baseUrl ?? "",
        path: "/chat",
        headers: {},
        body: { model: attempt.upstreamModel },
      });
      if (attempt.request.stream !== true) {
        const { text } = (await sendJson(attempt, asked, {})) as { readonly text: string };
        return textResult(text);
      }
      const stream = await openStream(attempt, asked);
      try {
        let text = "";
        for (;;) {
          const bytes = await stream.read();
          if (bytes === undefined) return textResult(text);
          text += bytes.toString();
          yield { type: "partDelta", choice: 0, index: 0, delta: { type: "text", text: bytes.toString() } };
        }
      } finally {
        stream.close();
      }
    },
  },
};
