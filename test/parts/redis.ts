/** A real redis-server on loopback, in memory only. */
import { connect } from "node:net";
import { freePort, missingReason, programGroup, waitUntil, type ProgramGroup } from "./programs.js";

/** A running part. */
export interface StartedRedis {
  /** redis://127.0.0.1:port */
  readonly url: string;
  /** Makes it fall silent with its connections open, until resume(). */
  suspend(): void;
  resume(): void;
  /** Ends it at once, without a chance to tidy up, and waits until it is gone. */
  kill(): Promise<void>;
  /** Ends it and waits until it is gone. */
  stop(): Promise<void>;
}

/** Why no redis-server can be started here; undefined when one can. */
export function redisMissing(): string | undefined {
  return missingReason(["redis-server"], "redis-server");
}

/** Starts a redis-server on a free port, or the given one; `missing` says why it cannot. */
export async function startRedis(port?: number): Promise<StartedRedis | { readonly missing: string }> {
  const missing = redisMissing();
  if (missing !== undefined) return { missing };
  const group = programGroup("redis");
  try {
    const chosenPort = port ?? (await freePort());
    const bind = ["--bind", "127.0.0.1", "--port", `${chosenPort}`];
    group.start("redis-server", [...bind, "--save", "", "--appendonly", "no", "--dir", group.dir]);
    await waitUntil(`redis-server on port ${chosenPort}`, 10_000, () => answersPing(chosenPort, group));
    return {
      url: `redis://127.0.0.1:${chosenPort}`,
      suspend: () => group.signal("SIGSTOP"),
      resume: () => group.signal("SIGCONT"),
      async kill() {
        group.signal("SIGKILL");
        await group.stop();
      },
      stop: () => group.stop(),
    };
  } catch (error) {
    await group.stop();
    throw error;
  }
}

function answersPing(port: number, group: ProgramGroup): Promise<boolean> {
  const ended = group.ended();
  if (ended.length > 0) throw new Error(ended.join("; "));
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.write("PING\r\n"));
    const answer = (pong: boolean): void => {
      socket.destroy();
      resolve(pong);
    };
    socket.on("error", () => answer(false)).on("data", (chunk) => answer(chunk.includes("PONG")));
  });
}
