import type { Clock, Log } from "../core/ports.js";
import type { HttpMount } from "../rpc/serving/server.js";
import { renderStatusJson } from "../web/status-json.js";
import { CONTENT_SECURITY_POLICY, renderStatusPage } from "../web/status-page.js";
import type { StatusView } from "../web/view.js";

/** A view this young is shown again, so that many readers cost as much as one. */
const VIEW_MAX_AGE_MS = 2_000;

interface Answer {
  readonly contentType: string;
  readonly render: (view: StatusView) => string;
}

const ANSWERS: Readonly<Record<string, Answer>> = {
  "/": { contentType: "text/html; charset=utf-8", render: renderStatusPage },
  "/status.json": { contentType: "application/json", render: renderStatusJson },
};

/** Serves the status page at "/" and its content at "/status.json"; leaves every other path. */
export function statusMount(options: {
  readonly read: () => Promise<StatusView>;
  readonly clock: Clock;
  readonly log: Log;
}): HttpMount {
  const { read, clock, log } = options;
  let held: { readonly view: Promise<StatusView>; readonly sinceMs: number } | undefined;

  function currentView(): Promise<StatusView> {
    const nowMs = clock.now();
    if (held === undefined || nowMs - held.sinceMs >= VIEW_MAX_AGE_MS) {
      const view = read();
      held = { view, sinceMs: nowMs };
      view.catch(() => {
        if (held?.view === view) held = undefined;
      });
    }
    return held.view;
  }

  return {
    pathPrefix: "/",
    handle(request, response) {
      const answer = ANSWERS[(request.url ?? "").split("?", 1)[0] ?? ""];
      const { method } = request;
      if (answer === undefined || (method !== "GET" && method !== "HEAD")) return false;
      const send = (status: number, contentType: string, text: string): void => {
        response.writeHead(status, {
          "content-type": contentType,
          "cache-control": "no-store",
          "content-security-policy": CONTENT_SECURITY_POLICY,
          "x-content-type-options": "nosniff",
          "referrer-policy": "no-referrer",
        });
        response.end(method === "HEAD" ? "" : text);
      };
      currentView()
        .then((view) => send(200, answer.contentType, answer.render(view)))
        .catch((err: unknown) => {
          log.error({ event: "status_failed", err }, "the status page could not be made");
          send(503, "text/plain; charset=utf-8", "The status cannot be read just now.\n");
        });
      return true;
    },
  };
}
