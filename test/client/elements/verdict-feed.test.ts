import { describe, expect, it } from "vitest";
import { History, type HistorySample } from "../../../client/data/history.ts";
import { VerdictFeed } from "../../../client/elements/verdict-feed.ts";
import { verdictsOf } from "../../../shared/verdicts.ts";
import { syntheticSession } from "../browser/support/synthetic-session.ts";

const session = syntheticSession({ steps: 900 });
const samples = session.events as readonly HistorySample[];

function feedIn(batchSize: number) {
  const history = new History();
  history.describe(session.header.channels);
  const feed = new VerdictFeed(session.header, history);
  for (let from = 0; from < samples.length; from += batchSize) {
    history.accept(samples.slice(from, from + batchSize));
    feed.drain();
  }
  return feed.verdicts("ended");
}

describe("VerdictFeed", () => {
  it("comes to the verdicts of the whole log, however it is cut into batches", () => {
    const expected = verdictsOf(session.header, samples, "ended");
    expect(expected.map(({ state }) => state)).toContain("yes");
    for (const batchSize of [1, 97, 5000, samples.length]) expect(feedIn(batchSize)).toEqual(expected);
  });

  it("passes over channels that a session does not have", () => {
    const history = new History();
    history.describe(session.header.channels.filter(({ name }) => name === "path/loss"));
    const feed = new VerdictFeed(session.header, history);
    history.accept(samples.filter(({ channel }) => channel === "path/loss"));
    feed.drain();
    const states = Object.fromEntries(feed.verdicts("ended").map(({ id, state }) => [id, state]));
    expect(states["edge-of-stability"]).toBe("undecided");
  });
});
