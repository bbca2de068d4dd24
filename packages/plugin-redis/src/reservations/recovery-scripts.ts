import { Script } from "../connection/script.ts";
import { COMMON } from "./reservation-scripts.ts";

/**
 * While counters are lost there is a recovery, with a random id, so that a loss in the middle of it is seen. Its members
 * are heard of again and again, tell their part, and one of them leads: it writes what entries say, and opens.
 * `extra` has what was settled and is in no entry, by line.
 */
const RECOVERY = `${COMMON}
local recovery = prefix .. "recovery"
local members, given, leader = recovery .. ":members", recovery .. ":given", recovery .. ":leader"
local extra, told = recovery .. ":extra", recovery .. ":told"
local function current(id) return closed() and redis.call("HGET", recovery, "id") == id end
`;

/**
 * ARGV: member, id of the recovery that it has told its part, an id for a new one, ms that a recovery waits at least, ms
 * after which a silent member or leader is given up. Answers what to do: `open`, `wait` or `lead`, and the recovery's id.
 */
export const JOIN: Script = new Script(`${RECOVERY}
if not closed() then return {"open", ""} end
local now, id = clock(), redis.call("HGET", recovery, "id")
if not id then
  id = ARGV[3]
  redis.call("DEL", members, given, leader, extra, told)
  redis.call("HSET", recovery, "id", id, "at", string.format("%.0f", now))
end
redis.call("ZADD", members, string.format("%.0f", now), ARGV[1])
if ARGV[2] ~= id then return {"wait", id} end
redis.call("SADD", given, ARGV[1])
local leading = redis.call("GET", leader)
if leading and leading ~= ARGV[1] then return {"wait", id} end
if not leading then
  if now - tonumber(redis.call("HGET", recovery, "at")) < tonumber(ARGV[4]) then return {"wait", id} end
  local heard = string.format("%.0f", now - tonumber(ARGV[5]))
  for _, member in ipairs(redis.call("ZRANGEBYSCORE", members, heard, "+inf")) do
    if redis.call("SISMEMBER", given, member) == 0 then return {"wait", id} end
  end
end
redis.call("SET", leader, ARGV[1], "PX", ARGV[5])
return {"lead", id}
`);

/** ARGV: id of the recovery, ms to remember, then settlements as SETTLE takes them. Answers whether that one goes on. */
export const TELL: Script = new Script(`${RECOVERY}
if not current(ARGV[1]) then return 0 end
local at = 3
while at <= #ARGV do
  local id, amount, guess, count = ARGV[at], ARGV[at + 1], ARGV[at + 2] == "1", tonumber(ARGV[at + 4])
  if redis.call("SADD", told, id) == 1 then
    local known, names = redis.call("GET", record(id)), {}
    if known and string.sub(known, 1, 1) == "h" then release(id, known, lines(known)) end
    for line = at + 5, at + 4 + count * 2, 2 do
      names[#names + 1] = ARGV[line]
      redis.call("HSETNX", counter(ARGV[line]), "posted", "0")
      if ARGV[line + 1] ~= "0" then redis.call("PEXPIRE", counter(ARGV[line]), ARGV[line + 1]) end
      redis.call("HINCRBY", extra, ARGV[line], amount)
    end
    remember(id, amount, guess, names, ARGV[2])
  end
  at = at + 5 + count * 2
end
return 1
`);

/** ARGV: id of the recovery, of counters: name, posted, lifetime in ms or 0. Answers whether that recovery goes on. */
export const REBUILD: Script = new Script(`${RECOVERY}
if not current(ARGV[1]) then return 0 end
for at = 2, #ARGV, 3 do
  redis.call("HSET", counter(ARGV[at]), "posted", ARGV[at + 1])
  if ARGV[at + 2] ~= "0" then redis.call("PEXPIRE", counter(ARGV[at]), ARGV[at + 2]) end
end
return 1
`);

/** ARGV: id of the recovery, generation. Opens the counters; answers whether that recovery went on until now. */
export const OPEN: Script = new Script(`${RECOVERY}
if not current(ARGV[1]) then return 0 end
local more = redis.call("HGETALL", extra)
for at = 1, #more, 2 do add(more[at], "posted", more[at + 1]) end
redis.call("DEL", recovery, members, given, leader, extra, told)
redis.call("SET", prefix .. "generation", ARGV[2])
return 1
`);

/**
 * ARGV: process, 1 or 0 for whether it has written everything or nothing when it ends, ms after which a silent process may
 * have written nothing, ms after which it is forgotten. Answers whether all have written everything.
 */
export const QUIET: Script = new Script(`${COMMON}
local processes, now, quiet = prefix .. "processes", clock(), 1
if ARGV[2] == "" then redis.call("HDEL", processes, ARGV[1])
else redis.call("HSET", processes, ARGV[1], string.format("%.0f", now) .. " " .. ARGV[2]) end
local all = redis.call("HGETALL", processes)
for at = 1, #all, 2 do
  local heard, written = string.match(all[at + 1], "^(%d+) (%d)$")
  local silent = now - tonumber(heard)
  if silent > tonumber(ARGV[4]) then redis.call("HDEL", processes, all[at])
  elseif written == "0" or silent > tonumber(ARGV[3]) then quiet = 0 end
end
return quiet
`);
