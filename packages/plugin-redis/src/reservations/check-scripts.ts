import { Script } from "../connection/script.ts";
import { COMMON } from "./reservation-scripts.ts";

/** ARGV: names. Answers posted and pending of each, in turn; -1 when the counters are closed. */
export const BALANCES: Script = new Script(`${COMMON}
if closed() then return -1 end
local answer = {}
for _, name in ipairs(ARGV) do
  local now = redis.call("HMGET", counter(name), "posted", "pending")
  answer[#answer + 1] = now[1] or "0"
  answer[#answer + 1] = now[2] or "0"
end
return answer
`);

/**
 * ARGV: ms after the end of a lease from which on a reservation is overdue, most reservations to look at, names of lines to look at
 * besides those on which something is held. Answers how many are overdue, then of each line that differs: name, pending, held;
 * nothing when there are too many; -1 when the counters are closed. Amounts are added up in two parts: Lua's numbers are exact to 2^53.
 */
export const CHECK_HELD: Script = new Script(`${COMMON}
if closed() then return -1 end
if redis.call("ZCARD", leases) > tonumber(ARGV[2]) then return {} end
local names, high, low = {}, {}, {}
local function note(name)
  if not high[name] then names[#names + 1], high[name], low[name] = name, 0, 0 end
end
for at = 3, #ARGV do note(ARGV[at]) end
for _, id in ipairs(redis.call("ZRANGE", leases, 0, -1)) do
  local held = redis.call("GET", record(id))
  if held and string.sub(held, 1, 1) == "h" then
    local h, l = parts(amountOf(held))
    for _, name in ipairs(lines(held)) do
      note(name)
      high[name], low[name] = high[name] + h, low[name] + l
    end
  end
end
local late = string.format("%.0f", clock() - tonumber(ARGV[1]))
local answer = {tostring(redis.call("ZCOUNT", leases, "-inf", "(" .. late))}
for _, name in ipairs(names) do
  local pending = redis.call("HGET", counter(name), "pending") or "0"
  local h, l = parts(pending)
  if (h - high[name]) * 1000000000 + l - low[name] ~= 0 then
    local carry = math.floor(low[name] / 1000000000)
    local held = string.format("%.0f%09.0f", high[name] + carry, low[name] - carry * 1000000000)
    answer[#answer + 1] = name
    answer[#answer + 1] = pending
    answer[#answer + 1] = held
  end
end
return answer
`);
