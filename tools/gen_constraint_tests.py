#!/usr/bin/env python3
"""Writes a test case for each side of every constraint of every operation's input.

Usage: gen_constraint_tests.py MODEL.json OUTPUT

A case is a record: operation, method, target, what it shows, outcome, expected text, body. The last
record says how many there are. Fields end with the ASCII unit separator, records with the record
separator, since both blanks and line breaks are among the values.

Expected messages are worked out here, by other code than the server's, and compared whole. A
constraint that no value can reach the bound of, or be past, must stand in UNREACHABLE with its
reason, or this program fails: nothing is left out in silence.
"""
import json
import re
import sys
from urllib.parse import quote

# Of each pattern: how its shortest value starts, what may follow any number of times, and a miss.
PATTERNS = {
    r'\S+': ('x', 'x', 'a b'),
    r'.*': ('', 'x', 'a\nb'),
    r'.+': ('x', 'x', 'a\nb'),
    r'[ -~]+': ('x', 'x', '\x7f'),
    r'[\w]+': ('x', 'x', 'a-b'),
    r'[\w/-]+': ('x', 'x', 'a b'),
    r'[\w/!@#+=.-]+': ('x', 'x', 'a b'),
    r'[a-zA-Z0-9][\w!@#.-]+': ('xx', 'x', '-x'),
    r'[\w!@#\-.?,\s]*': ('', 'x', 'a/b'),
    r'[\s\w/!@#+=.-]*': ('', 'x', 'a,b'),
    r'[\s\w/!@#+=,.-]*': ('', 'x', 'a;b'),
    r'[\s\w_-]+': ('x', 'x', 'a/b'),
    r'[\s\w+-=\.:/@]*': ('', 'x', 'a!b'),
    r'^(?!aws:)[a-zA-Z+-=._:/]+$': ('x', 'x', 'aws:x'),
    r'^[a-zA-Z0-9_]*$': ('', 'x', '-'),
    r'^\d{3}$': ('123', '4', '12x'),
    r'^$|com.amazonaws.vpce.[\w/!:@#.\-]+': ('com.amazonaws.vpce.x', 'x', 'com.amazonaws.vpce.'),
    r'^(upsolver-appflow)\S*': ('upsolver-appflow', 'x', 'Upsolver-appflow'),
    r'^([a-zA-Z0-9_=]+)\.([a-zA-Z0-9_=]+)\.([a-zA-Z0-9_\-\+\/=]*)': ('a.b.', 'c', 'a.b'),
    r'^(https?)://[-a-zA-Z0-9+&@#/%?=~_|!:,.;]*[-a-zA-Z0-9+&@#/%=~_|]':
        ('https://x', 'x', 'ftp://x'),
    r'^(https?|ftp|file)://[-a-zA-Z0-9+&@#/%?=~_|!:,.;]*[-a-zA-Z0-9+&@#/%=~_|]':
        ('file://x', 'x', 'gopher://x'),
    r'[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF\t]*': ('', 'x', '\n'),
    r'arn:aws:.*:.*:[0-9]+:.*': ('arn:aws:a:r:1:', 'x', 'arn:aws:a:r:x:x'),
    r'arn:aws:appflow:.*:[0-9]+:.*': ('arn:aws:appflow:r:1:', 'x', 'arn:aws:other:r:1:x'),
    r'arn:aws:iam:.*:[0-9]+:.*': ('arn:aws:iam:r:1:', 'x', 'arn:aws:other:r:1:x'),
    r'arn:aws:kms:.*:[0-9]+:.*': ('arn:aws:kms:r:1:', 'x', 'arn:aws:other:r:1:xxxxxx'),
    r'arn:aws:secretsmanager:.*:[0-9]+:.*':
        ('arn:aws:secretsmanager:r:1:', 'x', 'arn:aws:other:r:1:xxxxxx'),
}
# Java joins the halves of a pair in a class, which Python's expressions do not.
PYTHON_SPELLING = {r'\uD800\uDC00-\uDBFF\uDFFF': '\\U00010000-\\U0010FFFF'}

