// Records of the CAP server, which has no database here: CAP reads the request and writes the
// answer, and this selects what its query asks for.

const TEXTS = ['München', "L'Aquila", '北京 数据', '😀', 'two\nlines "quoted"', '', null];
const moment = (number) => new Date(Date.UTC(2020, 0, 1) + number * 7654321987).toISOString();

export const partners = Array.from({ length: 350 }, (_, number) => ({
    ID: `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`,
    name: `Partner ${number} ${TEXTS[number % 6]}`,
    rating: number % 7 ? number * 1000 - 100000 : null,
    turnover: number % 5 ? (number * 98765.43).toFixed(2) : null,
    active: [true, false, null][number % 3],
    foundedOn: number % 4 ? moment(number).slice(0, 10) : null,
    modifiedAt: moment(number),
}));

export const orders = Array.from({ length: 230 }, (_, number) => ({
    number: String(number).padStart(10, '0'),
    text: TEXTS[number % 7],
    amount: number % 9 ? number * 12.25 : null,
    orderedAt: moment(number),
    tags: number % 4 ? [TEXTS[number % 6], 'b'] : [],
    contacts: Array.from({ length: number % 3 }, (_, at) => ({ name: TEXTS[at], level: at })),
}));

const isTime = (value) => typeof value === 'string' && /^\d{4}-\d\d-\d\dT/.test(value);

// A value of a record, or of the query, as what it is compared by.
function operand(term, record) {
    const value = term.ref ? record[term.ref.at(-1)] : term.val;
    if (isTime(value)) return Date.parse(value);
    return typeof value === 'boolean' || value === null || value === undefined || value === ''
        || Number.isNaN(Number(value)) ? value ?? null : Number(value);
}

const orders_of = {
    '=': (a, b) => a === b, '!=': (a, b) => a !== b, '<>': (a, b) => a !== b,
    '<': (a, b) => a !== null && a < b, '<=': (a, b) => a !== null && a <= b,
    '>': (a, b) => a !== null && a > b, '>=': (a, b) => a !== null && a >= b,
};

// Terms with "and", "or", "not" and parentheses between them.
function holds(terms, record) {
    let at = 0;
    const either = () => {
        let is = both();
        for (; terms[at] === 'or'; is = both() || is) at++;
        return is;
    };
    const both = () => {
        let is = one();
        for (; terms[at] === 'and'; is = one() && is) at++;
        return is;
    };
    const one = () => {
        if (terms[at] === 'not') { at++; return !one(); }
        if (terms[at] === '(') { at++; const is = either(); at++; return is; }
        if (terms[at].xpr) return holds(terms[at++].xpr, record);
        const [left, operator, right] = terms.slice(at, at + 3);
        at += 3;
        return orders_of[operator](operand(left, record), operand(right, record));
    };
    return either();
}

export function select(query, records) {
    const { where, orderBy, limit } = query.SELECT;
    const found = records.filter((record) => !where || holds(where, record));
    for (const { ref, sort } of [...orderBy ?? []].reverse()) {
        const way = sort === 'desc' ? -1 : 1;
        found.sort((a, b) => way * (a[ref[0]] < b[ref[0]] ? -1 : a[ref[0]] > b[ref[0]] ? 1 : 0));
    }
    const from = limit?.offset?.val ?? 0;
    const page = found.slice(from, limit?.rows ? from + limit.rows.val : undefined);
    if (query.SELECT.count) page.$count = found.length;
    return page;
}
