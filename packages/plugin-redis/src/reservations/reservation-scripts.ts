import { Script } from "../connection/script.ts";

/**
 * A counter is a hash with `posted` and `pending`: 64-bit integers, which Redis adds up exactly. Lua's numbers are exact
 * to 2^53 only, so larger ones are compared in two parts.
 *
 * Under an id there is, while it is held, `h` and the estimate, then a line for each counter: its name, a tab, its limit.
 * Of a guess there is `g`, the amount and the counters; of what is final `f`, until all repetitions are certainly over.
 */
export const COMMON = `
local prefix = KEYS[1]
local leases = prefix .. "leases"
local function counter(name) return prefix .. "line:" .. name end
local function record(id) return prefix .. "id:" .. id end
local function closed() return redis.call("EXISTS", prefix .. "generation") == 0 end
local function clock()
  local time = redis.call("TIME")
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

local function add(name, field, amount)
  if amount ~= "0" then redis.call("HINCRBY", counter(name), field, amount) end
end
local function subtract(name, field, amount)
  if string.sub(amount, 1, 1) == "-" then add(name, field, string.sub(amount, 2))
  elseif amount ~= "0" then add(name, field, "-" .. amount) end
end

local function parts(text)
  local negative = string.sub(text, 1, 1) == "-"
  if negative then text = string.sub(text, 2) end
  local high, low = tonumber(string.sub(text, 1, -10)) or 0, tonumber(string.sub(text, -9))
  if negative then return -high, -low end
  return high, low
end
local function exceeds(limit, posted, pending, estimate)
  if #limit < 16 and #posted < 16 and #pending < 16 and #estimate < 16 then
    return tonumber(posted) + tonumber(pending) + tonumber(estimate) > tonumber(limit)
  end
  local high, low = parts(limit)
  high, low = -high, -low
  for _, text in ipairs({posted, pending, estimate}) do
    local h, l = parts(text)
    high, low = high + h, low + l
  end
  return high * 1000000000 + low > 0
end

local function lines(text)
  local names, first = {}, true
  for part in string.gmatch(text, "[^\\n]+") do
    if first then first = false else names[#names + 1] = (string.match(part, "^[^\\t]*")) end
  end
  return names
end
local function amountOf(text) return string.match(text, "^%a(%-?%d+)") end

local function remember(id, amount, guess, names, ms)
  local value = "f"
  if guess then value = "g" .. amount .. "\\n" .. table.concat(names, "\\n") end
  redis.call("SET", record(id), value, "PX", ms)
end
local function release(id, held, names)
  local estimate = amountOf(held)
  for _, name in ipairs(names) do subtract(name, "pending", estimate) end
  redis.call("ZREM", leases, id)
  return estimate
end
local function hold(id, estimate, lease, from)
  local held = {"h" .. estimate}
  for at = from, #ARGV, 3 do
    add(ARGV[at], "pending", estimate)
    if ARGV[at + 2] ~= "0" then redis.call("PEXPIRE", counter(ARGV[at]), ARGV[at + 2]) end
    held[#held + 1] = ARGV[at] .. "\\t" .. ARGV[at + 1]
  end
  redis.call("SET", record(id), table.concat(held, "\\n"))
  redis.call("ZADD", leases, string.format("%.0f", clock() + tonumber(lease)), id)
end
`;

const MOST = "9223372036854775807";

/**
 * ARGV: id, estimate, lease in ms, `check` or `restore`, then of each line: name, limit or nothing, lifetime in ms or 0.
 * Answers {1}; {0, number of the line, posted, pending}; {-1} when the counters are closed.
 */
export const RESERVE: Script = new Script(`${COMMON}
local id, estimate, check = ARGV[1], ARGV[2], ARGV[4] == "check"
if check and closed() then return {-1} end
if redis.call("EXISTS", record(id)) == 1 then return {1} end
if check then
  for at = 5, #ARGV, 3 do
    local now = redis.call("HMGET", counter(ARGV[at]), "posted", "pending")
    local posted, pending, limit = now[1] or "0", now[2] or "0", ARGV[at + 1]
    if limit == "" then limit = "${MOST}" end
    if exceeds(limit, posted, pending, estimate) then return {0, (at - 5) / 3 + 1, posted, pending} end
  end
end
hold(id, estimate, ARGV[3], 5)
return {1}
`);