UNREACHABLE = {
    ('min 0', 'past'): 'no length is negative',
    ('ClientCredentialsArn min 20', 'at'): 'its pattern needs at least 27 characters',
    ('ARN required', 'past'): 'a path without its label has no route; a case shows it',
    ('ARN type', 'past'): 'a path holds nothing but text',
    ('TagKeyList type', 'past'): 'a query holds nothing but text',
    ('TagKeyList min 0', 'at'): 'a query without the key is a missing member; a case shows it',
    ('TagKey type', 'past'): 'a query holds nothing but text',
    ('TagKey null', 'past'): 'a query holds nothing but text',
}
SECRET_STRUCTURES = {'ConnectorProfileCredentials'}
VALUE_SHOWN_MAX = 200
TYPE_WORDS = {'structure': 'an object', 'map': 'an object', 'list': 'a list',
              'string': 'a string', 'boolean': 'a boolean', 'integer': 'a 32-bit integer',
              'long': 'a 64-bit integer', 'double': 'a number',
              'timestamp': 'a time in seconds since 1970'}
ABSENT = object()
FAR_ENOUGH = 10000  # longer than any bound on a string


def shown(value):
    if value is ABSENT or value is None:
        return 'null'
    if isinstance(value, list):
        return '[' + ', '.join(shown(v) for v in value) + ']'
    if isinstance(value, dict):
        return '{' + ', '.join(f'{k}={shown(v)}' for k, v in sorted(value.items())) + '}'
    return str(value)


def cut(text):
    data = text.encode()
    if len(data) <= VALUE_SHOWN_MAX:
        return text
    return data[:VALUE_SHOWN_MAX].decode(errors='ignore') + '…'


def compact(value):
    return json.dumps(value, ensure_ascii=False, separators=(',', ':'))


def is_absent(shape, fields, value):
    return value is None or (value == '' and shape['type'] == 'string'
                             and not fields.get('required'))


class Place:
    """Where a value goes: how it is wrapped into a whole input, and what it is called there."""

    def __init__(self, wrap, path=(), secret=False, optional=False, bound=None, group=None):
        self.wrap, self.path, self.secret = wrap, path, secret
        self.optional = optional  # a member that "" means the absence of
        self.bound = bound        # 'uri' or 'querystring'
        self.group = group        # of an element: (words, its whole collection from a value)

    def name(self):
        return '.'.join(part[:1].lower() + part[1:] for part in self.path)


