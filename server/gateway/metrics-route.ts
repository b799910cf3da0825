/** `/metrics`: looked up when somebody asks, and only then; until the first who does, not even the event loop is watched. */
import { type IntervalHistogram, monitorEventLoopDelay } from "node:perf_hooks";
import type { FastifyInstance } from "fastify";
import { ROUTES } from "../../shared/routes.ts";
import type { SessionLibrary } from "../session/library.ts";
import type { HttpOptions } from "./http.ts";
import { exposition, METRICS_TYPE, type Metric } from "./metrics.ts";
import { Refused } from "./refused.ts";
import { addRoute } from "./route.ts";
import type { Traffic } from "./socket.ts";

/** Between two looks at the clock; what the histogram holds is this and the delay. */
const RESOLUTION_MS = 20;

export function addMetricsRoute(app: FastifyInstance, options: HttpOptions): void {
  const { library, traffic, version } = options;
  let loop: IntervalHistogram | null = null;
  app.addHook("onClose", async () => loop?.disable());

  addRoute(app, options, ROUTES.metrics, async ({ request }, reply) => {
    if (request.grant === null || request.grant.session !== null)
      throw new Refused("forbidden", "authorization: expected a token, got a share link");
    const sessions = await sessionMetrics(library);
    const body = exposition([
      gauge("thalweg_info", "Always 1; the version is its label.", [{ labels: { version }, value: 1 }]),
      ...sessions,
      ...trafficMetrics(traffic()),
      ...loopMetrics(loop),
      ...processMetrics(),
    ]);
    if (loop === null) {
      loop = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
      loop.enable();
    } else loop.reset();
    return reply.header("Cache-Control", "no-store").type(METRICS_TYPE).send(body);
  });
}

async function sessionMetrics(library: SessionLibrary): Promise<Metric[]> {
  const summaries = await library.summaries();
  const live = summaries.filter((summary) => summary.live);
  const marks = await Promise.all(
    live.map(async ({ id }) => ({ session: id, marks: (await library.resolve(id))?.watermarks })),
  );
  const log = (name: "accepted" | "written" | "durable", help: string): Metric =>
    gauge(
      `thalweg_log_${name}_seq`,
      `${help} -1: none.`,
      marks.flatMap(({ session, marks: of }) =>
        of === undefined ? [] : [{ labels: { session }, value: of[name] }],
      ),
    );
  return [
    gauge("thalweg_sessions", "Sessions that this server serves.", [
      { labels: { state: "live" }, value: live.length },
      { labels: { state: "recorded" }, value: summaries.length - live.length },
    ]),
    gauge(
      "thalweg_session_step",
      "Newest step of a live session.",
      live.map(({ id, step }) => ({ labels: { session: id }, value: step })),
    ),
    log("accepted", "Newest event of a live session that has a number."),
    log("written", "Newest event that survives the death of the process."),
    log("durable", "Newest event that survives a power cut."),
  ];
}

function trafficMetrics({ connections, opened, bufferedBytes, frames, gaps, bytes }: Traffic): Metric[] {
  return [
    gauge("thalweg_connections", "Sockets that are open.", [{ value: connections }]),
    counter("thalweg_connections_total", "Sockets that have been opened.", opened),
    gauge("thalweg_buffered_bytes", "Bytes that clients have been sent and have not taken.", [
      { value: bufferedBytes },
    ]),
    counter("thalweg_sent_frames_total", "Frames sent to clients.", frames),
    counter("thalweg_sent_gaps_total", "Announcements that samples were left out.", gaps),
    counter("thalweg_sent_bytes_total", "Bytes written to sockets, framing included.", bytes),
  ];
}

function loopMetrics(loop: IntervalHistogram | null): Metric[] {
  if (loop === null || loop.count === 0) return [];
  const seconds = (nanos: number) => Math.max(0, nanos / 1e9 - RESOLUTION_MS / 1e3);
  return [
    gauge(
      "thalweg_event_loop_delay_seconds",
      "How late the event loop was, since this was last asked for.",
      [50, 99, 100].map((percent) => ({
        labels: { quantile: String(percent / 100) },
        value: seconds(loop.percentile(percent)),
      })),
    ),
  ];
}

function processMetrics(): Metric[] {
  const { user, system } = process.cpuUsage();
  return [
    gauge("process_resident_memory_bytes", "Resident memory of the process, its threads included.", [
      { value: process.memoryUsage.rss() },
    ]),
    counter(
      "process_cpu_seconds_total",
      "CPU time of the process, its threads included.",
      (user + system) / 1e6,
    ),
    gauge("process_start_time_seconds", "When the process began, since 1970.", [
      { value: performance.timeOrigin / 1000 },
    ]),
  ];
}

function gauge(name: string, help: string, values: Metric["values"]): Metric {
  return { name, type: "gauge", help, values };
}

function counter(name: string, help: string, value: number): Metric {
  return { name, type: "counter", help, values: [{ value }] };
}
