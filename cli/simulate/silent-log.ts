import type { Log } from "../../core/ports.js";

const nothing = (): void => {};

/** A log that tells nothing: a simulation judges thousands of epochs. */
export const silentLog: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing };
