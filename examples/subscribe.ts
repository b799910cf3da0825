/** Prints λ₁ and the stability threshold as they are measured: THALWEG_TOKEN=… npx tsx examples/subscribe.ts ws://127.0.0.1:4242 */
import { WebSocket } from "ws";

const url = process.argv[2] ?? "ws://127.0.0.1:4242";
const headers = { authorization: `Bearer ${process.env["THALWEG_TOKEN"]}` };
let session = "live";
let lastSeq = -1;

function connect(): void {
  const socket = new WebSocket(`${url}/v1/stream`, "thalweg.v1", { headers });
  socket.on("open", () => {
    const from = lastSeq < 0 ? "start" : { seq: lastSeq + 1 };
    socket.send(JSON.stringify({ op: "subscribe", id: 1, session, channels: ["hessian/eigenvalues"], from }));
  });
  socket.on("message", (text) => {
    const message = JSON.parse(String(text));
    if (message.op === "subscribed") session = message.session;
    if (message.op === "error") console.error(message.message);
    if (message.op === "end" || message.op === "error") process.exit(message.op === "end" ? 0 : 1);
    for (const { seq, step, value } of message.samples ?? []) {
      console.log(`step ${step}: λ₁ ${value.top[0].value}, threshold ${value.threshold}`);
      lastSeq = seq;
    }
  });
  socket.on("error", ({ message }) => console.error(message));
  // Cut off in mid-run, it goes on after the last sample it has seen: no gap, no duplicate.
  socket.on("close", () => (session === "live" ? process.exit(1) : setTimeout(connect, 1000)));
}

connect();
