#!/usr/bin/env python3
"""Writes the API's model as C tables: api_tables.c and api_ids.h.

Usage: gen_api.py MODEL.json OUTPUT_DIRECTORY

Whatever the C side takes for granted about the model is checked here, so that a newer model that
breaks an assumption breaks the build, with a sentence, and not a request.
"""
import json
import os
import re
import sys

TYPES = {
    'structure': 'SHAPE_STRUCTURE', 'list': 'SHAPE_LIST', 'map': 'SHAPE_MAP',
    'string': 'SHAPE_STRING', 'boolean': 'SHAPE_BOOLEAN', 'integer': 'SHAPE_INTEGER',
    'long': 'SHAPE_LONG', 'double': 'SHAPE_DOUBLE', 'timestamp': 'SHAPE_TIMESTAMP',
}
ERRORS = {
    'ValidationException': 'ERR_VALIDATION',
    'ConflictException': 'ERR_CONFLICT',
    'ResourceNotFoundException': 'ERR_NOT_FOUND',
    'ServiceQuotaExceededException': 'ERR_QUOTA',
    'ConnectorAuthenticationException': 'ERR_CONNECTOR_AUTHENTICATION',
    'ConnectorServerException': 'ERR_CONNECTOR_SERVER',
    'AccessDeniedException': 'ERR_ACCESS_DENIED',
    'ThrottlingException': 'ERR_THROTTLING',
    'UnsupportedOperationException': 'ERR_UNSUPPORTED_OPERATION',
    'InternalServerException': 'ERR_INTERNAL',
}
LOCATIONS = {None: 'LOCATION_BODY', 'uri': 'LOCATION_PATH', 'querystring': 'LOCATION_QUERY'}
SHAPE_KEYS = {'type', 'min', 'max', 'pattern', 'enum', 'sensitive', 'members', 'member', 'key',
              'value', 'httpStatus'}
MEMBER_KEYS = {'shape', 'required', 'box', 'idempotencyToken', 'location', 'locationName'}
# Everything beneath is secret, whatever the model marks: it leaves out refresh tokens and codes.
SECRET_STRUCTURES = {'ConnectorProfileCredentials'}
MEMBERS_LIMIT = 64  # the decoder remembers which it has seen in one 64-bit word
# Java's dot stops at its line terminators, which are neither of PCRE2's sets.
JAVA_DOT = r'[^\n\r\x{85}\x{2028}\x{2029}]'


def need(condition, sentence):
    if not condition:
        sys.exit('gen_api: ' + sentence)


def code_unit(pattern, at):
    match = re.compile(r'\\u([0-9A-Fa-f]{4})').match(pattern, at)
    return int(match.group(1), 16) if match else None


def pcre2_from_java(pattern):
    """The model's patterns are Java's: the same language in PCRE2's spelling."""
    out, at, in_class = '', 0, False
    while at < len(pattern):
        unit = code_unit(pattern, at)
        if unit is not None:
            at += 6
            if 0xD800 <= unit < 0xDC00:
                low = code_unit(pattern, at)
                need(low is not None and 0xDC00 <= low < 0xE000, f'half a pair in {pattern}')
                unit = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00)
                at += 6
            out += '\\x{%X}' % unit
            continue
        char = pattern[at]
        if char == '\\':
            need(pattern[at + 1] in 'dswDSWt.-+/', f'unknown escape in {pattern}')
            out += pattern[at:at + 2]
            at += 2
            continue
        need(not (in_class and (char == '[' or pattern[at:at + 2] == '&&')),
             f'class within a class in {pattern}')
        in_class = char == '[' or (in_class and char != ']')
        out += JAVA_DOT if char == '.' and not in_class else char
        at += 1
    return out


def c_string(text):
    need(all(32 <= ord(c) < 127 for c in text), f'not printable ASCII: {text!r}')
    return '{"%s", %d}' % (text.replace('\\', '\\\\').replace('"', '\\"'), len(text))


def c_bool(value):
    return 'true' if value else 'false'


