#!/usr/bin/env python3
"""Writes JSON texts and what Python's json module says about each, for tests/unit/test_json.c.

Usage: gen_json_cases.py OUTPUT

A case is three fields, each with its length in four bytes, little endian, before it: "y" or "n" for
accepted or refused, the text, and a dump of its value that no JSON library is needed to write. The
rules that our contract adds to RFC 8259 (docs: src/wire/json.h) are applied here by other code."""
import json
import random
import struct
import sys

DEPTH_MAX = 32
MUTATIONS = 6000

WHOLE = [
    '', ' ', '\t\n\r ', 'null', 'true', 'false', '0', '-0', '-1', '1.5', '""', '"a"', '[]', '{}',
    ' [] ', '\n{}\n', '[[]]', '[{}]', '{"a":{}}', '{"a":[]}', '[1]', '[1,2,3]', '[null]',
    '[true,false]', '{"a":null}', '{"a":null,"b":1}', '{"a":1,"b":2}', '{"":1}',
    '{"":{"":[{"":0}]}}', '[1,[2,[3]]]', '{"a" : 1 , "b" : [ 1 , 2 ] }', '[\n1,\n2\n]',
    '{\r\n\t"a":\r\n\t1\r\n}', '[1 ]', '[ 1]', 'tru', 'nul', 'True', 'NULL', 'nan', 'NaN',
    'Infinity', '-Infinity', '[NaN]', '[-Infinity]', 'undefined', '\x0b[]', '\x0c[]', '\u00a0[]',
    '\u2028[]', '\ufeff{}', '[]\x00', '[]x', '[] []', '{}{}', '[],', ',[]', '1 2', '"a""b"',
    '[1,]', '[,1]', '[1,,2]', '[,]', '[1 2]', '[1;2]', '{,}', '{"a":1,}', '{,"a":1}', '{"a"}',
    '{"a":}', '{"a",1}', '{"a":1 "b":2}', '{"a":1,,"b":2}', '{a:1}', "{'a':1}", "['a']", '{1:1}',
    '{null:1}', '{"a":1', '{"a":', '{"a"', '{"a', '{"', '{', '[', '[1', '[1,', '["', '["a', '["a"',
    '["a",', ']', '}', ':', ',', '[}', '{]', '[1}', '{"a":1]', '[[]', '[]]', '{}}', '{{}}', '[{]}',
    '// c\n[]', '[] // c', '/* c */[]', '[1/**/]', '# c\n[]', '[`a`]', '[\'\']', '[\\]',
    '[\\u0031]', '\\u005b]', '[a', '[*]', '&', '<x/>', '%5B%5D',
]
NUMBERS = [
    '0', '-0', '1', '-1', '9', '10', '123456789', '0.0', '-0.0', '0.5', '-0.5', '1.0', '1.25',
    '100.001', '1e0', '1e1', '1E1', '1e+1', '1e-1', '1E+1', '1E-1', '1.5e3', '1.5E-3', '0e0',
    '0e1', '0e100', '0e999999', '-0e5', '0.0e-300', '1e22', '1e23', '1e-22', '1e-23', '1e308',
    '1.7976931348623157e308', '1.7976931348623158e308', '1.7976931348623159e308', '1e309',
    '-1e309', '1e400', '1e99999', '2.2250738585072014e-308', '2.2250738585072011e-308', '4.9e-324',
    '2.4703282292062327e-324', '2.4703282292062328e-324', '1e-324', '1e-400', '1e-99999',
    '9007199254740992', '9007199254740993', '9007199254740993.0', '0.1', '0.2', '0.3',
    '123456789012345678', '1234567890123456789', '9223372036854775807', '9223372036854775808',
    '-9223372036854775808', '-9223372036854775809', '18446744073709551615', '18446744073709551616',
    '99999999999999999999', '-99999999999999999999', '123456789012345678901234567890', '1e19',
    '9.3e18', '123456789012345678901234567890.5', '0.1234567890123456789012345678901234567890',
    '1' + '0' * 400, '0.' + '0' * 400 + '1', '1' + '0' * 300 + 'e-300', '0' * 2, '00', '01', '-01',
    '-00', '00.5', '-', '--1', '+1', '+0', '.5', '-.5', '5.', '-5.', '5.e1', '0.e1', '1e', '1e+',
    '1e-', '1.e', '1.5e', '1e1.5', '1e1e1', '1.2.3', '0x10', '0b1', '0o7', '1_000', '1,000',
    '1 000', '1a', '1-', '1+1', '- 1', '-a', 'e1', '1E', '\uff11', '\u0661', '1\u0660', '123\x00',
    '1\x00', '8.5e-320', '3.3621e-4932', '72057594037927945.5',
    '17' + '9' * 90 + 'e250',
]
STRINGS = [
    'a', 'é', '€', '😀', '\\u00e9', '\\u20AC', '\\ud83d\\ude00', '\\uD83D\\uDE00', '\\u0061',
    '\\u0000', 'a\\u0000b', '\\u0001', '\\u001f', '\\u007f', '\\uffff', '\\ufffe', '\\ud7ff',
    '\\ue000', '\\ud800', '\\udbff', '\\udc00', '\\udfff', '\\ud800a', '\\ud800\\u0041',
    '\\ud800\\ud800', '\\udc00\\ud800', '\\ud83d\\ude0', '\\ud83d\\', '\\ud83d\\u', '\\ud83d\\n',
    '\\ud83dx', '\\u', '\\u0', '\\u00', '\\u000', '\\u000g', '\\u 041', '\\u-041', '\\U0041',
    '\\x41', '\\a', '\\v', '\\0', '\\e', "\\'", '\\ ', '\\', '\\\\', '\\"', '\\/',
    '\\b\\f\\n\\r\\t', '\\\n', '\n', '\r', '\t', '\x00', '\x01', '\x1f', '\x7f', '\x80', '\u2028',
    '\u2029', '\ufeff', '\ufffd', '\U0010ffff', '/', "'", 'a"b', '{"a":1}', '[', ']', ',', ':',
    ' ', 'a' * 15, 'a' * 16, 'a' * 17, 'é' * 40, 'a\\nb' * 30, 'a' * 63 + '\\u00e9',
    'a' * 200 + '\\ud83d\\ude00' + 'b' * 200, '\\\\u0041', '\\\\\\u0041', '\\u005c', '\\u0022',
]
BYTES = [
    b'\x80', b'\xbf', b'\xc0\x80', b'\xc1\xbf', b'\xc2', b'\xc2\x80', b'\xc2 ', b'\xdf\xbf',
    b'\xe0\x80\x80', b'\xe0\x9f\xbf', b'\xe0\xa0\x80', b'\xe2\x82', b'\xe2\x82\xac', b'\xe2(\xac',
    b'\xed\x9f\xbf', b'\xed\xa0\x80', b'\xed\xbf\xbf', b'\xed\xa0\xbd\xed\xb8\x80',
    b'\xee\x80\x80', b'\xef\xbf\xbf', b'\xf0\x80\x80\x80', b'\xf0\x8f\xbf\xbf',
    b'\xf0\x90\x80\x80', b'\xf0\x9f\x98\x80', b'\xf0\x9f\x98', b'\xf4\x8f\xbf\xbf',
    b'\xf4\x90\x80\x80', b'\xf5\x80\x80\x80', b'\xf8\x88\x80\x80\x80', b'\xfe', b'\xff',
    b'\xff\xfe', b'\xfe\xff', b'a\xc3\xa9\xff', b'\xe9', b'a' * 31 + b'\xff',
    b'\xc3\xa9' * 20 + b'\xc3',
]
NAMES = [
    '{"a":1,"a":1}', '{"a":1,"b":2,"a":3}', '{"a":null,"a":null}', '{"a":1,"\\u0061":2}',
    '{"é":1,"\\u00e9":2}', '{"a":1,"A":2}', '{"":1,"":2}', '{"a":{"a":1}}', '{"a":{"b":1,"b":2}}',
    '[{"a":1},{"a":1}]', '{"ab":1,"ba":2}', '{"a":[{"x":1,"y":2},{"x":1,"x":2}]}',
    '{"a\\u0000":1}', '{"\\u0000":1,"\\u0000":2}', '{"aaaaaaaab":1,"aaaaaaaac":2}',
    '{"constructor":1,"__proto__":2}',
]
PIECES = [b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b"0", b"-", b".", b"e", b"\x00", b"\x80",
          b" ", b"\n", b"null", b"\\u", b"\\ud8", b"1e9"]


