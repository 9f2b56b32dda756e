import type { Log } from "../../core/ports.js";

/** A log that says nothing. */
export const quietLog: Log = { debug() {}, info() {}, warn() {}, error() {} };
