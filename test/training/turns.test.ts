import { expect, it } from "vitest";
import { createTurns } from "../../server/training/turns.ts";

it("lets timers and sockets have their turn between the turns", async () => {
  const turns = createTurns();
  let taken = 0;
  let ended = false;
  await new Promise<void>((resolve) => {
    const take = () => {
      taken += 1;
      if (!ended && taken < 100_000) turns.next(take);
      else resolve();
    };
    turns.next(take);
    setImmediate(() => {
      ended = true;
    });
  });
  turns.close();
  // A port that posted to itself would have taken a thousand before the event loop came round.
  expect(taken).toBeLessThan(100);
});

it("takes no turn once closed", async () => {
  const turns = createTurns();
  let taken = 0;
  turns.next(() => {
    taken += 1;
  });
  turns.close();
  const other = createTurns();
  for (let i = 0; i < 4; i += 1) await new Promise<void>((resolve) => other.next(resolve));
  other.close();
  expect(taken).toBe(0);
});
