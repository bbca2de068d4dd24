export type { Authenticator, Credentials } from "./authenticator.ts";
export type { BudgetRule, LimitRule, LimitShare } from "./budget.ts";
export type { Cache, CacheClaim, CacheSelection, CacheStats, Recording } from "./cache/cache.ts";
export type { CacheAddress, CacheScope } from "./cache/cache-key.ts";
export { cacheAddress, cacheKey, clientWords, effectiveParts } from "./cache/cache-key.ts";
export type { CachePolicy } from "./cache/cache-policy.ts";
export { canonicalDigest, canonicalText } from "./cache/canonical-text.ts";
export { decodeRecording, encodeRecording } from "./cache/recording-codec.ts";
export type { Admission, Attempt, Call, CallOptions, State } from "./call.ts";
export { nativeRequest, withRequest } from "./call.ts";
export type { CacheBreakpoint } from "./chat/breakpoint.ts";
export type {
  CanonicalChatEvent,
  ChatEvent,
  ChoiceEnd,
  PartDelta,
  PartDeltaEvent,
  PartEnd,
  PartStart,
  ReplyStart,
  UsageUpdate,
} from "./chat/event.ts";
export { ChatFold, mergeExtra } from "./chat/fold.ts";
export { foldReply } from "./chat/fold-reply.ts";
export { forwardedChatResult, nativeChatResult } from "./chat/native-result.ts";
export type { ChatParameter } from "./chat/parameters.ts";
export { CHAT_PARAMETERS, onlyParameters, parametersToDrop, withoutParameters } from "./chat/parameters.ts";
export type {
  AudioPart,
  CacheControl,
  Citation,
  DocumentPart,
  Extra,
  ImagePart,
  MediaSource,
  OpaquePart,
  Part,
  ReasoningPart,
  RefusalPart,
  ServerToolPart,
  TextPart,
  ToolCallPart,
  ToolResultPart,
} from "./chat/part.ts";
export { textOf } from "./chat/part.ts";
export type {
  ChatRequest,
  CustomTool,
  FunctionTool,
  Message,
  Reasoning,
  ResponseFormat,
  ServerTool,
  Tool,
  ToolChoice,
} from "./chat/request.ts";
export type { ChatResult, Choice, FinishReason, Logprobs } from "./chat/result.ts";
export { resultEvents } from "./chat/unfold.ts";
export {
  AUTHENTICATOR,
  CACHE,
  DIRECTORY,
  ENTRY_STORE,
  GUARDRAILS,
  LEDGER,
  LIMIT_STORE,
  MODEL_FACTS,
  MODEL_TABLE,
  OPEN_CALL,
  PRICING,
  RECORD_STORE,
  RESERVATION_STORE,
  ROUTER,
  SHARED_STATE,
  STRATEGY,
  TRANSPORT,
} from "./container.ts";
export type { Deployment, ModelTable } from "./deployment.ts";
export type {
  CallRoute,
  Decoded,
  Dialect,
  DialectRequest,
  HttpReply,
  ReplyEncoder,
  ResourceContext,
  ResourceRoute,
  Route,
  RouteDescription,
} from "./dialect.ts";
export type { Described, Directory } from "./directory.ts";
export type { ErrorCode, ErrorRule, GatewayErrorOptions } from "./errors.ts";
export { ERROR_RULES, GatewayError, isGatewayError, toGatewayError } from "./errors.ts";
export type { EstimatedTokens } from "./estimated-tokens.ts";
export { estimatedTokens } from "./estimated-tokens.ts";
export type { OperationChecks } from "./for-operation.ts";
export { guardrailFor, isCall, layerFor } from "./for-operation.ts";
export { createGateway } from "./gateway/create-gateway.ts";
export { guardrailLayer } from "./gateway/guardrail-layer.ts";
export type { ListedRouter, ListedRouterOptions } from "./gateway/listed-router.ts";
export { listedRouter } from "./gateway/listed-router.ts";
export type { MemoryLimitsOptions } from "./gateway/memory-limits.ts";
export { MemoryLimits } from "./gateway/memory-limits.ts";
export { createModelTable } from "./gateway/model-table.ts";
export type {
  CallInput,
  CatalogModel,
  ChatFunction,
  ChatInput,
  ChatStream,
  DeploymentChange,
  EmbedInput,
  ExplainedAttempt,
  Explanation,
  Gateway,
  GatewayOptions,
  HealthReport,
  MessageInput,
  ModelAlias,
  OpenCall,
  SdkOptions,
} from "./gateway.ts";
export type { GuardrailPipelineOptions, PipelineMove, PipelineStep } from "./guardrail/guardrail-pipeline.ts";
export { guardrailPipeline } from "./guardrail/guardrail-pipeline.ts";
export type { MaskPatternOptions } from "./guardrail/mask-pattern.ts";
export { maskPattern } from "./guardrail/mask-pattern.ts";
export { requestTexts } from "./guardrail/request-texts.ts";
export type { FindContext, Finding, FoundIn, TextFinder } from "./guardrail/text-finder.ts";
export type { FindingAction, TextGuardrailOptions } from "./guardrail/text-guardrail.ts";
export { textGuardrail } from "./guardrail/text-guardrail.ts";
export type {
  AskAgain,
  Block,
  Guardrail,
  GuardrailRuns,
  RequestVerdict,
  Reroute,
  ResultVerdict,
  TextWindow,
  Verdict,
  WindowVerdict,
} from "./guardrail.ts";
export { ALLOW } from "./guardrail.ts";
export { IdSource } from "./ids.ts";
export type { AttemptLayer, Layer, LayerPlacement, Ordered, Stage, StageLayers } from "./layer.ts";
export { STAGES } from "./layer.ts";
export type {
  BudgetLine,
  Entry,
  EntryOutline,
  EntryStatus,
  Ledger,
  ReservationAnswer,
  ReservationRequest,
  Scope,
  Settlement,
  Spend,
  SpendQuery,
} from "./ledger.ts";
export type {
  CounterRecovery,
  EntryQuery,
  EntryStore,
  HeldCheck,
  LineBalance,
  LineSettlement,
  LineSum,
  ReapedReservation,
  ReportQuery,
  ReportRow,
  ReservationStore,
} from "./ledger-stores.ts";
export type { LimitAnswer, LimitCorrection, LimitState, LimitStore, LimitTake } from "./limit-store.ts";
export type { ModelFacts } from "./model-facts.ts";
export type { ModelSelector } from "./model-selector.ts";
export type { Moments } from "./moments.ts";
export type { NanoUsd } from "./money.ts";
export { formatUsd, parseUsd } from "./money.ts";
export type { FrameDecoder, NativeFrame, NativeRequest, NativeResult } from "./native.ts";
export { didYouMean, nearest } from "./nearest.ts";
export type { EventOf, Operation, OperationName, Operations, Reply, RequestOf, ResultOf } from "./operation.ts";
export type {
  SpeakEvent,
  SpeakRequest,
  SpeakResult,
  TranscribeEvent,
  TranscribeRequest,
  TranscribeResult,
  TranslateRequest,
} from "./operations/audio.ts";
export type { CompleteChoice, CompleteEvent, CompleteRequest, CompleteResult } from "./operations/complete.ts";
export { completeThroughChat } from "./operations/complete-through-chat.ts";
export type { CountTokensRequest, CountTokensResult } from "./operations/count-tokens.ts";
export type { EmbedRequest, EmbedResult } from "./operations/embed.ts";
export type { EditImageRequest, GenerateImageRequest, ImageEvent, ImageResult } from "./operations/image.ts";
export type { ModerateRequest, ModerateResult } from "./operations/moderate.ts";
export type { RerankRequest, RerankResult } from "./operations/rerank.ts";
export type { Health, Plugin } from "./plugin.ts";
export type { ConvertedAmount, Cost, CostLine, PricedWork, Pricing } from "./pricing.ts";
export type { Principal, RoutingPreferences } from "./principal.ts";
export { APPLICATION, grants, mayReach, mayUse } from "./principal.ts";
export type { ListedModel, Provider } from "./provider.ts";
export type {
  CollectionDefinition,
  RecordCollection,
  RecordPage,
  RecordQuery,
  RecordStore,
  StoredRecord,
} from "./record-store.ts";
export type { Transform } from "./reply.ts";
export { collectReply, decodeReply, isFrame, replyOf, resultOf, transformReply } from "./reply.ts";
export type {
  AttemptWatcher,
  Candidates,
  Outcome,
  Router,
  RouterFactory,
  RouterParts,
  RoutingParts,
} from "./router.ts";
export { Secret } from "./secret.ts";
export { MemoryState } from "./state/memory-state.ts";
export type { SharedState, StateListener } from "./state/shared-state.ts";
export type { Strategy, StrategyFactory } from "./strategy.ts";
export type { AttemptRecord, CacheRecord, GuardrailQuestion, GuardrailRecord, ServedBy, Skip } from "./trace.ts";
export { Trace } from "./trace.ts";
export type {
  HeaderList,
  ResponseHeaders,
  Transport,
  TransportRequest,
  TransportResponse,
  TransportStream,
} from "./transport.ts";
export type { Usage } from "./usage.ts";
export { addUsage, NO_USAGE, totalTokens } from "./usage.ts";
