// The topology of deploy/ on this machine, without containers: `node deploy/local/run.mjs --help`. Plain JavaScript,
// because it runs the tests' own parts, which are TypeScript, through tsx.
import { register } from "tsx/esm/api";

register();
await import("../../test/parts/run-balanced-replicas.ts");
