-- What happens in Redis at one go. One call carries many operations; each is safe to repeat, and works in one hash tag.
--
-- The call: KEYS find the server (see keys.py), ARGV is the prefix and then, packed, for each operation its name, its
-- tag, how many arguments follow, and these. The answer: for each operation a list, "ok" or why not first.
-- `at` below is what begins the keys of the tag. A list among the arguments has its length before it.

local ops = {}

local function held(at, token)
  return redis.call('GET', at .. 'lease') == token
end

local function list(read)
  local found = {}
  for index = 1, tonumber(read()) do
    found[index] = read()
  end
  return found
end

local function entries(at, after)
  local found = {}
  for index, entry in ipairs(redis.call('XRANGE', at .. 'journal', '(' .. after, '+')) do
    found[index] = { entry[1], entry[2][2], entry[2][4] }
  end
  return found
end

local function enter(at, mailbox, event)
  local seq = redis.call('INCR', at .. 'entered')
  redis.call('XADD', at .. 'journal', seq .. '-0', 'm', mailbox, 'e', event)
  return seq
end

local function is_new(at, key, now)
  return redis.call('ZADD', at .. 'seen', 'NX', now, key) == 1
end

local function owe(at, id, order)
  redis.call('HSET', at .. 'orders', id, order)
  redis.call('ZADD', at .. 'outbox', redis.call('INCR', at .. 'owed'), id)
end

local function strike(at, id)
  redis.call('ZREM', at .. 'outbox', id)
  return redis.call('HDEL', at .. 'orders', id) == 1
end

local function ring(bell, said)
  redis.call('PUBLISH', bell, said)
end

-- The journal

ops.append = function(at, read)
  local name, mailbox, key, event, now, bell, tag = read(), read(), read(), read(), read(), read(), read()
  if mailbox == '' then
    local known = redis.call('HGET', at .. 'alias', name)
    if known and known ~= name then
      return { 'at', known }
    end
    mailbox = name
    if not known then
      redis.call('HSET', at .. 'alias', name, name)
    end
  end
  if not is_new(at, key, now) then
    return { 'known' }
  end
  local seq = enter(at, mailbox, event)
  if bell ~= '' then
    ring(bell, tag)
  end
  return { 'in', seq }
end

ops.keep_aside = function(at, read)
  local key, letter, now = read(), read(), read()
  if not is_new(at, key, now) then
    return { 'known' }
  end
  redis.call('HSET', at .. 'aside', 'a' .. redis.call('INCR', at .. 'letters'), letter)
  return { 'aside' }
end

ops.park = function(at, read)
  local thread, key, event, now = read(), read(), read(), read()
  local known = redis.call('HGET', at .. 'alias', thread)
  local box = at .. 'parked:' .. thread
  if known and redis.call('LLEN', box) == 0 then
    return { 'at', known }
  end
  if not is_new(at, 'parked' .. key, now) then
    return { 'known' }
  end
  redis.call('RPUSH', box, event)
  redis.call('ZADD', at .. 'waiting', 'NX', now, thread)
  redis.call('INCR', at .. 'parked')
  if known then
    redis.call('SADD', at .. 'freed', thread)
  end
  return { 'parked' }
end

ops.name_thread = function(at, read)
  local thread, whose = read(), read()
  redis.call('HSET', at .. 'alias', thread, whose)
  local parked = redis.call('LRANGE', at .. 'parked:' .. thread, 0, -1)
  if #parked > 0 then
    redis.call('SADD', at .. 'freed', thread)
  end
  return { 'ok', parked }
end

ops.freed = function(at, read)
  local found = {}
  for index, thread in ipairs(redis.call('SMEMBERS', at .. 'freed')) do
    local parked = redis.call('LRANGE', at .. 'parked:' .. thread, 0, -1)
    found[index] = { thread, redis.call('HGET', at .. 'alias', thread) or '', parked }
  end
  return { 'ok', found }
