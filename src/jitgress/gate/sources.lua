-- Judges where a request comes from, for grants that may be used from some networks only. No other request gets here.
--
-- Invariant 1: the grant's entry, without which nothing passes, is there for an address inside its networks alone. An
-- address that can't be read, or that nobody whom we trust has told, is inside none.
--
-- Addresses are compared as texts of hex digits, 8 for IPv4 and 32 for IPv6; a network is FIRST-LAST. An IPv4 address
-- inside an IPv6 one (RFC 4291, 2.5.5.2) is that IPv4 address: `jitgress.domain.sources` says the same in other words.

local trusted = (...) or "" -- the networks of the proxies in front of us

-- What a client writes is read in bounded time, and in so few steps that HAProxy doesn't interrupt us for other work
-- (after 10,000 instructions).
local MAX_PROXIES <const> = 10
local MAX_BYTES <const> = 100 -- of an address with its port, and spaces around it
local MAPPED <const> = "^00000000000000000000ffff(%x+)$"

local BYTES = {} -- "0" -> "00", "255" -> "ff": nothing with a leading zero, which would be octal to some
for number = 0, 255 do BYTES[tostring(number)] = string.format("%02x", number) end

local function ipv4(text)
  local a, b, c, d = text:match("^(%d+)%.(%d+)%.(%d+)%.(%d+)$")
  a, b, c, d = BYTES[a], BYTES[b], BYTES[c], BYTES[d]
  return a and b and c and d and a .. b .. c .. d
end

-- "1:2" -> "00010002", 2; "" -> "", 0
local function groups(text)
  local hex, count = "", 0
  if text == "" then return hex, count end
  for group in (text .. ":"):gmatch("(.-):") do
    if not group:find("^%x%x?%x?%x?$") then return nil end
    hex, count = hex .. string.rep("0", 4 - #group) .. group:lower(), count + 1
  end
  return hex, count
end

local function ipv6(text)
  local before, dotted = text:match("^(.*:)([%d.]+%.[%d.]+)$")
  if dotted then
    local hex = ipv4(dotted)
    if not hex then return nil end
    text = before .. hex:sub(1, 4) .. ":" .. hex:sub(5)
  end
  local head, tail = text:match("^(.-)::(.*)$")
  local first, first_count = groups(head or text)
  local last, last_count = groups(tail or "")
  if not first or not last then return nil end
  local missing = 8 - first_count - last_count
  if head and missing < 1 or not head and missing ~= 0 then return nil end
  local hex = first .. string.rep("0000", missing) .. last
  return hex:match(MAPPED) or hex
end

-- As proxies write it: an address, with or without a port; an IPv6 one may stand in brackets.
local function parse(text)
  local bracketed, rest = text:match("^%[(.*)%](.*)$")
  if bracketed then return (rest == "" or rest:find("^:%d+$")) and ipv6(bracketed) or nil end
  return ipv4(text:match("^([%d.]+):%d+$") or text) or ipv6(text)
end

local function is_inside(address, networks)
  for first, last in networks:gmatch("(%x+)-(%x+)") do
    if #first == #address and first <= address and address <= last then return true end
  end
  return false
end

-- Each proxy appends who it was asked by: what our own proxies appended is on the right, and all else is hearsay.
local function told_by_proxies(txn, lines)
  local address
  local asked = 0
  for number = lines, 1, -1 do
    local rest = txn.f:req_fhdr("x-forwarded-for", number)
    while rest do
      local before, last = rest:match("^(.*),([^,]*)$")
      local part = last or rest
      asked = asked + 1
      if #part > MAX_BYTES or asked > MAX_PROXIES then return nil end
      address = parse(part:match("^[ \t]*(.-)[ \t]*$"))
      if not address then return nil end
      if not is_inside(address, trusted) then return address end
      rest = before
    end
  end
  return address -- one of our own proxies has asked by itself; nil without a header
end

local function client_address(txn)
  local peer, lines = parse(txn.f:src()), txn.f:req_fhdr_cnt("x-forwarded-for")
  if peer and is_inside(peer, trusted) then return told_by_proxies(txn, lines) end
  -- Who forwards and isn't known to us is no client of ours: an ingress that nobody named would stand for all of them.
  return lines == 0 and peer or nil
end

core.register_action("judge_source", { "http-req" }, function(txn)
  txn:set_var("txn.source", "outside")
  local entry = txn:get_var("txn.bound")
  local address = client_address(txn)
  if address and is_inside(address, entry:match("^.*|(.*)$")) then
    txn:set_var("txn.source", "inside")
    txn:set_var("txn.entry", entry)
  end
end)
