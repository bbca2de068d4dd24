// Signalbox on node:http.
import { listen } from "@signalbox/express/node";
import { ready } from "../../probe.ts";
import { signalboxGateway } from "../signalbox-gateway.ts";

const [upstream = "", lane = "", key = ""] = process.argv.slice(2);
const gateway = await signalboxGateway(upstream, lane, key);
const { url } = await listen(gateway, { port: 0 });
ready(Number(new URL(url).port));