end

local function emptied(at, thread)
  if redis.call('LLEN', at .. 'parked:' .. thread) == 0 then
    redis.call('SREM', at .. 'freed', thread)
    redis.call('ZREM', at .. 'waiting', thread)
  end
end

ops.unpark = function(at, read)
  local thread, events = read(), list(read)
  for _, event in ipairs(events) do
    local gone = redis.call('LREM', at .. 'parked:' .. thread, 1, event)
    redis.call('DECRBY', at .. 'parked', gone)
  end
  emptied(at, thread)
  return { 'ok' }
end

-- Names

ops.whose = function(at, read)
  return { 'ok', redis.call('HGET', at .. 'alias', read()) or '' }
end

ops.call_it = function(at, read)
  local name, mailbox = read(), read()
  redis.call('HSETNX', at .. 'alias', name, mailbox)
  return { 'ok', redis.call('HGET', at .. 'alias', name) }
end

ops.also_called = function(at, read)
  local mailbox, names = read(), list(read)
  redis.call('SADD', at .. 'names:' .. mailbox, unpack(names))
  return { 'ok' }
end

ops.uncall = function(at, read)
  local gone, unparked = 0, 0
  for _, name in ipairs(list(read)) do
    gone = gone + redis.call('HDEL', at .. 'alias', name)
    local parked = redis.call('LLEN', at .. 'parked:' .. name)
    redis.call('DECRBY', at .. 'parked', parked)
    redis.call('DEL', at .. 'parked:' .. name)
    unparked = unparked + parked
    emptied(at, name)
  end
  return { 'ok', gone, unparked }
end

-- Steps

local function write_timers(at, mailbox, clear, timers)
  for _, key in ipairs(clear) do
    redis.call('ZREM', at .. 'timers', mailbox .. '\0' .. key)
    redis.call('HDEL', at .. 'timed', mailbox .. '\0' .. key)
  end
  for index = 1, #timers, 4 do
    local member = mailbox .. '\0' .. timers[index]
    redis.call('ZADD', at .. 'timers', timers[index + 1], member)
    redis.call('HSET', at .. 'timed', member, timers[index + 2] .. timers[index + 3])
  end
end

ops.commit = function(at, read)
  local token, mailbox, version, body = read(), read(), tonumber(read()), read()
  local number, was_number, waits, load = read(), read(), read(), read()
  local seqs, events, clear, timers, orders = list(read), list(read), list(read), list(read), list(read)
  if not held(at, token) then
    return { 'fenced' }
  end
  local was = redis.call('HGET', at .. 'conversations', mailbox)
  if tonumber(was and was:match('^%d+') or 0) ~= version then
    local there = #seqs > 0 and #redis.call('XRANGE', at .. 'journal', seqs[1], seqs[1]) > 0
    return { there and 'conflict' or 'already' }
  end
  redis.call('HSET', at .. 'conversations', mailbox, (version + 1) .. ':' .. body)
  if number ~= was_number then
    redis.call('HDEL', at .. 'numbers', was_number)
    redis.call('HSET', at .. 'numbers', number, mailbox)
  end
  if waits == '' then
    redis.call('ZREM', at .. 'queue', mailbox)
  else
    redis.call('ZADD', at .. 'queue', waits, mailbox)
  end
  if load == '' then
    redis.call('HDEL', at .. 'loads', mailbox)
  else
    redis.call('HSET', at .. 'loads', mailbox, load)
  end
  if #seqs > 0 then
    redis.call('XDEL', at .. 'journal', unpack(seqs))
  end
  if #events > 0 then
    redis.call('RPUSH', at .. 'history:' .. mailbox, unpack(events))
  end
  write_timers(at, mailbox, clear, timers)
  for index = 1, #orders, 2 do
    owe(at, orders[index], orders[index + 1])
  end
  return { 'ok' }
end