class Generator:
    def __init__(self, model):
        self.model, self.shapes = model, model['shapes']
        self.records, self.used, self.constraints = [], set(), set()
        self.operation = None

    # --- values ---

    def matches(self, shape, text):
        pattern = shape['pattern']
        for java, python in PYTHON_SPELLING.items():
            pattern = pattern.replace(java, python)
        return re.fullmatch(pattern, text, re.ASCII) is not None

    def text(self, shape, length=None, filler=None):
        """A value of a string shape that is right; None when none of that length is."""
        if 'enum' in shape:
            return shape['enum'][0]
        prefix, fill, _ = PATTERNS[shape['pattern']] if 'pattern' in shape else ('x', 'x', None)
        if length is None:
            length = max(len(prefix), shape.get('min', 0), 1)
        value = prefix + (filler or fill) * (length - len(prefix))
        right = len(value) == length and ('pattern' not in shape or self.matches(shape, value))
        return value if right else None

    def minimal(self, name):
        shape = self.shapes[name]
        kind = shape['type']
        if kind == 'structure':
            return {m: self.minimal_member(f) for m, f in shape['members'].items()
                    if f.get('required')}
        if kind in ('list', 'map'):
            return [] if kind == 'list' else {}
        if kind == 'string':
            return self.text(shape)
        return False if kind == 'boolean' else shape.get('min', 1)

    def minimal_member(self, fields):
        """An empty list in a query would be no member at all."""
        value = self.minimal(fields['shape'])
        if value == [] and fields.get('location') == 'querystring':
            value = [self.minimal(self.shapes[fields['shape']]['member'])]
        return value

    # --- what the server is to say ---

    def words(self, shape, which):
        unit = 'value' if shape['type'] in ('integer', 'long') else 'length'
        if which == 'max':
            return f'Member must have {unit} less than or equal to {shape["max"]}'
        if which == 'min':
            return f'Member must have {unit} greater than or equal to {shape["min"]}'
        if which == 'pattern':
            return f'Member must satisfy regular expression pattern: {shape["pattern"]}'
        if which == 'enum':
            return f'Member must satisfy enum value set: [{", ".join(shape["enum"])}]'
        return 'Member must not be null'

    def broken(self, shape, value):
        if value is ABSENT or value is None:
            return ['null']
        size = value if isinstance(value, int) else len(value)
        broken = ['max'] if 'max' in shape and size > shape['max'] else []
        broken += ['min'] if 'min' in shape and size < shape['min'] else []
        if 'pattern' in shape and 'max' not in broken and not self.matches(shape, value):
            broken.append('pattern')
        return broken + (['enum'] if 'enum' in shape and value not in shape['enum'] else [])

    def sentences(self, shape, place, value):
        broken = self.broken(shape, value)
        told = value
        texts = [self.words(shape, which) for which in broken]
        if place.group and broken:
            kind, collection = place.group
            told = collection(value)
            asked = [w for w in ('max', 'min', 'pattern', 'enum') if w in shape]
            asked += ['null'] if broken == ['null'] else []
            texts = [f'{kind} must satisfy constraint: '
                     f'[{", ".join(self.words(shape, w) for w in asked)}]']
        secret = place.secret and told is not ABSENT and told is not None
        value_text = cut(shown(told))
        subject = 'Value' if secret else 'Value ' + (
            'null' if told is ABSENT or told is None else f"'{value_text}'")
        return [f"{subject} at '{place.name()}' failed to satisfy constraint: {t}" for t in texts]

    def encoded(self, name, value):
        """As the server writes what it has decoded: the model's order, sorted maps, no blanks."""
        shape = self.shapes[name]
        kind = shape['type']
        if kind == 'structure':
            members = {m: f for m, f in shape['members'].items() if m in value
                       and not is_absent(self.shapes[f['shape']], f, value[m])}
            return '{%s}' % ','.join(f'{compact(m)}:{self.encoded(f["shape"], value[m])}'
                                     for m, f in members.items())
        if kind == 'map':
            return '{%s}' % ','.join(f'{compact(k)}:{self.encoded(shape["value"], value[k])}'
                                     for k in sorted(value))
        if kind == 'list':
            return '[%s]' % ','.join(self.encoded(shape['member'], v) for v in value)
        return f'{value}.000' if kind == 'timestamp' else compact(value)

    # --- records ---

    def record(self, label, outcome, expected, whole):
        operation = self.model['operations'][self.operation]
        target, query, body = operation['uri'], [], {}
        for member, value in whole.items():
            fields = self.shapes[operation['input']]['members'].get(member, {})
            location = fields.get('location')
            if location == 'uri':
                target = target.replace('{%s}' % member, quote(value, safe=''))
            elif location == 'querystring':
                query += [f'{member}={quote(v, safe="")}' for v in value]
            else:
                body[member] = value
        target = re.sub(r'\{\w+\}', '', target) + ('?' + '&'.join(query) if query else '')
        body = json.dumps(body, ensure_ascii=False) if operation['method'] == 'POST' else ''
        fields = [self.operation, operation['method'], target, label, outcome, expected, body]
        self.records.append(fields)

    def accept(self, label, place, value):
        whole = place.wrap(value)
        name = self.model['operations'][self.operation]['input']
        self.record(label, 'accept', self.encoded(name, whole), whole)

    def refuse(self, label, shape, place, value):
        sentences = self.sentences(shape, place, value)
        assert sentences, f'{label}: nothing is wrong with {value!r}'
        many = '' if len(sentences) == 1 else 's'
        self.record(label, 'refuse', f'{len(sentences)} validation error{many} detected: '
                  + '; '.join(sentences), place.wrap(value))

    def unreachable(self, constraint, side):
        known = (constraint, side)
        if known not in UNREACHABLE:
            sys.exit(f'{self.operation}: no case for {constraint}, {side} the bound')
        self.used.add(known)

    # --- the cases of one place ---

    def both_sides(self, name, which, place, at, past):
        """`at` is right and at the bound, `past` is one past it; None when there is no such."""
        shape = self.shapes[name]
        label = f'{name} {which} {shape.get(which, "")}'.strip()
        self.constraints.add((self.operation, place.name(), label))
        if at is None:
            self.unreachable(label, 'at')
        else:
            self.accept(f'{label} at {place.name()}', place, at)
        if past is None:
            self.unreachable('min 0' if which == 'min' and not shape['min'] else label, 'past')
        elif past == '' and place.optional:
            self.accept(f'{label}: "" is absent at {place.name()}', place, past)
        else:
            self.refuse(f'{label} past at {place.name()}', shape, place, past)

    def string_cases(self, name, place):
        shape = self.shapes[name]
        for which, step in (('max', 1), ('min', -1)):
            if which not in shape:
                continue
            bound = shape[which]
            prefix, fill, _ = PATTERNS[shape['pattern']]
            past = (prefix + fill * FAR_ENOUGH)[:bound + step] if bound + step >= 0 else None
            self.both_sides(name, which, place, self.text(shape, bound), past)
        wide = self.text(shape, shape['max'], '😀') if 'max' in shape else None
        if wide and '😀' in wide:  # a length is not bytes, nor halves of pairs
            self.accept(f'{name} max in code points at {place.name()}', place, wide)
        if 'pattern' in shape:
            self.both_sides(name, 'pattern', place, self.text(shape),
                            PATTERNS[shape['pattern']][2])
        for value in shape.get('enum', []):
            self.both_sides(name, 'enum', place, value, 'no' + value)

    def number_cases(self, name, place):
        shape = self.shapes[name]
        for which, step in (('max', 1), ('min', -1)):
            if which in shape:
                self.both_sides(name, which, place, shape[which], shape[which] + step)

    def list_cases(self, name, place):
        shape = self.shapes[name]
        element = self.shapes[shape['member']]
        one = self.minimal(shape['member'])
        if 'max' in shape:
            self.both_sides(name, 'max', place, [one] * shape['max'], [one] * (shape['max'] + 1))
        if 'min' in shape:
            assert shape['min'] == 0
            self.both_sides(name, 'min', place, None if place.bound else [], None)
        secret = place.secret or element.get('sensitive', False)
        if element['type'] == 'structure':
            inner = Place(lambda v: place.wrap([v]), place.path + ('1.member',), secret)
        else:
            inner = Place(lambda v: place.wrap([v]), place.path, secret, bound=place.bound,
                          group=('Member', lambda v: [v]))
        self.null_case(shape['member'], inner)
        self.cases(shape['member'], inner)

    def map_cases(self, name, place):
        shape = self.shapes[name]
        key, value = self.shapes[shape['key']], self.shapes[shape['value']]
        a_key, a_value = self.minimal(shape['key']), self.minimal(shape['value'])
        if 'max' in shape:
            many = {f'x{chr(97 + i // 26)}{chr(97 + i % 26)}': a_value
                    for i in range(shape['max'] + 1)}
            fewer = dict(list(many.items())[:-1])
            self.both_sides(name, 'max', place, fewer, many)
        if 'min' in shape:
            assert shape['min'] == 0
            self.both_sides(name, 'min', place, {}, None)
        secret = place.secret or key.get('sensitive', False) or value.get('sensitive', False)
        inner = Place(lambda v: place.wrap({a_key: v}), place.path, secret,
                      group=('Map value', lambda v: {a_key: v}))
        self.null_case(shape['value'], inner)
        self.cases(shape['value'], inner)
        self.string_cases(shape['key'], Place(
            lambda v: place.wrap({v: a_value}), place.path, secret,
            group=('Map keys', lambda v: {v: a_value})))

    def null_case(self, name, place):
        if place.bound:
            self.unreachable(f'{name} null', 'past')
            return
        self.refuse(f'{name} null at {place.name()}', self.shapes[name], place, None)

    def structure_cases(self, name, place):
        minimal = self.minimal(name)
        for member, fields in self.shapes[name]['members'].items():
            shape = self.shapes[fields['shape']]
            inner = Place(
                lambda v, m=member: place.wrap(
                    {k: x for k, x in {**minimal, m: v}.items() if x is not ABSENT}),
                place.path + (member,),
                place.secret or shape.get('sensitive', False) or
                fields['shape'] in SECRET_STRUCTURES,
                not fields.get('required'), fields.get('location'))
            if fields.get('required'):
                self.required_cases(fields['shape'], inner)
            self.cases(fields['shape'], inner)

    def required_cases(self, name, place):
        self.constraints.add((self.operation, place.name(), 'required'))
        if place.bound == 'uri':
            self.unreachable(f'{name} required', 'past')
            self.record(f'no label at {place.name()}', 'unknown',
                      'There is no operation with this method and path.', place.wrap(ABSENT))
            return
        self.refuse(f'required at {place.name()}', self.shapes[name], place, ABSENT)
        if not place.bound:
            self.refuse(f'required, null at {place.name()}', self.shapes[name], place, None)

    def type_cases(self, name, place):
        shape = self.shapes[name]
        if place.bound:
            self.unreachable(f'{name} type', 'past')
            return
        at = place.name()
        if place.group:
            at += '.1.member' if place.group[0] == 'Member' else '.value'
        self.accept(f'{name} type at {place.name()}', place, self.minimal(name))
        wrong = [(True, 'a boolean') if shape['type'] != 'boolean' else (1, 'a number'),
                 ('text', 'a string') if shape['type'] != 'string' else (7, 'a number'),
                 ([], 'a list') if shape['type'] != 'list' else ({}, 'an object')]
        if shape['type'] in ('integer', 'long'):
            wrong += [(1.5, 'a number'), (2 ** 31 if shape['type'] == 'integer' else 2.0 ** 63,
                                          'a number')]
        for value, is_a in wrong:
            self.record(f'{name} type at {place.name()}', 'mistyped',
                      f"Value at '{at}' must be {TYPE_WORDS[shape['type']]}, but is {is_a}.",
                      place.wrap(value))

    def cases(self, name, place):
        kind = self.shapes[name]['type']
        self.type_cases(name, place)
        if kind == 'structure':
            self.structure_cases(name, place)
        elif kind == 'list':
            self.list_cases(name, place)
        elif kind == 'map':
            self.map_cases(name, place)
        elif kind == 'string':
            self.string_cases(name, place)
        elif kind in ('integer', 'long'):
            self.number_cases(name, place)

    def run(self):
        for self.operation, operation in self.model['operations'].items():
            name = operation['input']
            place = Place(lambda v: v)
            self.accept('minimal', place, self.minimal(name))
            self.structure_cases(name, place)
        unused = set(UNREACHABLE) - self.used
        if unused:
            sys.exit(f'these can be reached, so they must not be excused: {unused}')


def main():
    model_path, output_path = sys.argv[1:]
    with open(model_path, encoding='utf-8') as file:
        generator = Generator(json.load(file))
    generator.run()
    records = generator.records
    records += [['unreachable', f'{constraint}, {side} the bound', reason]
                for (constraint, side), reason in UNREACHABLE.items()]
    records.append(['end', str(len(records)), str(len(generator.constraints))])
    with open(output_path, 'w', encoding='utf-8', newline='') as file:
        file.writelines(''.join(field + '\x1f' for field in r) + '\x1e' for r in records)


main()
