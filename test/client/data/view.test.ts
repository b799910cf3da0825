import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { INITIAL_VIEW, View, type ViewState } from "../../../client/data/view.ts";
import {
  type AddressBar,
  bindAddress,
  decodeReplaySpeed,
  decodeViewState,
  encodeViewState,
} from "../../../client/data/view-address.ts";

const step = fc.nat(0xffff_ffff);
const state: fc.Arbitrary<ViewState> = fc.record({
  run: fc.option(fc.stringMatching(/^[\w-]{1,64}$/)),
  step: fc.option(step),
  range: fc.oneof(
    fc.constant({ kind: "all" } as const),
    fc
      .tuple(fc.nat(1e9), fc.integer({ min: 1, max: 1e9 }))
      .map(([from, width]) => ({ kind: "fixed", from, to: from + width }) as const),
    fc.integer({ min: 1, max: 1e9 }).map((steps) => ({ kind: "trailing", steps }) as const),
  ),
  scales: fc.dictionary(
    fc.string({ minLength: 1, maxLength: 12 }).filter((name) => name !== "__proto__"),
    fc.constantFrom("linear", "log", "symlog"),
    { maxKeys: 4 },
  ),
});

describe("the view in the address", () => {
  it("comes back as it was written", () => {
    fc.assert(
      fc.property(state, (written) => {
        const read = decodeViewState(encodeViewState(written));
        expect({ ...read, scales: { ...read.scales } }).toEqual({
          ...written,
          scales: { ...written.scales },
        });
      }),
    );
  });

  it("never throws on what people type, and passes over what it cannot read", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const read = decodeViewState(`#${text}`);
        expect(read.step === null || Number.isInteger(read.step)).toBe(true);
      }),
    );
    expect(decodeViewState("#run=%E0%A4&step=-1&range=9-3&scale=loss:cubic,:log&x")).toEqual(INITIAL_VIEW);
    expect(decodeViewState("#step=99999999999&range=last-0")).toEqual(INITIAL_VIEW);
  });

  it("asks for a replay by a speed above 0, and by nothing else", () => {
    expect(decodeReplaySpeed("#speed=0.5&step=3")).toBe(0.5);
    for (const hash of ["", "#step=3", "#speed=", "#speed=0", "#speed=-2", "#speed=fast", "#speed=Infinity"])
      expect(decodeReplaySpeed(hash)).toBeNull();
  });

  it("is written at most four times a second, the last state included", () => {
    const view = new View();
    const bar = fakeBar("#step=7");
    const release = bindAddress(view, bar);
    expect(view.state.step).toBe(7);
    view.setHead(1000);
    for (let i = 0; i < 100; i++) {
      view.pin(i);
      bar.advance(20);
    }
    bar.advance(300);
    expect(bar.writes.length).toBeLessThanOrEqual(10);
    expect(bar.writes.at(-1)).toBe("#step=99");
    bar.navigate("#step=3");
    expect(view.state.step).toBe(3);
    release();
    view.pin(50);
    bar.advance(1000);
    expect(bar.writes.at(-1)).toBe("#step=99");
  });
});