ops.set_aside = function(at, read)
  local token, seq, letter = read(), read(), read()
  if not held(at, token) then
    return { 'fenced' }
  end
  if redis.call('XDEL', at .. 'journal', seq) == 1 then
    redis.call('HSET', at .. 'aside', 'a' .. redis.call('INCR', at .. 'letters'), letter)
  end
  return { 'ok' }
end

ops.fire = function(at, read)
  local token, now = read(), read()
  if not held(at, token) then
    return { 'fenced' }
  end
  for _, member in ipairs(redis.call('ZRANGEBYSCORE', at .. 'timers', '-inf', now, 'LIMIT', 0, 512)) do
    local timed = redis.call('HGET', at .. 'timed', member)
    if is_new(at, timed:sub(1, 16), now) then
      enter(at, member:match('^[^%z]*'), timed:sub(17))
    end
    redis.call('ZREM', at .. 'timers', member)
    redis.call('HDEL', at .. 'timed', member)
  end
  return { 'ok', redis.call('ZRANGE', at .. 'timers', 0, 0, 'WITHSCORES')[2] or '' }
end

-- The outbox

local function rewrite(at, orders)
  local there = 0
  for index = 1, #orders, 2 do
    if redis.call('HEXISTS', at .. 'orders', orders[index]) == 1 then
      redis.call('HSET', at .. 'orders', orders[index], orders[index + 1])
      there = there + 1
    end
  end
  return there
end

ops.rewrite = function(at, read)
  local token, orders = read(), list(read)
  if token ~= '' and not held(at, token) then
    return { 'fenced' }
  end
  return { 'ok', rewrite(at, orders) }
end

