import type { Entry, EntryQuery, EntryStore } from "@signalbox/kernel";

const PAGE = 500;

/**
 * All entries that a query finds, newest first, a page at a time. Each page begins where the last one ended, so that a
 * long list costs no more at its end, and that entries which are written meanwhile move nothing.
 */
export async function* allEntries(entries: EntryStore, query: EntryQuery): AsyncGenerator<readonly Entry[]> {
  let to = query.to ?? Number.MAX_SAFE_INTEGER;
  /** Of the last moment: it may have more entries than the page before had. */
  let seen = new Set<string>();
  let offset = 0;
  for (;;) {
    const page = await entries.list({ ...query, to, offset, limit: PAGE });
    const fresh = page.filter(({ id }) => !seen.has(id));
    if (fresh.length > 0) yield fresh;
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return;
    const ofMoment = page.filter(({ startedAt }) => startedAt === last.startedAt).map(({ id }) => id);
    const same = to === last.startedAt + 1;
    seen = new Set(same ? [...seen, ...ofMoment] : ofMoment);
    offset = same ? offset + page.length : ofMoment.length;
    to = last.startedAt + 1;
  }
}