class Refused(Exception):
    pass


def unique(pairs):
    if len({name for name, _ in pairs}) != len(pairs):
        raise Refused
    return dict(pairs)


def no_constant(_):
    raise Refused


def dump(value, depth=1):
    """The value in a form of its own; null members are absent, as json_parse leaves them out."""
    if value is None:
        return b"n"
    if isinstance(value, bool):
        return b"t" if value else b"f"
    if isinstance(value, int):
        if not -2**63 <= value < 2**63:
            raise Refused
        return b"i%d;" % value
    if isinstance(value, float):
        if value in (float("inf"), float("-inf")):
            raise Refused
        return b"d" + struct.pack(">d", value).hex().encode()
    if isinstance(value, str):
        return dump_text(value)
    if depth > DEPTH_MAX:
        raise Refused
    if isinstance(value, list):
        return b"[" + b"".join(dump(item, depth + 1) for item in value) + b"]"
    items = [(dump_text(name), item, dump(item, depth + 1)) for name, item in value.items()]
    return b"{" + b"".join(name + text for name, item, text in items if item is not None) + b"}"


def dump_text(text):
    try:
        data = text.encode()
    except UnicodeEncodeError:  # a lone surrogate
        raise Refused from None
    if "\0" in text:
        raise Refused
    return b"s%d:" % len(data) + data