describe("View", () => {
  it("previews under the pointer, pins on a click, and follows again", () => {
    const view = new View();
    expect(view.cursor).toBeNull();
    view.setHead(100);
    expect(view.cursor).toEqual({ step: 100, kind: "live" });
    view.pin(40);
    view.preview(60.4);
    expect(view.cursor).toEqual({ step: 60, kind: "preview" });
    view.preview(null);
    expect(view.cursor).toEqual({ step: 40, kind: "pinned" });
    view.move(-100);
    expect(view.cursor?.step).toBe(0);
    view.pin(1e9);
    expect(view.cursor?.step).toBe(100);
    view.follow();
    view.setHead(101);
    expect(view.cursor).toEqual({ step: 101, kind: "live" });
  });

  it("stands still while frozen, and counts what arrives", () => {
    const view = new View();
    view.setHead(1000, 5000);
    const before = view.domain;
    view.freeze();
    view.setHead(3000);
    expect(view.domain).toEqual(before);
    expect(view.newSteps).toBe(2000);
    expect(view.isLive).toBe(false);
    view.thaw();
    expect(view.domain[1]).toBeGreaterThanOrEqual(3000);
  });

  it("always shows the head while following, in few hops, never past the planned end", () => {
    const view = new View();
    const ends = new Set<number>();
    for (let head = 0; head <= 1500; head++) {
      view.setHead(head, 1500);
      const [from, to] = view.domain;
      expect(from).toBe(0);
      expect(to).toBeGreaterThanOrEqual(head);
      expect(to).toBeLessThanOrEqual(1500);
      ends.add(to);
    }
    expect(ends.size).toBeLessThan(40);
    view.setRange({ kind: "trailing", steps: 200 });
    for (let head = 1500; head < 2000; head += 7) {
      view.setHead(head, 1500);
      const [from, to] = view.domain;
      expect(to - from).toBe(200);
      expect(from).toBeLessThan(head);
      expect(to).toBeGreaterThanOrEqual(head);
    }
  });

  it("begins where the session was forked, and goes to no step before that", () => {
    const view = new View();
    view.reset("fork", 500);
    view.setHead(500, 700);
    expect(view.extent).toEqual([500, 501]);
    for (let head = 501; head <= 700; head++) {
      view.setHead(head, 700);
      const [from, to] = view.domain;
      expect(from).toBe(500);
      expect(to).toBeGreaterThanOrEqual(head);
      expect(to).toBeLessThanOrEqual(700);
    }
    view.pin(3);
    expect(view.cursor?.step).toBe(500);
    view.setRange({ kind: "fixed", from: 0, to: 600 });
    expect(view.domain).toEqual([500, 600]);
    view.setRange({ kind: "trailing", steps: 1000 });
    expect(view.domain).toEqual([500, 1500]);
    view.zoom(10);
    expect(view.state.range).toEqual({ kind: "all" });
    view.reset("other");
    view.setHead(20, 700);
    expect(view.domain[0]).toBe(0);
  });

  it("keeps a zoom when it goes live again", () => {
    const view = new View();
    view.setHead(1000);
    view.setRange({ kind: "fixed", from: 500.2, to: 300.7 });
    expect(view.domain).toEqual([300, 501]);
    view.follow();
    expect(view.state.range).toEqual({ kind: "trailing", steps: 201 });
  });

  it("takes the step of an address before the data have come, and drops it for another run", () => {
    const view = new View(decodeViewState("#run=abc&step=400&scale=loss:log"));
    view.reset("abc");
    view.setHead(20);
    expect(view.cursor).toEqual({ step: 20, kind: "pinned" });
    view.setHead(900);
    expect(view.cursor).toEqual({ step: 400, kind: "pinned" });
    view.reset("def");
    expect(view.state).toEqual({ ...INITIAL_VIEW, run: "def", scales: { loss: "log" } });
  });
});

function fakeBar(
  hash: string,
): AddressBar & { writes: string[]; advance(ms: number): void; navigate(to: string): void } {
  let nowMs = 0;
  let current = hash;
  let timer: { atMs: number; callback: () => void } | null = null;
  const listeners = new Set<() => void>();
  const writes: string[] = [];
  return {
    writes,
    get hash() {
      return current;
    },
    replace: (to) => {
      current = to;
      writes.push(to);
    },
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    setTimeout: (callback, delayMs) => {
      timer = { atMs: nowMs + delayMs, callback };
      return 1;
    },
    clearTimeout: () => {
      timer = null;
    },
    now: () => nowMs,
    advance: (ms) => {
      nowMs += ms;
      if (timer && timer.atMs <= nowMs) {
        const { callback } = timer;
        timer = null;
        callback();
      }
    },
    navigate: (to) => {
      current = to;
      for (const listener of listeners) listener();
    },
  };
}
