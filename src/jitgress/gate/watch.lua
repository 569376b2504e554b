-- Cuts streams at the end of their grant, and all of them when the lease has run out, inside HAProxy.
--
-- Invariant 2: nothing is served after the end, streams included, even with every other process dead.
-- Invariant 3: a gate that hears nothing for the staleness serves nothing.
-- A server's name ends in its grant's end (ms since the epoch), so there is nothing to be told and nothing to miss.

local state_map, staleness_ms = ...
staleness_ms = tonumber(staleness_ms)

local LONGEST_SLEEP_MS <const> = 20
local CUT_AGAIN_MS <const> = 1000 -- a stream may have been on its way to the server while the first cut was made
local RESCAN_MS <const> = 10000 -- events are enough; this is the net below them (3 us a server)

local state = Map.new(state_map, Map._str)
local servers = {} -- "BACKEND/SERVER" -> { backend, server, not_after, is_cut }
local next_end = math.huge
local clock_offset_ms = 0

-- HAProxy's own time runs on evenly when the machine's clock is set; the rules compare with the clock that was set.
-- os.time() is that one, in whole seconds: stay inside its second.
local function now_ms()
  local now, second = core.now(), os.time() * 1000
  local internal = now.sec * 1000 + now.usec // 1000
  local shown = internal + clock_offset_ms
  if shown < second then
    clock_offset_ms = second - internal
  elseif shown >= second + 1000 then
    clock_offset_ms = second + 999 - internal
  end
  return internal + clock_offset_ms
end

local function watch(backend, server)
  local not_after = tonumber(server:match("%.(%d+)$"))
  if not_after then
    servers[backend .. "/" .. server] = { backend = backend, server = server, not_after = not_after, is_cut = false }
    next_end = math.min(next_end, not_after)
  end
end

local function find(entry)
  local backend = core.backends[entry.backend]
  return backend and backend.servers[entry.server]
end

local function end_grants(now)
  next_end = math.huge
  for _, entry in pairs(servers) do
    if not entry.is_cut and now >= entry.not_after then
      local server = find(entry)
      if server then
        server:set_maint()
        server:shut_sess()
      end
      entry.is_cut = now >= entry.not_after + CUT_AGAIN_MS
    end
    if not entry.is_cut then
      local due = now >= entry.not_after and now + LONGEST_SLEEP_MS or entry.not_after
      next_end = math.min(next_end, due)
    end
  end
end

local function cut_all()
  for _, entry in pairs(servers) do
    local server = find(entry)
    if server then server:shut_sess() end
  end
end

local function is_fresh(now)
  local lease = tonumber(state:lookup("lease_until") or "")
  return lease ~= nil and now < lease and lease - now <= staleness_ms
end

local function rescan()
  for name, backend in pairs(core.backends) do
    if name:find("^targets_") then
      for server in pairs(backend.servers) do
        if not servers[name .. "/" .. server] then watch(name, server) end
      end
    end
  end
end

core.event_sub({ "SERVER_ADD" }, function(_, data) watch(data.proxy_name, data.name) end)
core.event_sub({ "SERVER_DEL" }, function(_, data) servers[data.proxy_name .. "/" .. data.name] = nil end)

core.register_task(function()
  local was_fresh, cut_all_at, rescan_at = true, 0, 0
  local function tick()
    local now = now_ms()
    if now >= rescan_at or rescan_at - now > RESCAN_MS then
      rescan_at = now + RESCAN_MS
      rescan()
    end
    if now >= next_end then end_grants(now) end
    local fresh = is_fresh(now)
    if not fresh and (was_fresh or now >= cut_all_at) then
      cut_all_at = now + CUT_AGAIN_MS
      cut_all()
    end
    was_fresh = fresh
    return math.max(1, math.min(LONGEST_SLEEP_MS, next_end - now))
  end
  while true do
    local ok, result = pcall(tick)
    if not ok then core.Alert("watch failed: " .. tostring(result)) end
    core.msleep(ok and math.floor(result) or LONGEST_SLEEP_MS)
  end
end)

-- HAProxy reads public keys when a rule names them, that is at its start. Called from Lua, the converter reads its file
-- again, and every rule can use the key from then on: keys come and go without a reload, which would cut streams.
local UNVERIFIABLE <const> = "eyJhbGciOiJFUzI1NiJ9.e30." .. string.rep("A", 86)
local loaded = {}

core.register_action("load_key", { "http-req" }, function(txn)
  local file = txn:get_var("txn.key_file")
  if file and not loaded[file] then
    loaded[file] = txn.sc:jwt_verify(UNVERIFIABLE, "ES256", file) == 0
  end
end)
