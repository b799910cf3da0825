/** What stands behind the question mark, of those routes that look there. */
import * as z from "zod/mini";
import { MAX_PAGE_SAMPLES, PAGE_SAMPLES } from "./http.ts";

/** A whole number in decimal digits: Number("") and Number("0x1f") are numbers, too. */
function whole(minimum: number, maximum: number) {
  return z.pipe(
    z.string().check(z.regex(/^\d{1,16}$/, { error: "expected a whole number" })),
    z.pipe(
      z.transform((text: string) => Number(text)),
      z.int().check(z.gte(minimum), z.lte(maximum)),
    ),
  );
}

const channelName = z.string().check(z.maxLength(128));

export const SamplesQuery = z.strictObject({
  channel: z.union([channelName, z.array(channelName)]),
  from: z.optional(whole(0, Number.MAX_SAFE_INTEGER)),
  limit: z._default(whole(1, MAX_PAGE_SAMPLES), PAGE_SAMPLES),
  every: z.optional(whole(1, 0xffff_ffff)),
  format: z._default(z.enum(["json", "ndjson", "csv"]), "json"),
});

export const WeightsQuery = z.strictObject({
  step: whole(0, 0xffff_ffff),
  format: z._default(z.enum(["f32", "npy"]), "f32"),
});

export const RecordingQuery = z.object({ part: z._default(whole(1, 1_000_000), 1) });
export const LaunchQuery = z.object({ code: z.string().check(z.maxLength(128)) });