class Tables:
    def __init__(self, model):
        self.shapes = model['shapes']
        self.operations = model['operations']
        self.names = sorted(self.shapes)
        self.index = {name: i for i, name in enumerate(self.names)}
        self.patterns = []
        self.arrays = []

    def check(self):
        need(len(self.names) < 0xFFFF, 'too many shapes')
        for name, shape in self.shapes.items():
            unknown = set(shape) - SHAPE_KEYS
            need(not unknown, f'{name} has {unknown}, of which nothing is known')
            members = shape.get('members', {})
            need(len(members) <= MEMBERS_LIMIT, f'{name} has too many members')
            need(len({m.lower() for m in members}) == len(members),
                 f'{name} has members that differ only in case')
            for member, fields in members.items():
                unknown = set(fields) - MEMBER_KEYS
                need(not unknown, f'{name}.{member} has {unknown}, of which nothing is known')
                need(fields.get('locationName', member) == member, f'{name}.{member} is renamed')
            if 'pattern' in shape:
                # The pattern is only tried on a value that is not too long.
                need('max' in shape and shape['type'] == 'string', f'{name}: pattern without max')
            need(shape['type'] != 'map' or self.shapes[shape['key']]['type'] == 'string',
                 f'{name} has keys that are not strings')
        need(SECRET_STRUCTURES <= set(self.shapes), 'a secret structure is gone')

    def pattern(self, shape):
        if 'pattern' not in shape:
            return 'UINT16_MAX'
        if shape['pattern'] not in self.patterns:
            self.patterns.append(shape['pattern'])
        return str(self.patterns.index(shape['pattern']))

    def array(self, declaration, rows):
        self.arrays.append('static const %s[] = {\n%s};\n'
                           % (declaration, ''.join(f'    {row},\n' for row in rows)))

    def member_row(self, name, fields):
        return '{%s, %d, %s, %s}' % (c_string(name), self.index[fields['shape']],
                                     c_bool(fields.get('required')),
                                     LOCATIONS[fields.get('location')])

    def shape_row(self, name):
        shape, at = self.shapes[name], self.index[name]
        sensitive = shape.get('sensitive') or name in SECRET_STRUCTURES
        row = [f'.name = {c_string(name)}', f'.type = {TYPES[shape["type"]]}',
               f'.sensitive = {c_bool(sensitive)}', f'.regex = {self.pattern(shape)}']
        for bound in ('min', 'max'):
            if bound in shape:
                row += [f'.has_{bound} = true', f'.{bound} = {shape[bound]}']
        if 'pattern' in shape:
            row.append(f'.pattern = {c_string(shape["pattern"])}')
        if 'enum' in shape:
            self.array(f'struct str enum_{at}', [c_string(v) for v in shape['enum']])
            row += [f'.enum_values = enum_{at}', f'.enum_count = {len(shape["enum"])}']
        members = shape.get('members')
        if members:
            self.array(f'struct shape_member members_{at}',
                       [self.member_row(m, f) for m, f in members.items()])
            row += [f'.members = members_{at}', f'.member_count = {len(members)}']
        element = shape.get('member') or shape.get('value')
        if element:
            row.append(f'.element = {self.index[element]}')
        if 'key' in shape:
            row.append(f'.key = {self.index[shape["key"]]}')
        return '{%s}' % ', '.join(row)

    def operation_row(self, name):
        operation = self.operations[name]
        need(operation['uri'].startswith('/') and operation['uri'].count('{') <= 1,
             f'{name} has a path with more than one label')
        self.array(f'int errors_{name}', [ERRORS[e] for e in operation['errors']])
        output = operation.get('output')
        return '{%s, %s, %s, %d, %s, errors_%s, %d}' % (
            c_string(name), c_string(operation['method']), c_string(operation['uri']),
            self.index[operation['input']], self.index[output] if output else 'UINT16_MAX',
            name, len(operation['errors']))

    def tables_c(self):
        shapes = [self.shape_row(name) for name in self.names]
        operations = [self.operation_row(name) for name in sorted(self.operations)]
        lines = ['/* Written by tools/gen_api.py: the API as tables. */',
                 '#include "wire/api_ids.h"', '#include "wire/errors.h"',
                 '#include "wire/shape.h"', '', *self.arrays,
                 'const struct shape api_shapes[API_SHAPE_COUNT] = {',
                 *[f'    {row},' for row in shapes], '};',
                 'const uint16_t api_shape_count = API_SHAPE_COUNT;', '',
                 'const struct api_operation api_operations[API_OP_COUNT] = {',
                 *[f'    {row},' for row in operations], '};',
                 'const uint16_t api_operation_count = API_OP_COUNT;', '',
                 'const struct str api_regexes[API_REGEX_COUNT] = {',
                 *[f'    {c_string(pcre2_from_java(p))},' for p in self.patterns], '};']
        return '\n'.join(lines) + '\n'

    def ids_h(self):
        most = max(len(shape.get('members', {})) for shape in self.shapes.values())
        lines = ['/* Written by tools/gen_api.py: the places of shapes and operations. */',
                 '#pragma once', '', 'enum api_shape_id {',
                 *[f'    API_SHAPE_{name},' for name in self.names], '    API_SHAPE_COUNT,', '};',
                 '', 'enum api_operation_id {',
                 *[f'    API_OP_{name},' for name in sorted(self.operations)],
                 '    API_OP_COUNT,', '};', '',
                 f'enum {{ API_MEMBERS_MAX = {most}, API_REGEX_COUNT = {len(self.patterns)} }};']
        return '\n'.join(lines) + '\n'


def main():
    model_path, directory = sys.argv[1:]
    with open(model_path, encoding='utf-8') as file:
        tables = Tables(json.load(file))
    tables.check()
    outputs = {'api_tables.c': tables.tables_c(), 'api_ids.h': tables.ids_h()}
    for name, text in outputs.items():
        with open(os.path.join(directory, name), 'w', encoding='utf-8') as file:
            file.write(text)


main()
