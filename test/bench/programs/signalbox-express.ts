// Signalbox as a router in an Express application.
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import express from "express";
import { signalbox } from "@signalbox/express";
import { ready } from "../../probe.ts";
import { signalboxGateway } from "../signalbox-gateway.ts";

const [upstream = "", lane = "", key = ""] = process.argv.slice(2);
const application = express();
application.disable("x-powered-by");
application.use(signalbox(await signalboxGateway(upstream, lane, key)));
const server = application.listen(0, "127.0.0.1");
await once(server, "listening");
ready((server.address() as AddressInfo).port);
