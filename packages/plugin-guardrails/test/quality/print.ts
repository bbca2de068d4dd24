import { measure, report } from "./measure.ts";

console.log(report(measure()));
