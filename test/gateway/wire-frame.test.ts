import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, it } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { binaryFrame, textFrame } from "../../server/gateway/wire-frame.ts";

const server = createServer();

afterEach(() => server.close());

it("puts frames together that ws takes apart, whatever their length", async () => {
  // Both sides of each way to say a length.
  const lengths = [0, 1, 125, 126, 127, 65_535, 65_536, 300_000];
  const texts = ["λ", ...lengths.map((length) => "x".repeat(length))];
  const endpoint = new WebSocketServer({ noServer: true });
  server.on("upgrade", (request, connection, head) => {
    endpoint.handleUpgrade(request, connection, head, () => {
      for (const text of texts) {
        connection.write(textFrame(text).bytes);
        connection.write(binaryFrame(Buffer.from(text)).bytes);
      }
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const received: { readonly text: string; readonly isBinary: boolean }[] = [];
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  await new Promise<void>((resolve) => {
    client.on("message", (data, isBinary) => {
      received.push({ text: String(data), isBinary });
      if (received.length === 2 * texts.length) resolve();
    });
  });
  client.terminate();
  expect(received).toEqual(texts.flatMap((text) => [false, true].map((isBinary) => ({ text, isBinary }))));
});
