/**
 * Tells HTTP/1.1 and HTTP/2 apart on one port in the clear.
 */
import type { Socket } from "node:net";

/** HTTP/2 in the clear begins with a fixed preface that no HTTP/1.1 request can begin with. */
const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n");

/** Calls back once it is clear which HTTP a connection speaks, with all bytes so far back in the socket. */
export function onFirstBytes(socket: Socket, decided: (isHttp2: boolean) => void): void {
  let seen = Buffer.alloc(0);
  const onReadable = (): void => {
    for (let chunk = socket.read() as Buffer | null; chunk !== null; chunk = socket.read() as Buffer | null) {
      seen = Buffer.concat([seen, chunk]);
    }
    if (seen.length === 0) return;
    const common = Math.min(seen.length, PREFACE.length);
    const couldBe = seen.subarray(0, common).equals(PREFACE.subarray(0, common));
    if (couldBe && common < PREFACE.length) return;
    socket.off("readable", onReadable);
    socket.unshift(seen);
    decided(couldBe);
  };
  socket.on("readable", onReadable);
}
