import type { Finding, TextFinder } from "@signalbox/kernel";
import type { Detector } from "./detector.ts";

/**
 * One finder of many detectors. Of findings that overlap the one that begins first counts; of those, the longest; of
 * those, the one of the detector that stands first.
 */
export function mergedFinder(detectors: readonly Detector[]): TextFinder {
  const windowed = detectors.every(({ settled }) => settled !== undefined);
  return {
    find: (text, from) => merge(text, from, detectors),
    ...(windowed && {
      settled(text: string, from: number): number {
        let least = text.length;
        for (const detector of detectors) least = Math.min(least, detector.settled?.(text, from) ?? from);
        return Math.max(from, least);
      },
    }),
  };
}

interface Lane {
  readonly detector: Detector;
  findings: readonly Finding[];
  at: number;
}

function merge(text: string, from: number, detectors: readonly Detector[]): readonly Finding[] {
  const lanes: Lane[] = [];
  for (const detector of detectors) {
    const findings = detector.find(text, from);
    if (findings.length > 0) lanes.push({ detector, findings, at: 0 });
  }
  const merged: Finding[] = [];
  let place = from;
  for (;;) {
    let best: Finding | undefined;
    for (const lane of lanes) {
      const next = nextOf(lane, text, place);
      if (next === undefined) continue;
      if (best === undefined || next.start < best.start || (next.start === best.start && next.end > best.end))
        best = next;
    }
    if (best === undefined) return merged;
    merged.push(best);
    place = best.end;
  }
}

function nextOf(lane: Lane, text: string, place: number): Finding | undefined {
  while (lane.at < lane.findings.length) {
    const finding = lane.findings[lane.at] as Finding;
    if (finding.start >= place) return finding;
    if (lane.detector.sequential === true && finding.end > place) {
      lane.findings = lane.detector.find(text, place);
      lane.at = 0;
    } else lane.at++;
  }
  return undefined;
}
