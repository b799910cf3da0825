/** Clients that stop reading while θ of 0.8 MB streams: what they cost the server, and whether the one that reads notices. */
import { type Of, TestClient } from "../support/test-client.ts";
import { TOKEN } from "../support/test-gateway.ts";
import { type Check, Failures, type Outcome } from "./check.ts";
import { ChildServer } from "./child-server.ts";
import { withFolder } from "./victim.ts";

const MB = 1e6;
/** θ of 0.8 MB. */
const PARAMETERS = 200_000;
const FRAME_BYTES = 4 * PARAMETERS + 32;
const STEPS_A_CLIENT = 25;
/** With so many the check is the long one: 2,500 steps in ten minutes. */
const MANY = 100;
const LONG_INTERVAL_MS = 240;
const LOOK_MS = 50;
/** Share of the steps that the fast client is alone with the server. */
const ALONE = 0.2;

export const stalledClients: Check = {
  name: "gateway/stalled",
  unit: "stalled clients",
  fast: 20,
  full: MANY,
  must: "RSS < +64 MB + 2 MB and 2 frames each; the fast one lossless; every omission announced",
  run,
};

async function run(count: number): Promise<Outcome> {
  const failures = new Failures();
  const steps = STEPS_A_CLIENT * count;
  return withFolder(async (folder) => {
    const server = await ChildServer.start({
      path: `${folder}/run.mcap`,
      id: "a".repeat(32),
      parameterCount: PARAMETERS,
      textBytes: 0,
      hasWeights: true,
      steps,
      intervalMs: count >= MANY ? LONG_INTERVAL_MS : 0,
      maxConnections: count + 1,
    });
    const fast = await subscribe(server.url, "lossless");
    const taken = consume(fast);
    let isWritten = false;
    const written = server.written().then(() => {
      isWritten = true;
    });
    server.begin();
    // What recording and the one reader take by themselves is not the others' doing.
    let before = 0;
    while (taken.count < ALONE * 2 * steps) before = Math.max(before, await look(server));
    const stalled = await Promise.all(
      Array.from({ length: count }, (_, index) =>
        subscribe(server.url, index % 2 === 0 ? "lossless" : "latest"),
      ),
    );
    for (const client of stalled) client.socket.pause();
    let peak = before;
    while (!isWritten) peak = Math.max(peak, await look(server));
    await written;
    await fast.next("end");
    peak = Math.max(peak, await look(server));
    const growth = peak - before;
    const allowed = 64 * MB + count * (2 * MB + 2 * FRAME_BYTES);
    failures.expect(growth < allowed, () => `RSS grew by ${growth / MB} MB, more than ${allowed / MB}`);
    failures.expect(
      taken.isDense(2 * steps),
      () => `the fast client got ${taken.count} of ${2 * steps}, or not in order`,
    );

    // One of each kind reads again: what it is then told accounts for every sample.
    for (const client of stalled.slice(0, 2)) {
      const { gaps, got } = account(client);
      client.socket.resume();
      await client.next("end");
      const total = gaps() + got();
      const subscribed = client.received.find(({ op }) => op === "subscribed") as Of<"subscribed">;
      const expected = 2 * steps - subscribed.firstSeq;
      failures.expect(
        total === expected,
        () => `a client that stalled was told of ${total} of ${expected} samples`,
      );
    }
    for (const client of [...stalled, fast]) client.socket.terminate();
    await server.kill();
    return {
      count,
      failures: failures.sentences,
      figures: {
        "RSS alone MB": before / MB,
        "RSS growth MB": growth / MB,
        "growth per stalled client MB": growth / MB / count,
        "allowed MB": allowed / MB,
        "frames to the fast one": taken.count,
      },
    };
  });
}

async function look(server: ChildServer): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  return (await server.measure()).bytes;
}

async function subscribe(url: string, mode: "lossless" | "latest"): Promise<TestClient> {
  const client = await TestClient.open(url, { token: TOKEN });
  const channels = ["train/loss", "train/weights"];
  // Who answers no ping while nothing waits for him counts as gone: the newest of a long past takes longer to be found than that.
  const from = mode === "latest" ? "now" : "start";
  client.send({ op: "subscribe", id: 1, session: "live", channels, mode, from });
  await client.next("subscribed");
  return client;
}

/** Counts what comes and keeps none of it. */
function consume(client: TestClient): { readonly count: number; isDense(count: number): boolean } {
  let next = 0;
  let isInOrder = true;
  const take = (seq: number) => {
    isInOrder &&= seq === next;
    next = seq + 1;
  };
  client.onReceived = (message) => {
    if (message.op === "samples") for (const { seq } of message.samples) take(seq);
    if (message.op === "binary") take(message.frame.seq);
    return message.op !== "samples" && message.op !== "binary";
  };
  return {
    get count() {
      return next;
    },
    isDense: (count) => isInOrder && next === count,
  };
}

function account(client: TestClient): { gaps(): number; got(): number } {
  let gaps = 0;
  let got = 0;
  client.onReceived = (message) => {
    if (message.op === "samples") got += message.samples.length;
    else if (message.op === "binary") got++;
    else if (message.op === "gap") gaps += message.count;
    else return true;
    return false;
  };
  for (const message of client.received) client.onReceived(message);
  return { gaps: () => gaps, got: () => got };
}
