import { describe, expect, it } from "vitest";
import { FrameLoop } from "../../../client/data/frame.ts";

function fakeHost() {
  let requested: ((timeMs: number) => void) | null = null;
  let visibility = (): void => {};
  const host = {
    hidden: false,
    isHidden: () => host.hidden,
    requestAnimationFrame: (callback: (timeMs: number) => void) => {
      expect(requested).toBeNull();
      requested = callback;
      return 1;
    },
    cancelAnimationFrame: () => {
      requested = null;
    },
    onVisibility: (listener: () => void) => {
      visibility = listener;
      return () => {};
    },
    show: () => {
      host.hidden = false;
      visibility();
    },
    /** Runs the requested frame; false when none was. */
    frame: (): boolean => {
      const callback = requested;
      requested = null;
      callback?.(16);
      return callback !== null;
    },
  };
  return host;
}

describe("FrameLoop", () => {
  it("draws each dirty drawing once a frame, and asks for no frame when nothing changed", () => {
    const host = fakeHost();
    const loop = new FrameLoop(host);
    const drawn: string[] = [];
    const a = loop.add(() => drawn.push("a"));
    loop.add(() => drawn.push("b"));
    a.invalidate();
    expect(host.frame()).toBe(true);
    expect(drawn).toEqual(["a", "b"]);
    expect(host.frame()).toBe(false);
    a.invalidate();
    a.invalidate();
    host.frame();
    expect(drawn).toEqual(["a", "b", "a"]);
  });

  it("draws nothing in a hidden tab, and what was missed when it is seen again", () => {
    const host = fakeHost();
    const loop = new FrameLoop(host);
    let count = 0;
    const drawing = loop.add(() => count++);
    host.frame();
    host.hidden = true;
    for (let i = 0; i < 10; i++) drawing.invalidate();
    expect(host.frame()).toBe(false);
    host.show();
    expect(host.frame()).toBe(true);
    expect(count).toBe(2);
  });

  it("puts off to the next frame what a drawing invalidates while it is drawn", () => {
    const host = fakeHost();
    const loop = new FrameLoop(host);
    let count = 0;
    const drawing = loop.add(() => {
      if (++count < 3) drawing.invalidate();
    });
    expect([host.frame(), host.frame(), host.frame(), host.frame()]).toEqual([true, true, true, false]);
    expect(count).toBe(3);
  });

  it("never draws what was removed", () => {
    const host = fakeHost();
    const loop = new FrameLoop(host);
    let count = 0;
    const drawing = loop.add(() => count++);
    drawing.remove();
    drawing.invalidate();
    host.frame();
    expect(count).toBe(0);
  });
});
