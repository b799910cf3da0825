/** Clients that only read, in a process of their own, so that the server's CPU time is the server's: connects as told over IPC, and says so each time that all of them have been sent one more frame. */
import { once } from "node:events";
import { WebSocket } from "ws";

export interface SinkOrder {
  readonly url: string;
  readonly clients: number;
  readonly protocols: readonly string[];
  /** Sent once by each; "" for nothing. */
  readonly hello: string;
}

process.on("disconnect", () => process.exit());
process.on("message", (order) => void serve(order as SinkOrder));

async function serve({ url, clients, protocols, hello }: SinkOrder): Promise<void> {
  let taken = 0;
  const sockets = await Promise.all(
    Array.from({ length: clients }, async () => {
      const socket = new WebSocket(url, [...protocols], { perMessageDeflate: false });
      socket.on("message", (data: Buffer) => {
        // Greetings are answers: only what streams begins so.
        if (!data.subarray(0, 15).equals(STREAMED)) return;
        if (++taken % clients === 0) process.send?.("round");
      });
      await once(socket, "open");
      if (hello !== "") socket.send(hello);
      return socket;
    }),
  );
  process.send?.("connected");
  process.once("message", () => {
    for (const socket of sockets) socket.terminate();
  });
}

const STREAMED = Buffer.from('{"op":"samples"');
