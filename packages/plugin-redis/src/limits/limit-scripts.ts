import { Script } from "../connection/script.ts";

/**
 * Time is Redis's own, in whole milliseconds: processes need not agree on one. A rate keeps how much of it is in use, in
 * units times milliseconds of its period: whole numbers, so that nothing is rounded. It runs off at `limit` a
 * millisecond, which is GCRA with a burst of the whole limit. Places are a sorted set of calls by the end of their lease.
 *
 * A call that has taken leaves a marker for as long as its lease: by it everything may be repeated.
 */
const COMMON = `
local prefix = KEYS[1]
local clock = redis.call("TIME")
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
local id = ARGV[1]
local marker = prefix .. "call:" .. id

local function level(key, limit)
  local stored = redis.call("GET", key)
  if not stored then return 0 end
  local used, at = string.match(stored, "^(%d+) (%d+)$")
  return math.max(0, tonumber(used) - math.max(0, now - tonumber(at)) * limit)
end

local function charge(key, limit, amount)
  local used = math.max(0, level(key, limit) + amount)
  if used <= 0 or limit <= 0 then redis.call("DEL", key) return end
  redis.call("SET", key, string.format("%.0f %.0f", used, now), "PX", string.format("%.0f", math.ceil(used / limit)))
end

local function lease(key, untilWhen, only)
  local score = string.format("%.0f", untilWhen)
  if only then redis.call("ZADD", key, "XX", score, id) else redis.call("ZADD", key, score, id) end
  local left = redis.call("PTTL", key)
  if left < untilWhen - now then redis.call("PEXPIRE", key, string.format("%.0f", untilWhen - now)) end
end
`;

/**
 * ARGV: id, lease in ms, then of each take: key, kind, limit, period in ms, cost.
 * Answers: number of the take that stands against it or 0; wait in ms or -1; what is left and ms until all is, of each.
 */
export const TAKE: Script = new Script(`${COMMON}
local held = redis.call("EXISTS", marker) == 1
local against, longest, retry = 0, -1, -1
local NEVER = math.huge

if not held then
  for at = 3, #ARGV, 5 do
    local key, limit, period, cost = prefix .. ARGV[at], tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4])
    local wait, leaseEnd = -1, -1
    if ARGV[at + 1] == "rate" then
      if limit <= 0 or cost > limit then
        wait = NEVER
      else
        local excess = level(key, limit) + (cost - limit) * period
        if excess > 0 then wait = math.ceil(excess / limit) end
      end
    elseif limit <= 0 then
      wait = NEVER
    else
      redis.call("ZREMRANGEBYSCORE", key, "-inf", now)
      if redis.call("ZCARD", key) >= limit then
        wait = 0
        leaseEnd = math.max(1, tonumber(redis.call("ZRANGE", key, 0, 0, "WITHSCORES")[2]) - now)
      end
    end
    if wait > longest then
      longest = wait
      against = (at - 3) / 5 + 1
      if wait == NEVER then retry = -1 elseif wait == 0 then retry = leaseEnd else retry = wait end
    end
  end
  if against == 0 then
    for at = 3, #ARGV, 5 do
      local key = prefix .. ARGV[at]
      if ARGV[at + 1] == "rate" then charge(key, tonumber(ARGV[at + 2]), tonumber(ARGV[at + 4]) * tonumber(ARGV[at + 3]))
      else lease(key, now + tonumber(ARGV[2])) end
    end
    redis.call("SET", marker, "", "PX", ARGV[2])
  end
end

local answer = {against, retry}
for at = 3, #ARGV, 5 do
  local key, limit, period = prefix .. ARGV[at], tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
  local remaining, reset = 0, 0
  if ARGV[at + 1] == "rate" then
    if limit > 0 then
      local used = level(key, limit)
      remaining, reset = math.floor((limit * period - used) / period), math.ceil(used / limit)
    end
  else
    redis.call("ZREMRANGEBYSCORE", key, "-inf", now)
    remaining = limit - redis.call("ZCARD", key)
    local first = redis.call("ZRANGE", key, 0, 0, "WITHSCORES")[2]
    if first then reset = tonumber(first) - now end
  end
  answer[#answer + 1] = math.max(0, remaining)
  answer[#answer + 1] = math.max(0, reset)
end
return answer
`);

/** ARGV: id, number of places, their keys, then of each correction: key, limit, period in ms, difference. */
export const RELEASE: Script = new Script(`${COMMON}
if redis.call("DEL", marker) == 0 then return 0 end
local places = tonumber(ARGV[2])
for at = 3, 2 + places do redis.call("ZREM", prefix .. ARGV[at], id) end
for at = 3 + places, #ARGV, 4 do
  charge(prefix .. ARGV[at], tonumber(ARGV[at + 1]), tonumber(ARGV[at + 3]) * tonumber(ARGV[at + 2]))
end
return 1
`);

/** ARGV: id, lease in ms, keys of places. */
export const RENEW: Script = new Script(`${COMMON}
if redis.call("EXISTS", marker) == 0 then return 0 end
redis.call("PEXPIRE", marker, ARGV[2])
for at = 3, #ARGV do
  local key = prefix .. ARGV[at]
  if redis.call("ZSCORE", key, id) then lease(key, now + tonumber(ARGV[2]), true) end
end
return 1
`);
