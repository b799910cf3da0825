/** What a header says of the data, of the parameters and of the file itself, held against what is there. */
import type { Evidence } from "./evidence.ts";
import type { Tally } from "./tally.ts";

/** Of a file whose writing was cut off, and which is intact up to there. */
const CUT_OFF = /^the end of the file/;

export function checkHeader(evidence: Evidence, tally: Tally, fault: string | null): void {
  const { header } = evidence;
  if (fault !== null && CUT_OFF.test(fault)) tally.leave(`what came after the last whole chunk: ${fault}`);
  else if (fault !== null)
    tally.expect(header.steps, false, `the file makes no sense from here on: ${fault}`);
  let offset = 0;
  for (const { shape, offset: found, name } of header.parameters) {
    tally.compare(0, `offset of ${name}`, found, offset, 0, "exact");
    offset += shape.reduce((product, size) => product * size, 1);
  }
  tally.compare(0, "parameterCount", header.parameterCount, offset, 0, "exact");
  const { dataAsRead: data } = evidence;
  if (data === null) {
    tally.leave(`the data: ${evidence.obstacle}`);
    return;
  }
  tally.checked = 1;
  tally.expect(
    0,
    data.sha256 === header.probe.sha256,
    `the probe's sha256 is ${header.probe.sha256}, that of ${header.probe.dataset} as read now ${data.sha256}`,
  );
  tally.expect(
    0,
    data.probeRows.join() === header.probe.indices.join(),
    `the probe's indices are not those that the probe seed ${header.seeds.probe} draws`,
  );
}
