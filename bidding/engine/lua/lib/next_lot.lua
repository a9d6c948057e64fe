-- Shared by the scripts that say which lot comes next.

-- Says whether the next lot's id and gap are numbers or empty: they become part of the log as they are.
local function is_next_lot(id, gap) return is_whole_or_empty(id) and is_whole_or_empty(gap) end

-- Emits LOT_NEXT and returns the state's fields for it; `opens` is when it opens by itself, or nil.
local function announce_next(id, number, title, image, opens)
  local json = 'null'
  if id ~= '' then
    json = '{"lot":' .. id .. ',"number":' .. cjson.encode(number) .. ',"title":' .. cjson.encode(title)
      .. ',"image_url":' .. (image ~= '' and cjson.encode(image) or 'null')
      .. ',"opens_at_ms":' .. whole_or_null(opens) .. '}'
  end
  emit('LOT_NEXT', '', '"next":' .. json)
  return 'next', id, 'next_json', id ~= '' and json or '', 'next_opens', opens and whole(opens) or ''
end
