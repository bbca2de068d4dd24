import type { Attempt, AttemptLayer, OperationName, Plugin, Reply, ResultOf } from "@signalbox/kernel";
import { GatewayError, LEDGER, MODEL_FACTS, PRICING } from "@signalbox/kernel";
import { Periods } from "@signalbox/kernel/ledger";
import { Books } from "./books/books.ts";
import { BudgetWatch } from "./books/budget-watch.ts";
import { memoryLedger, SPEND_IN_MEMORY } from "./books/memory-ledger.ts";
import { checkOptions } from "./check-options.ts";
import type { BudgetsOptions } from "./options.ts";
import { Receipts } from "./receipts/receipt.ts";
import { Charges } from "./rules/charges.ts";
import { OutputLimits } from "./rules/output-limits.ts";
import { RuleBook } from "./rules/rule-book.ts";

const DEFAULT_THRESHOLDS: readonly number[] = [0.8];
const DEFAULT_UNSEEN_TOKENS = 16;
const NO_PRICES =
  "no prices are known: spend is recorded without cost, and hard budgets refuse every call; add a pricing plugin";

/**
 * Keeps hard budgets from being passed, and puts every attempt on record: the most that it can cost is reserved before it
 * is sent, and what it has cost is settled when it ends. What a cache has answered is on record at no cost.
 *
 * Uses the gateway's `LEDGER` and `PRICING`. Without a ledger spend is kept in memory, which readiness shows.
 *
 * @throws {GatewayError} `option_invalid` naming the option
 */
export function budgets(options: BudgetsOptions = {}): Plugin {
  checkOptions(options);
  const { budgets: rules = [], timezone, thresholds = DEFAULT_THRESHOLDS, unknownPrice } = options;
  const notices: string[] = [];
  let books: Books | undefined;
  let own: Awaited<ReturnType<typeof memoryLedger>> | undefined;

  const charge: AttemptLayer = (attempt, next) => chargedReply(books as Books, attempt, next);
  Object.defineProperty(charge, "name", { value: "charge" });

  return {
    name: "budgets",
    on: { callSucceeded: (call, usage) => books?.recordCached(call, usage) },
    layers: { attempt: { layer: charge, order: "last", events: "pass" } },
    async start(container) {
      const pricing = container.isRegistered(PRICING, true) ? container.resolve(PRICING) : undefined;
      if (pricing === undefined) {
        if (unknownPrice === undefined && rules.some(({ limit }) => limit !== null)) {
          throw new GatewayError(
            "plugin_requirement_missing",
            'budgets: a hard budget needs prices; add a pricing plugin, or the option "unknownPrice"',
            { source: "budgets" },
          );
        }
        notices.push(NO_PRICES);
      }
      if (!container.isRegistered(LEDGER, true)) {
        own = await memoryLedger();
        container.register(LEDGER, { useValue: own });
        notices.push(SPEND_IN_MEMORY);
      }
      const ledger = container.resolve(LEDGER);
      const factsOf = container.resolve(MODEL_FACTS);
      books = new Books({
        ledger,
        receipts: new Receipts(pricing, options.unseenTokens ?? DEFAULT_UNSEEN_TOKENS, factsOf),
        charges: new Charges(new RuleBook(rules), new Periods(timezone)),
        watch: new BudgetWatch(ledger, thresholds),
        unknownPrice,
        outputs: new OutputLimits(options, factsOf),
        streamCost: options.streamCost ?? false,
        keyHeaders: options.keyHeaders ?? false,
      });
    },
    check() {
      if (books?.failing !== undefined) return { ok: false, detail: "the ledger refused the last entry" };
      return notices.length === 0 ? { ok: true } : { ok: true, detail: notices.join("; ") };
    },
    async close() {
      await books?.close();
      await own?.close();
    },
  };
}

async function* chargedReply<Name extends OperationName>(
  books: Books,
  attempt: Attempt<Name>,
  next: (attempt: Attempt<Name>) => Reply<Name>,
): Reply<Name> {
  const account = books.begin(attempt as unknown as Attempt);
  let reply: Reply<Name> | undefined;
  try {
    await account.reserve();
    reply = next(account.attempt as unknown as Attempt<Name>);
    let answered = false;
    for (;;) {
      const step = await reply.next();
      if (!answered) {
        answered = true;
        account.answered(step.done !== true);
      }
      if (step.done === true) {
        account.succeed(step.value as ResultOf<OperationName>);
        return step.value;
      }
      yield account.take<Name>(step.value);
    }
  } catch (thrown) {
    account.fail(thrown);
    throw thrown;
  } finally {
    if (account.open) {
      // the upstream is closed first, and counting does not wait for it
      const closing = reply?.return(undefined as never);
      account.abandon();
      await closing;
    }
  }
}
