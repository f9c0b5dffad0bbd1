-- Sends requests that were signed beforehand, one after the other, and counts what is not 200.
-- The file named by HEADGATE_BENCH_REQUESTS holds them: a length in bytes on a line, then the bytes.
local requests = {}
local next_one = 0
local threads = {}

function setup(thread)
    table.insert(threads, thread)
end

function init()
    local file = assert(io.open(os.getenv("HEADGATE_BENCH_REQUESTS"), "rb"))
    while true do
        local length = file:read("*n")
        if not length then break end
        file:read(1)
        table.insert(requests, file:read(length))
    end
    file:close()
    refused = 0
end

function request()
    next_one = next_one % #requests + 1
    return requests[next_one]
end

function response(status)
    if status ~= 200 then refused = refused + 1 end
end

function done(summary)
    local refused_in_all = 0
    for _, thread in ipairs(threads) do refused_in_all = refused_in_all + thread:get("refused") end
    local errors = summary.errors
    io.write(string.format("RESULT %d %d %d %d\n", summary.requests, summary.duration,
        refused_in_all, errors.connect + errors.read + errors.write + errors.timeout))
end
