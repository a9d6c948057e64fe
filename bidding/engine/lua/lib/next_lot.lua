-- Shared by the scripts that say which lot comes next.

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
