#!/usr/bin/env python3
"""Compiles files into the binary: writes a C source with their bytes.

embed.py OUT.c ARRAY NAME=PATH... defines `const struct embedded_file ARRAY[]` and ARRAY_count.
JSON is written without the blanks between its tokens, and refused when an object has a name twice.
"""
import json
import sys

BYTES_PER_LINE = 24


def refuse_twice(pairs):
    names = [name for name, _ in pairs]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ValueError(f"twice in one object: {', '.join(sorted(twice))}")
    return dict(pairs)


def content(path):
    with open(path, "rb") as file:
        data = file.read()
    if not path.endswith(".json"):
        return data
    try:
        value = json.loads(data, object_pairs_hook=refuse_twice)
    except ValueError as problem:
        sys.exit(f"{path}: {problem}")
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def literal(data):
    lines = [data[at:at + BYTES_PER_LINE] for at in range(0, len(data), BYTES_PER_LINE)]
    return "\n".join('    "' + "".join(f"\\{byte:03o}" for byte in line) + '"' for line in lines)


def main(out, array, *files):
    with open(out, "w", encoding="ascii") as source:
        source.write('#include "base/embedded.h"\n\n')
        source.write(f"extern const struct embedded_file {array}[];\n")
        source.write(f"extern const size_t {array}_count;\n\n")
        source.write(f"const struct embedded_file {array}[] = {{\n")
        for file in files:
            name, path = file.split("=", 1)
            source.write(f'{{STR("{name}"), STR(\n{literal(content(path))})}},\n')
        source.write(f"}};\nconst size_t {array}_count = {len(files)};\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
