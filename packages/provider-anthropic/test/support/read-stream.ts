import { SseDecoder } from "@signalbox/kernel/http";

type Json = Record<string, unknown>;

/** The events in some bytes of a stream, as a client's SSE parser reads them. */
export function readEvents(bytes: string | Buffer): readonly Json[] {
  const decoder = new SseDecoder();
  const frames = [...decoder.push(Buffer.from(bytes)), ...decoder.end()];
  return frames.map(({ event, data }) => {
    const parsed = JSON.parse(data) as Json;
    if (parsed.type !== event) throw new Error(`event name ${event} over ${data}`);
    return parsed;
  });
}

/** The message that a client library builds from a stream; strict about order and numbers of blocks. */
export function readMessage(bytes: string | Buffer): Json {
  let message: Json | undefined;
  let open = -1;
  let input = "";
  let stopped = false;
  const blocks: Json[] = [];
  for (const event of readEvents(bytes)) {
    const { type, index } = event;
    if (stopped) throw new Error(`${String(type)} after message_stop`);
    if (type === "message_start") message = structuredClone(event.message) as Json;
    else if (type === "content_block_start") {
      if (open >= 0 || index !== blocks.length) throw new Error(`block ${String(index)} cannot start here`);
      open = blocks.length;
      input = "";
      blocks.push(structuredClone(event.content_block) as Json);
    } else if (type === "content_block_delta") {
      if (index !== open) throw new Error(`a delta for block ${String(index)}, which is not open`);
      const delta = event.delta as Json;
      if (delta.type === "input_json_delta") input += delta.partial_json as string;
      else applyDelta(blocks[open] as Json, delta);
    } else if (type === "content_block_stop") {
      if (index !== open) throw new Error(`block ${String(index)} is not open`);
      if (input !== "") (blocks[open] as Json).input = JSON.parse(input);
      open = -1;
    } else if (type === "message_delta") {
      Object.assign(message as Json, event.delta);
      message = { ...message, usage: { ...(message?.usage as Json), ...(event.usage as Json) } };
    } else if (type === "message_stop") stopped = true;
  }
  if (message === undefined || !stopped) throw new Error("the stream is not whole");
  return { ...message, content: blocks };
}

function applyDelta(block: Json, delta: Json): void {
  switch (delta.type) {
    case "text_delta":
      block.text = `${String(block.text)}${String(delta.text)}`;
      break;
    case "thinking_delta":
      block.thinking = `${String(block.thinking)}${String(delta.thinking)}`;
      break;
    case "signature_delta":
      block.signature = delta.signature;
      break;
    case "citations_delta":
      block.citations = [...((block.citations as unknown[] | undefined) ?? []), delta.citation];
      break;
    case "compaction_delta":
      block.content = `${String(block.content)}${String(delta.content)}`;
      break;
    default:
      throw new Error(`unknown delta ${String(delta.type)}`);
  }
}
