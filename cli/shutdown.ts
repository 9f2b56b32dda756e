/** Why a program stops when it is told to. */
export class StopRequest extends Error {
  override readonly name = "StopRequest";
}

/**
 * The one shutdown signal of a process: aborted with a StopRequest on SIGINT and SIGTERM. A second SIGINT ends the
 * process the usual way, for people who do not want to wait.
 */
export function shutdownSignal(): AbortSignal {
  const controller = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.once(name, () => {
      controller.abort(new StopRequest(`${name} received`));
    });
  }
  return controller.signal;
}
