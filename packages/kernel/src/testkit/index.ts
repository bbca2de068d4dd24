export type { CacheCapabilities, CacheKit } from "./cache-kit.ts";
export { testCache } from "./cache-kit.ts";
export { checkChatEvents } from "./check-chat-events.ts";
export { checkUsage } from "./check-usage.ts";
export type { DialectInput, FrameReader } from "./dialect-bench.ts";
export type { DecodeCase, DialectCapabilities, DialectKit, InvalidCase, ReplyCase } from "./dialect-kit.ts";
export { testDialect } from "./dialect-kit.ts";
export type { EntryStoreCapabilities, EntryStoreKit } from "./entry-store-kit.ts";
export { testEntryStore } from "./entry-store-kit.ts";
export type { Delivery, Exchange, Fault } from "./exchange.ts";
export { cutBody, exchangeBody } from "./exchange.ts";
export type { TextKind } from "./guardrail-bench.ts";
export type {
  BlockedText,
  GuardedRequest,
  GuardedText,
  GuardrailCapabilities,
  GuardrailKit,
} from "./guardrail-kit.ts";
export { testGuardrail } from "./guardrail-kit.ts";
export type { LedgerCapabilities, LedgerKit } from "./ledger-kit.ts";
export { testLedger } from "./ledger-kit.ts";
export type { LimitCapabilities } from "./limit-case.ts";
export type { LimitStoreKit, LimitStores } from "./limit-kit.ts";
export { testLimitStore } from "./limit-kit.ts";
export type { MemoryCacheOptions } from "./memory-cache.ts";
export { memoryCache } from "./memory-cache.ts";
export { MemoryLedger } from "./memory-ledger.ts";
export { MemoryRecords } from "./memory-records.ts";
export type { ProviderContext, ProviderKit } from "./provider-bench.ts";
export { testProvider } from "./provider-kit.ts";
export type {
  ChatScenario,
  ChatScenarios,
  ErrorScenario,
  ErrorScenarios,
  ExpectedChat,
  OperationScenario,
  OperationScenarios,
  ProviderCapabilities,
  ProviderWire,
} from "./provider-wire.ts";
export type { RecordStoreCapabilities, RecordStoreKit } from "./record-store-kit.ts";
export { testRecordStore } from "./record-store-kit.ts";
export type { RemoteGuardrailKit } from "./remote-guardrail-kit.ts";
export { testRemoteGuardrail } from "./remote-guardrail-kit.ts";
export type { ReplayHandler, ReplayServer, ReplayServerOptions, SentRequest } from "./replay-server.ts";
export { refusedUrl, replayServer } from "./replay-server.ts";
export type { ReservationStoreCapabilities, ReservationStoreKit } from "./reservation-kit.ts";
export { testReservationStore } from "./reservation-kit.ts";
export type { RouterKit } from "./router-kit.ts";
export { testRouter } from "./router-kit.ts";
export type { Runner, TestFunction } from "./runner.ts";
export type { SharedStateCapabilities, SharedStateKit, StateStore } from "./shared-state-kit.ts";
export { testSharedState } from "./shared-state-kit.ts";
export type { StrategyCapabilities, StrategyKit } from "./strategy-kit.ts";
export { testStrategy } from "./strategy-kit.ts";
export type { TestAttemptInput, TestCallInput } from "./test-context.ts";
export { testAttempt, testCall } from "./test-context.ts";
