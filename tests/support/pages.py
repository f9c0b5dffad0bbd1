"""The checksum at the end of each page of a database, as src/store/sqlite/page.c puts it there.
Plain SQLite changes pages and leaves checksums that no longer fit; here they are made to."""

import struct

PAGE = 4096
RESERVE = 8
ALL = (1 << 64) - 1


def _step(lane, word):
    lane = (lane ^ word) * 0x9E3779B97F4A7C15 & ALL
    return (lane << 29 | lane >> 35) & ALL


def checksum(page, number):
    """Pages are numbered from 0."""
    words = list(struct.unpack("<511Q", page[:-RESERVE])) + [0]
    lanes = [number, 1, 2, 3]
    for at, word in enumerate(words):
        lanes[at % 4] = _step(lanes[at % 4], word)
    total = 0
    for lane in lanes:
        total = _step(total, lane)
    return struct.pack("<Q", total)


def misfits(path):
    """The pages whose checksum does not fit, by number from 0."""
    data = path.read_bytes()
    pages = [data[at:at + PAGE] for at in range(0, len(data), PAGE)]
    return [number for number, page in enumerate(pages)
            if page[-RESERVE:] != checksum(page, number)]


def mend(path):
    """After plain SQLite has changed the database of a stopped server."""
    data = bytearray(path.read_bytes())
    for number in misfits(path):
        page = data[number * PAGE:(number + 1) * PAGE]
        data[(number + 1) * PAGE - RESERVE:(number + 1) * PAGE] = checksum(page, number)
    path.write_bytes(data)
