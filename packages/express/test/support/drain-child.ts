// A process that serves until it is told to end. Arguments: drain deadline, delay. Prints its address.
import { serve } from "../../src/node/index.ts";
import { testGateway } from "./test-gateway.ts";

const [deadlineMs, delayMs] = process.argv.slice(2).map(Number);
const { gateway } = await testGateway({
  close() {
    console.log("closed");
  },
});
const { url } = await serve(gateway, {
  port: 0,
  drain: { deadlineMs: deadlineMs ?? 1_000, delayMs: delayMs ?? 0 },
});
console.log(url);
