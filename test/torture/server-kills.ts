/** kill -9 of a server under its clients: what they hold is a prefix of what it has left, and another server gives them the rest. */
import { createRandom } from "../../server/numerics/random.ts";
import { Catalogue } from "../../server/session/catalogue.ts";
import { SessionLibrary } from "../../server/session/library.ts";
import { readAll } from "../support/read-all.ts";
import { TestClient } from "../support/test-client.ts";
import { TOKEN, testGateway } from "../support/test-gateway.ts";
import { type Check, Failures, type Outcome } from "./check.ts";
import { ChildServer } from "./child-server.ts";
import { isSameValue } from "./same-value.ts";
import { withFolder } from "./victim.ts";

const CLIENTS = 3;

export const serverKills: Check = {
  name: "gateway/kills",
  unit: "kills",
  fast: 10,
  full: 200,
  must: "clients hold a prefix of the recording; resuming by id completes it",
  run,
};

async function run(count: number, seed: number): Promise<Outcome> {
  const random = createRandom(seed);
  const failures = new Failures();
  let events = 0;
  let held = 0;
  for (let kill = 0; kill < count; kill++) {
    const name = `seed ${seed}, kill ${kill}`;
    await withFolder(async (folder) => {
      const id = kill.toString(16).padStart(32, "0");
      const server = await ChildServer.start({
        path: `${folder}/run.mcap`,
        id,
        parameterCount: 300,
        textBytes: 0,
        hasWeights: true,
        steps: Number.MAX_SAFE_INTEGER,
        // Faster, and what is left to be resumed grows without making the kill any harder.
        intervalMs: 1,
        maxConnections: 16,
      });
      const clients = await Promise.all(Array.from({ length: CLIENTS }, () => subscribe(server.url, id, 0)));
      server.begin();
      const enough = 1 + random.integer(1000);
      await clients[0]?.until(() => (clients[0]?.samples(1).length ?? 0) >= enough);
      await server.kill();
      for (const client of clients) await client.closed();

      const library = new SessionLibrary({ catalogue: new Catalogue(folder) });
      const gateway = await testGateway([], { library });
      const recorded = await library.resolve(id);
      if (recorded === undefined) {
        failures.add(`${name}: the recording is gone`);
        return;
      }
      const written = await readAll(recorded);
      events += written.length;
      const same = (index: number, { seq, value }: { seq: number; value: unknown }) => {
        const isEqual = isSameValue(written[index], value);
        failures.expect(
          seq === index && isEqual,
          () => `${name}: seq ${seq} at place ${index} is not what was written`,
        );
      };
      for (const client of clients) {
        const got = client.samples(1);
        held += got.length;
        failures.expect(
          got.length <= written.length,
          () => `${name}: a client knows more than the recording`,
        );
        for (const [index, sample] of got.entries()) same(index, sample);
        const resumed = await subscribe(gateway.url, id, got.length);
        const { reason } = await resumed.next("end");
        failures.expect(reason === "interrupted", () => `${name}: it ended as ${reason}`);
        const rest = resumed.samples(1);
        for (const [index, sample] of rest.entries()) same(got.length + index, sample);
        failures.expect(
          got.length + rest.length === written.length,
          () => `${name}: resumed, something is missing`,
        );
        await resumed.close();
      }
      await gateway.close();
      await library.close();
    });
  }
  return {
    count,
    failures: failures.sentences,
    figures: { "events written": events, "held by clients": held },
  };
}

async function subscribe(url: string, session: string, seq: number): Promise<TestClient> {
  const client = await TestClient.open(url, { token: TOKEN });
  client.send({ op: "subscribe", id: 1, session, channels: ["train/loss", "train/weights"], from: { seq } });
  await client.next("subscribed");
  return client;
}