/**
 * ARGV: ms to remember it, then of each: id, amount, 1 for a guess, what its entry has posted or nothing, number of lines, and their
 * names and lifetimes.
 */
export const SETTLE: Script = new Script(`${COMMON}
if closed() then return -1 end
local at = 2
while at <= #ARGV do
  local id, amount, guess, count = ARGV[at], ARGV[at + 1], ARGV[at + 2] == "1", tonumber(ARGV[at + 4])
  local known = redis.call("GET", record(id))
  local kind = known and string.sub(known, 1, 1)
  if kind == "h" then
    local names = lines(known)
    release(id, known, names)
    for _, name in ipairs(names) do add(name, "posted", amount) end
    remember(id, amount, guess, names, ARGV[1])
  elseif kind == "g" and not guess then
    local before = amountOf(known)
    for _, name in ipairs(lines(known)) do
      subtract(name, "posted", before)
      add(name, "posted", amount)
    end
    remember(id, amount, false, nil, ARGV[1])
  elseif not kind then
    local names, written = {}, ARGV[at + 3] ~= "" and ARGV[at + 3]
    if written and guess then amount = written end
    for line = at + 5, at + 4 + count * 2, 2 do
      names[#names + 1] = ARGV[line]
      add(ARGV[line], "posted", amount)
      if written then subtract(ARGV[line], "posted", written) end
      if ARGV[line + 1] ~= "0" then redis.call("PEXPIRE", counter(ARGV[line]), ARGV[line + 1]) end
    end
    remember(id, amount, guess, names, ARGV[1])
  end
  at = at + 5 + count * 2
end
return 1
`);

/** ARGV: lease in ms, ids. */
export const RENEW: Script = new Script(`${COMMON}
if closed() then return -1 end
local untilWhen = string.format("%.0f", clock() + tonumber(ARGV[1]))
for at = 2, #ARGV do redis.call("ZADD", leases, "XX", untilWhen, ARGV[at]) end
return 1
`);

/**
 * ARGV: ms to remember, most at once, ms after which a report that nobody acknowledged is made again, ids acknowledged.
 * Answers ids and what was held under them, in turn; -1 when the counters are closed.
 */
export const REAP: Script = new Script(`${COMMON}
if closed() then return -1 end
local reaped, records = prefix .. "reaped", prefix .. "reaped-records"
for at = 4, #ARGV do
  redis.call("ZREM", reaped, ARGV[at])
  redis.call("HDEL", records, ARGV[at])
end
local now, answer = clock(), {}
local stamp = string.format("%.0f", now)
local old = string.format("%.0f", now - tonumber(ARGV[3]))
for _, id in ipairs(redis.call("ZRANGEBYSCORE", reaped, "-inf", old, "LIMIT", 0, ARGV[2])) do
  redis.call("ZADD", reaped, stamp, id)
  answer[#answer + 1] = id
  answer[#answer + 1] = redis.call("HGET", records, id) or "h0"
end
for _, id in ipairs(redis.call("ZRANGEBYSCORE", leases, "-inf", stamp, "LIMIT", 0, ARGV[2])) do
  local held = redis.call("GET", record(id))
  if held and string.sub(held, 1, 1) == "h" then
    local names = lines(held)
    local estimate = release(id, held, names)
    for _, name in ipairs(names) do add(name, "posted", estimate) end
    remember(id, estimate, true, names, ARGV[1])
    redis.call("ZADD", reaped, stamp, id)
    redis.call("HSET", records, id, held)
    answer[#answer + 1] = id
    answer[#answer + 1] = held
  else
    redis.call("ZREM", leases, id)
  end
end
return answer
`);

/** ARGV: name. Answers {posted, pending}, or -1 when the counters are closed. */
export const BALANCE: Script = new Script(`${COMMON}
if closed() then return -1 end
local now = redis.call("HMGET", counter(ARGV[1]), "posted", "pending")
return {now[1] or "0", now[2] or "0"}
`);

/** ARGV: name, expected, difference, lifetime in ms or 0. */
export const CORRECT: Script = new Script(`${COMMON}
if closed() then return -1 end
if (redis.call("HGET", counter(ARGV[1]), "posted") or "0") ~= ARGV[2] then return 0 end
add(ARGV[1], "posted", ARGV[3])
if ARGV[4] ~= "0" then redis.call("PEXPIRE", counter(ARGV[1]), ARGV[4]) end
return 1
`);
