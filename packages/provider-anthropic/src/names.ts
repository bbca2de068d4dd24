/** Name of the provider, of its namespace in `extra`, and the `origin` of parts that only it understands. */
export const ANTHROPIC = "anthropic";

/** The dialect of `POST /v1/messages`. */
export const MESSAGES_DIALECT = "anthropic-messages";

/** The dialect of `POST /v1/messages/count_tokens`. */
export const COUNT_TOKENS_DIALECT = "anthropic-count-tokens";

/** The API version that is sent when neither options nor client name one. */
export const DEFAULT_VERSION = "2023-06-01";