ops.settle = function(at, read)
  local mailbox, lane, now, number, thread = read(), read(), read(), read(), read()
  local ids, letters, events, posts, bell, tag = list(read), list(read), list(read), list(read), read(), read()
  for index, id in ipairs(ids) do
    if strike(at, id) and letters[index] then
      redis.call('HSET', at .. 'dead', 'd' .. redis.call('INCR', at .. 'letters'), letters[index])
    end
  end
  if #ids > 0 then
    redis.call('HDEL', at .. 'lanes', lane)
  end
  if thread ~= '' then
    redis.call('HSET', at .. 'threads', mailbox .. '\0' .. number, thread)
  end
  for index = 1, #posts, 2 do
    redis.call('HSET', at .. 'posts', posts[index], posts[index + 1])
    redis.call('ZADD', at .. 'posted', now, posts[index])
  end
  local seqs = {}
  for index = 1, #events, 2 do
    seqs[#seqs + 1] = is_new(at, events[index], now) and enter(at, mailbox, events[index + 1]) or 0
  end
  if bell ~= '' then
    ring(bell, tag)
  end
  return { 'ok', seqs }
end

ops.postpone = function(at, read)
  local token, lane, moment, orders = read(), read(), read(), list(read)
  if not held(at, token) then
    return { 'fenced' }
  end
  redis.call('HSET', at .. 'lanes', lane, moment)
  return { 'ok', rewrite(at, orders) }
end

-- Leases

local function counts(at)
  return {
    redis.call('GET', at .. 'parked') or '0',
    redis.call('HLEN', at .. 'aside'),
    redis.call('HLEN', at .. 'dead'),
  }
end

ops.lease = function(at, read)
  local token, time = read(), read()
  if not held(at, token) and not redis.call('SET', at .. 'lease', token, 'NX', 'PX', time) then
    return { 'taken' }
  end
  return { 'ok', redis.call('INCR', at .. 'epoch') }
end

ops.load = function(at, read)
  if not held(at, read()) then
    return { 'fenced' }
  end
  local orders = {}
  for index, id in ipairs(redis.call('ZRANGE', at .. 'outbox', 0, -1)) do
    orders[index] = redis.call('HGET', at .. 'orders', id)
  end
  local due = redis.call('ZRANGE', at .. 'timers', 0, 0, 'WITHSCORES')[2] or ''
  local lanes, loads = redis.call('HGETALL', at .. 'lanes'), redis.call('HGETALL', at .. 'loads')
  local last, owed = redis.call('GET', at .. 'entered') or '0', redis.call('GET', at .. 'owed') or '0'
  return { 'ok', entries(at, '0'), orders, lanes, loads, due, counts(at), last, owed }
end

ops.tend = function(at, read)
  local token, time, after = read(), read(), read()
  if not held(at, token) then
    return { 'fenced' }
  end
  redis.call('PEXPIRE', at .. 'lease', time)
  local freed = redis.call('SCARD', at .. 'freed')
  return { 'ok', entries(at, after), counts(at), freed, redis.call('GET', at .. 'owed') or '0' }
end

ops.news = function(at, read)
  local token, after = read(), read()
  return held(at, token) and { 'ok', entries(at, after) } or { 'fenced' }
end

ops.let_go = function(at, read)
  if held(at, read()) then
    redis.call('DEL', at .. 'lease')
  end
  return { 'ok' }
end

-- Who is there, and who may have how much

ops.beat = function(at, read)
  local replica, time, backlog = read(), read(), read()
  local now = redis.call('TIME')
  now = now[1] * 1000 + math.floor(now[2] / 1000)
  for _, gone in ipairs(redis.call('ZRANGEBYSCORE', at .. 'alive', '-inf', now)) do
    redis.call('ZREM', at .. 'alive', gone)
    redis.call('HDEL', at .. 'backlogs', gone)
  end
  redis.call('ZADD', at .. 'alive', now + time, replica)
  redis.call('HSET', at .. 'backlogs', replica, backlog)
  return { 'ok', redis.call('ZRANGE', at .. 'alive', 0, -1), redis.call('HVALS', at .. 'backlogs') }
end

ops.bow_out = function(at, read)
  local replica, bell = read(), read()
  redis.call('ZREM', at .. 'alive', replica)
  redis.call('HDEL', at .. 'backlogs', replica)
  ring(bell, 'free')
  return { 'ok' }
end

ops.number = function(at)
  return { 'ok', redis.call('INCR', at .. 'number') }
end

local function crew(at)
  return redis.call('HGETALL', at .. 'loads'), redis.call('HGETALL', at .. 'assigned')
end

ops.crew = function(at)
  return { 'ok', crew(at) }
end

local function seat(at, seats, mailbox, agent)
  local was = redis.call('HGET', seats, mailbox)
  if was == agent or (not was and agent == '') then
    return false
  end
  if was and redis.call('HINCRBY', at .. 'loads', was, -1) <= 0 then
    redis.call('HSET', at .. 'loads', was, 0)
  end
  if agent == '' then
    redis.call('HDEL', seats, mailbox)
  else
    redis.call('HSET', seats, mailbox, agent)
    redis.call('HINCRBY', at .. 'loads', agent, 1)
  end
  return true
end

ops.seat = function(at, read)
  local tag, epoch, mailbox, agent, expected, now = read(), read(), read(), read(), read(), read()
  if redis.call('HGET', at .. 'epochs', tag) ~= epoch then
    return { 'fenced' }
  end
  local seats = at .. 'seats:' .. tag
  local sits = redis.call('HGET', seats, mailbox) == agent
  if not sits and expected ~= '' and tonumber(redis.call('HGET', at .. 'loads', agent) or 0) > tonumber(expected) then
    return { 'full' }
  end
  if seat(at, seats, mailbox, agent) and agent ~= '' then
    redis.call('HSET', at .. 'assigned', agent, now)
  end
  return { 'ok' }
end

ops.seats = function(at, read)
  local tag, epoch, loads = read(), read(), list(read)
  local known = redis.call('HGET', at .. 'epochs', tag)
  if known and tonumber(known) > tonumber(epoch) then
    return { 'fenced' }
  end
  redis.call('HSET', at .. 'epochs', tag, epoch)
  local seats, now = at .. 'seats:' .. tag, {}
  for index = 1, #loads, 2 do
    now[loads[index]] = true
    seat(at, seats, loads[index], loads[index + 1])
  end
  for _, mailbox in ipairs(redis.call('HKEYS', seats)) do
    if not now[mailbox] then
      seat(at, seats, mailbox, '')
    end
  end
  return { 'ok' }
end

-- Reading

ops.get = function(at, read)
  return { 'ok', redis.call('HGET', at .. 'conversations', read()) or '' }
end

ops.field = function(at, read)
  return { 'ok', redis.call('HGET', at .. read(), read()) }
end

ops.fields = function(at, read)
  return { 'ok', redis.call('HGETALL', at .. read()) }
end

ops.find = function(at, read)
  local mailbox = redis.call('HGET', at .. 'numbers', read())
  return { 'ok', mailbox and redis.call('HGET', at .. 'conversations', mailbox) or '' }
end

ops.history = function(at, read)
  local mailbox, limit = read(), read()
  return { 'ok', redis.call('LRANGE', at .. 'history:' .. mailbox, -limit, -1) }
end

ops.queue = function(at, read)
  local first = redis.call('ZRANGE', at .. 'queue', 0, read() - 1, 'WITHSCORES')
  local found = {}
  for index = 1, #first, 2 do
    found[#found + 1] = { first[index + 1], redis.call('HGET', at .. 'conversations', first[index]) }
  end
  return { 'ok', found }
end

ops.theirs = function(at, read)
  local agent, found = read(), {}
  local loads = redis.call('HGETALL', at .. 'loads')
  for index = 1, #loads, 2 do
    if loads[index + 1] == agent then
      found[#found + 1] = redis.call('HGET', at .. 'conversations', loads[index])
    end
  end
  return { 'ok', found }
end

ops.names = function(at, read)
  return { 'ok', redis.call('SMEMBERS', at .. 'names:' .. read()) }
end

-- Documents and housekeeping

ops.put = function(at, read)
  local kind, key, body = read(), read(), read()
  redis.call('HSET', at .. kind, key, body)
  return { 'ok' }
end

ops.remember = function(at, read)
  local most, lasts, key, body = tonumber(read()), read(), read(), read()
  local memo = at .. 'memo'
  if redis.call('HLEN', memo) >= most then
    redis.call('UNLINK', memo)
  end
  redis.call('HSET', memo, key, body)
  redis.call('EXPIRE', memo, lasts, 'NX')
  return { 'ok' }
end

ops.forget_made = function(at)
  redis.call('UNLINK', at .. 'memo')
  return { 'ok' }
end

ops.drop = function(at, read)
  return { 'ok', redis.call('HDEL', at .. read(), read()) }
end

ops.revive_order = function(at, read)
  local letter, id, order, bell, tag = read(), read(), read(), read(), read()
  if redis.call('HDEL', at .. 'dead', letter) == 1 then
    owe(at, id, order)
    ring(bell, tag)
    return { 'ok' }
  end
  return { 'gone' }
end

ops.revive_event = function(at, read)
  local letter, mailbox, event, bell, tag = read(), read(), read(), read(), read()
  if redis.call('HDEL', at .. 'aside', letter) == 1 then
    enter(at, mailbox, event)
    ring(bell, tag)
    return { 'ok' }
  end
  return { 'gone' }
end

ops.erase = function(at, read)
  local token, mailbox, seqs, orders, lanes = read(), read(), list(read), list(read), list(read)
  local dead, aside, timers, posts = list(read), list(read), list(read), list(read)
  if not held(at, token) then
    return { 'fenced' }
  end
  local gone = { 0, 0, 0, 0, 0 }
  for _, seq in ipairs(seqs) do
    gone[1] = gone[1] + redis.call('XDEL', at .. 'journal', seq)
  end
  for _, id in ipairs(orders) do
    gone[2] = gone[2] + (strike(at, id) and 1 or 0)
  end
  for _, lane in ipairs(lanes) do
    redis.call('HDEL', at .. 'lanes', lane)
  end
  for _, letter in ipairs(dead) do
    gone[3] = gone[3] + redis.call('HDEL', at .. 'dead', letter)
  end
  for _, letter in ipairs(aside) do
    gone[4] = gone[4] + redis.call('HDEL', at .. 'aside', letter)
  end
  for _, member in ipairs(timers) do
    gone[5] = gone[5] + redis.call('ZREM', at .. 'timers', member)
    redis.call('HDEL', at .. 'timed', member)
  end
  for _, field in ipairs(posts) do
    redis.call('HDEL', at .. 'posts', field)
    redis.call('ZREM', at .. 'posted', field)
  end
  for _, field in ipairs(redis.call('HKEYS', at .. 'threads')) do
    if field:sub(1, #mailbox + 1) == mailbox .. '\0' then
      redis.call('HDEL', at .. 'threads', field)
    end
  end
  local history = redis.call('LLEN', at .. 'history:' .. mailbox)
  local body = redis.call('HGET', at .. 'conversations', mailbox)
  for _, field in ipairs(redis.call('HKEYS', at .. 'numbers')) do
    if redis.call('HGET', at .. 'numbers', field) == mailbox then
      redis.call('HDEL', at .. 'numbers', field)
    end
  end
  redis.call('DEL', at .. 'history:' .. mailbox, at .. 'names:' .. mailbox)
  redis.call('HDEL', at .. 'conversations', mailbox)
  redis.call('ZREM', at .. 'queue', mailbox)
  redis.call('HDEL', at .. 'loads', mailbox)
  return { 'ok', gone, history, body and 1 or 0 }
end

ops.prune = function(at, read)
  local token, cut = read(), read()
  if not held(at, token) then
    return { 'fenced' }
  end
  redis.call('ZREMRANGEBYSCORE', at .. 'seen', '-inf', '(' .. cut)
  for _, field in ipairs(redis.call('ZRANGEBYSCORE', at .. 'posted', '-inf', '(' .. cut, 'LIMIT', 0, 5000)) do
    redis.call('HDEL', at .. 'posts', field)
    redis.call('ZREM', at .. 'posted', field)
  end
  for _, thread in ipairs(redis.call('ZRANGEBYSCORE', at .. 'waiting', '-inf', '(' .. cut)) do
    redis.call('DECRBY', at .. 'parked', redis.call('LLEN', at .. 'parked:' .. thread))
    redis.call('DEL', at .. 'parked:' .. thread)
    emptied(at, thread)
  end
  return { 'ok', redis.call('GET', at .. 'parked') or '0' }
end

-- What is sent: the prefix, how long each argument is as MessagePack, and all of them in a row.
local function work(_, sent)
  local prefix, argv, index, answers = sent[1], cmsgpack.unpack(sent[2]), 1, {}
  local from = 1
  for place, length in ipairs(argv) do
    argv[place] = sent[3]:sub(from, from + length - 1)
    from = from + length
  end
  while index <= #argv do
    local name, tag, count = argv[index], argv[index + 1], tonumber(argv[index + 2])
    local place = index + 2
    index = place + count + 1
    local function read()
      place = place + 1
      return argv[place]
    end
    local good, answer = pcall(ops[name], prefix .. ':{' .. tag .. '}:', read)
    answers[#answers + 1] = good and answer or { 'broke', type(answer) == 'table' and answer.err or tostring(answer) }
  end
  return answers
end

redis.register_function('NAME', work)
redis.register_function { function_name = 'NAME_full', callback = work, flags = { 'allow-oom' } }
