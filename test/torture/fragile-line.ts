/** A line to a server that breaks after a given number of bytes, wherever in a frame that is. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

const HEAD_END = Buffer.from("\r\n\r\n");

export class FragileLine {
  readonly url: string;
  readonly #server: Server;
  readonly #open = new Set<Socket>();
  /** What the next connection lets through from the server, behind the head of its answer; null: everything. */
  breaksAfter: number | null = null;
  /** Of those that broke: how many within a frame. */
  brokenFrames = 0;

  private constructor(server: Server) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  static async to(port: number): Promise<FragileLine> {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const line = new FragileLine(server);
    server.on("connection", (near) => line.#join(near, connect(port, "127.0.0.1")));
    return line;
  }

  async close(): Promise<void> {
    for (const socket of this.#open) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }

  #join(near: Socket, far: Socket): void {
    const frames = new FrameWalk();
    let left = this.breaksAfter ?? Number.POSITIVE_INFINITY;
    let head = Buffer.alloc(0);
    let isUpgraded = false;
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#open.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        this.#open.delete(socket);
        other.destroy();
      });
    }
    near.on("data", (chunk) => far.write(chunk));
    far.on("data", (chunk: Buffer) => {
      let body = chunk;
      if (!isUpgraded) {
        head = Buffer.concat([head, chunk]);
        const end = head.indexOf(HEAD_END);
        if (end < 0) return;
        isUpgraded = true;
        near.write(head.subarray(0, end + HEAD_END.length));
        body = head.subarray(end + HEAD_END.length);
      }
      const passed = body.subarray(0, Math.min(left, body.length));
      frames.take(passed);
      left -= passed.length;
      if (left > 0) {
        near.write(passed);
        return;
      }
      far.removeAllListeners("data");
      far.resume();
      if (frames.isInside) this.brokenFrames++;
      near.end(passed, () => near.destroy());
    });
  }
}

/** Where frames begin and end in what a server sends: it does not mask. */
class FrameWalk {
  #payloadLeft = 0;
  #head: number[] = [];

  get isInside(): boolean {
    return this.#payloadLeft > 0 || this.#head.length > 0;
  }

  take(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; ) {
      if (this.#payloadLeft > 0) {
        const passed = Math.min(this.#payloadLeft, bytes.length - at);
        this.#payloadLeft -= passed;
        at += passed;
        continue;
      }
      this.#head.push(bytes[at++] as number);
      const length = payloadLength(Buffer.from(this.#head));
      if (length === null) continue;
      this.#payloadLeft = length;
      this.#head = [];
    }
  }
}

/** null: the head is not whole yet. */
function payloadLength(head: Buffer): number | null {
  const short = (head[1] ?? 0) & 0x7f;
  const whole = short < 126 ? 2 : short === 126 ? 4 : 10;
  if (head.length < 2 || head.length < whole) return null;
  return short < 126 ? short : short === 126 ? head.readUInt16BE(2) : Number(head.readBigUInt64BE(2));
}
