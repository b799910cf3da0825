/** Connections cut at random bytes, inside frames too; each time the client resumes after the last sample that it has. */
import { createRandom, type Random } from "../../server/numerics/random.ts";
import { MemorySession } from "../support/memory-session.ts";
import { descriptor, sessionHeader } from "../support/session-header.ts";
import { TestClient } from "../support/test-client.ts";
import { TOKEN, testGateway } from "../support/test-gateway.ts";
import { type Check, Failures, type Outcome, quantile } from "./check.ts";
import { FragileLine } from "./fragile-line.ts";
import { isSameValue } from "./same-value.ts";

/** After so many, another session: they are held in memory. */
const CUTS_A_SESSION = 250;
const THETA = 300;
/** A handshake, or some dozen frames. */
const LONGEST_CONNECTION_BYTES = 20_000;

export const reconnects: Check = {
  name: "gateway/reconnects",
  unit: "cuts",
  fast: 1000,
  full: 20_000,
  must: "0 gaps, 0 duplicates, p99 resume < 100 ms",
  run,
};

async function run(count: number, seed: number): Promise<Outcome> {
  const random = createRandom(seed);
  const failures = new Failures();
  const resumeMs: number[] = [];
  let samples = 0;
  let cuts = 0;
  let insideFrames = 0;
  for (let round = 0; cuts < count; round++) {
    const trial = new Trial(random, failures, `seed ${seed}, session ${round}`);
    const { arrived, brokenFrames } = await trial.run(Math.min(CUTS_A_SESSION, count - cuts), resumeMs);
    samples += arrived;
    insideFrames += brokenFrames;
    cuts += Math.min(CUTS_A_SESSION, count - cuts);
  }
  const p99 = quantile(resumeMs, 0.99);
  // Of few, on a machine that has other things to do, it says nothing.
  failures.expect(p99 < 100 || count < reconnects.fast, () => `p99 of resuming is ${p99.toFixed(1)} ms`);
  return {
    count: cuts,
    failures: failures.sentences,
    figures: {
      samples,
      "cuts inside a frame": insideFrames,
      "p50 resume ms": quantile(resumeMs, 0.5),
      "p99 resume ms": p99,
    },
  };
}

class Trial {
  readonly #random: Random;
  readonly #failures: Failures;
  readonly #name: string;
  readonly #session = new MemorySession(
    sessionHeader({
      channels: [descriptor("train/loss"), descriptor("train/weights", { encoding: "f32", heavy: true })],
    }),
  );
  #step = 0;
  #next = 0;

  constructor(random: Random, failures: Failures, name: string) {
    this.#random = random;
    this.#failures = failures;
    this.#name = name;
  }

  /** @param resumeMs  gains one for each connection on which a sample came. */
  async run(
    cuts: number,
    resumeMs: number[],
  ): Promise<{ readonly arrived: number; readonly brokenFrames: number }> {
    const gateway = await testGateway([this.#session]);
    const line = await FragileLine.to(gateway.port);
    this.#write(100);
    for (let cut = 0; cut < cuts; cut++) {
      line.breaksAfter = this.#random.integer(LONGEST_CONNECTION_BYTES);
      await this.#connection(line, resumeMs);
    }
    line.breaksAfter = null;
    this.#session.end("finished");
    await this.#connection(line, resumeMs);
    await line.close();
    await gateway.close();
    const { length } = this.#session.events;
    this.#failures.expect(this.#next === length, () => `${this.#name}: ${this.#next} of ${length} arrived`);
    return { arrived: this.#next, brokenFrames: line.brokenFrames };
  }

  async #connection(line: FragileLine, resumeMs: number[]): Promise<void> {
    const isCut = line.breaksAfter !== null;
    const beganMs = performance.now();
    const client = new TestClient(line.url, { token: TOKEN });
    let hasSample = false;
    client.onReceived = ({ op }) => {
      // From the beginning of the handshake.
      if (!hasSample && (op === "samples" || op === "binary")) resumeMs.push(performance.now() - beganMs);
      hasSample ||= op === "samples" || op === "binary";
      return true;
    };
    const isWelcome = await client.next("welcome").then(
      () => true,
      () => false,
    );
    if (isWelcome) {
      client.send({
        op: "subscribe",
        id: 1,
        session: this.#session.header.id,
        channels: ["train/loss", "train/weights"],
        from: { seq: this.#next },
      });
    }
    // At the head nothing would come, and nothing be cut.
    while (isCut && client.closeCode === null) {
      this.#write(1 + this.#random.integer(40));
      await client
        .until(() => client.samples(1).at(-1)?.seq === this.#session.events.length - 1)
        .catch(() => {});
    }
    if (!isCut) await client.next("end");
    for (const sample of client.samples(1)) this.#take(sample);
    await client.close();
  }

  #take({ seq, value }: { readonly seq: number; readonly value: unknown }): void {
    const isEqual = isSameValue(this.#session.events[seq], value);
    this.#failures.expect(seq === this.#next, () => `${this.#name}: expected seq ${this.#next}, got ${seq}`);
    this.#failures.expect(isEqual, () => `${this.#name}: seq ${seq} has another value`);
    this.#next = seq + 1;
  }

  #write(count: number): void {
    this.#session.append(
      ...Array.from({ length: count }, () => {
        const step = this.#step++;
        return step % 5 === 0
          ? { channel: "train/weights", step, value: new Float32Array(THETA).fill(step) }
          : { channel: "train/loss", step, value: step / 3 };
      }),
    );
  }
}
