/** Which entries of an image or a sequence each window of a convolution or a pooling sees. */

export interface Window {
  /** For each spatial axis. */
  readonly size: readonly number[];
  readonly strides: readonly number[];
  readonly dilation: readonly number[];
  readonly padding: "valid" | "same";
}

export interface Windows {
  /** Windows along each spatial axis. */
  readonly counts: readonly number[];
  /** Entries that one window sees of each channel, those beyond the edge included. */
  readonly taps: number;
  /** Source of the entry (window, tap, channel), by the order asked for; −1 beyond the edge. */
  readonly sources: Int32Array;
}

/** @param shape  […spatial, channels] of one example. @param order  taps before channels for convolutions, after them for pooling. */
export function windowsOf(
  shape: readonly number[],
  window: Window,
  order: "taps-channels" | "channels-taps",
): Windows {
  const spatial = shape.slice(0, -1);
  const channels = shape.at(-1) ?? 0;
  const axes = spatial.map((length, axis) => placesAlong(length, window, axis));
  const counts = axes.map(({ length }) => length);
  const windows = allOf(counts);
  const taps = allOf(window.size);
  const sources = new Int32Array(windows.length * taps.length * channels);
  const [tapStep, channelStep] = order === "taps-channels" ? [channels, 1] : [1, taps.length];
  windows.forEach((at, w) => {
    taps.forEach((tap, k) => {
      let pixel = 0;
      for (let axis = 0; axis < axes.length; axis++) {
        const place = axes[axis]?.[at[axis] as number]?.[tap[axis] as number] as number;
        pixel = place < 0 || pixel < 0 ? -1 : pixel * (spatial[axis] as number) + place;
      }
      for (let c = 0; c < channels; c++) {
        sources[w * taps.length * channels + k * tapStep + c * channelStep] =
          pixel < 0 ? -1 : pixel * channels + c;
      }
    });
  });
  return { counts, taps: taps.length, sources };
}

/** For each window along one axis the place of each tap, −1 beyond the edge. "same" puts the odd pad behind, as tfjs does. */
function placesAlong(length: number, window: Window, axis: number): number[][] {
  const size = window.size[axis] as number;
  const stride = window.strides[axis] as number;
  const dilation = window.dilation[axis] as number;
  const reach = (size - 1) * dilation + 1;
  const count = Math.ceil((window.padding === "valid" ? length - reach + 1 : length) / stride);
  const pad = window.padding === "valid" ? 0 : Math.max((count - 1) * stride + reach - length, 0) >> 1;
  return Array.from({ length: count }, (_, w) =>
    Array.from({ length: size }, (_, k) => {
      const place = w * stride - pad + k * dilation;
      return place < length ? place : -1;
    }),
  );
}

/** All index tuples below the lengths, the last axis fastest. */
function allOf(lengths: readonly number[]): number[][] {
  return lengths.reduce<number[][]>(
    (tuples, length) => tuples.flatMap((tuple) => Array.from({ length }, (_, i) => [...tuple, i])),
    [[]],
  );
}