def judged(text):
    try:
        value = json.loads(text.decode(), object_pairs_hook=unique, parse_constant=no_constant)
        return b"y", text, dump(value)
    except (Refused, ValueError, RecursionError):
        return b"n", text, b""


def in_places(text):
    """Alone, in a list and as a member, since a parser has a path for each."""
    return [text, b"[" + text + b"]", b'{"a":' + text + b"}", b'[1,{"b":' + text + b',"c":2}]',
            b"[\n  " + text + b",\n  " + text + b"\n]"]


def many_names(count, again=None):
    names = [f"name-{number * 7919 % 10007}" for number in range(count)]
    if again is not None:
        names.append(names[again])
    members = ",".join(f'"{name}":{number}' for number, name in enumerate(names))
    return b"{" + members.encode() + b"}"


def built():
    for depth in (1, 2, DEPTH_MAX - 1, DEPTH_MAX, DEPTH_MAX + 1, 100, 100000):
        yield b"[" * depth + b"]" * depth
        yield b'{"a":' * depth + b"1" + b"}" * depth
        yield b'[{"a":' * (depth // 2) + b"1" + b"}]" * (depth // 2)
        yield b"[" * depth
    yield b"[" + b"[],{}," * 200 + b"[[]]]"
    for count in (2, 3, 63, 64, 65, 66, 200, 2000):
        yield many_names(count)
        for again in (0, count // 2, count - 1):
            yield many_names(count, again)
    yield b"[" + b",".join(b"%d" % number for number in range(20000)) + b"]"
    yield b'"' + b"x" * 100000 + b'"'
    yield b" " * 5000 + b"[1]" + b"\n" * 5000


def seeds():
    yield from (text.encode() for text in WHOLE + NAMES)
    for text in NUMBERS:
        yield from in_places(text.encode())
    for text in STRINGS:
        yield from in_places(b'"' + text.encode() + b'"')
        yield b'{"' + text.encode() + b'":1}'
    for text in BYTES:
        yield from in_places(b'"' + text + b'"')
        yield b'{"' + text + b'":1}'
        yield text


def mutated(source, texts):
    """Small faults in good texts: a byte changed, lost, doubled, a piece of another text inside."""
    text = bytearray(source.choice(texts))
    for _ in range(source.randint(1, 3)):
        at = source.randint(0, len(text))
        way = source.randrange(4)
        if way == 0:
            del text[at:at + source.randint(1, 4)]
        elif way == 1:
            text[at:at] = source.choice(PIECES)
        elif way == 2:
            text[at:at + 1] = bytes([source.randrange(256)])
        else:
            other = source.choice(texts)
            begin = source.randint(0, len(other))
            text[at:at] = other[begin:begin + source.randint(1, 12)]
    return bytes(text)


def main():
    source = random.Random(20200823)
    small = list(seeds())
    texts = small + list(built()) + [mutated(source, small) for _ in range(MUTATIONS)]
    with open(sys.argv[1], "wb") as output:
        for text in texts:
            for field in judged(text):
                output.write(struct.pack("<I", len(field)) + field)


if __name__ == "__main__":
    main()
