import { Script } from "../connection/script.ts";

/**
 * `entries`: field → `[value, stamp, until]`; `until` and `written`: fields by the end of their time, and by when they
 * were written. Stamps are microseconds of Redis's clock, and rise with every write.
 */
const COMMON = `
local prefix = KEYS[1]
local entries, ends, written = prefix .. "entries", prefix .. "until", prefix .. "written"
local time = redis.call("TIME")
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local function forget(field)
  redis.call("HDEL", entries, field)
  redis.call("ZREM", ends, field)
  redis.call("ZREM", written, field)
end
`;

/**
 * ARGV: channel, process, name for a new epoch, most entries; then of each write: field, JSON of the value or nothing, ms
 * to live, version. Answers the epoch and the stamp. Publishes `[process, stamp, [field, value, ms, version], …]`.
 */
export const WRITE: Script = new Script(`${COMMON}
local last = tonumber(redis.call("GET", prefix .. "stamp") or "0")
local stamp = math.max(tonumber(time[1]) * 1000000 + tonumber(time[2]), last + 1)
local stampText = string.format("%.0f", stamp)
redis.call("SET", prefix .. "stamp", stampText)
redis.call("SETNX", prefix .. "epoch", ARGV[3])
local message = {ARGV[2], stampText}
for at = 5, #ARGV, 4 do
  local field, value, ms = ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 2])
  if value == "" then
    forget(field)
  else
    redis.call("HSET", entries, field, string.format("%s %.0f %s", stampText, now + ms, value))
    redis.call("ZADD", ends, string.format("%.0f", now + ms), field)
    redis.call("ZADD", written, stampText, field)
  end
  message[#message + 1] = {field, value, ms, tonumber(ARGV[at + 3])}
end
for _, field in ipairs(redis.call("ZRANGEBYSCORE", ends, "-inf", now, "LIMIT", 0, 1000)) do forget(field) end
local over = redis.call("ZCARD", written) - tonumber(ARGV[4])
if over > 0 then
  for _, field in ipairs(redis.call("ZRANGE", written, 0, math.min(over, 1000) - 1)) do forget(field) end
end
redis.call("PUBLISH", ARGV[1], cjson.encode(message))
return {redis.call("GET", prefix .. "epoch"), stampText}
`);

/** ARGV: cursor. Answers {epoch or nothing, stamp of the last write, ms now, next cursor, [field, entry, …]}. */
export const READ: Script = new Script(`${COMMON}
local page = redis.call("HSCAN", entries, ARGV[1], "COUNT", 1000)
return {redis.call("GET", prefix .. "epoch") or "", redis.call("GET", prefix .. "stamp") or "0", string.format("%.0f", now),
  page[1], page[2]}
`);
