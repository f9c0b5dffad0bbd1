// An OAuth server that is not ours (oidc-provider), strict and rate limited: each refresh token
// works once, and one that is shown again ends its grant. `PREFIX-N` is a refresh token from the
// start, for every N. Prints {"port": N}; then answers each line on standard input with what it has
// counted, and begins to count anew.
//
//     node herd_peer.mjs CLIENT-ID CLIENT-SECRET CALLS-A-SECOND
import http from 'node:http';
import readline from 'node:readline';
import Provider from 'oidc-provider';

const [clientId, clientSecret, perSecond] = process.argv.slice(2);
const TOKEN_PATH = '/services/oauth2/token';
const SCOPE = 'api offline_access';
const LIFE_S = 14 * 24 * 3600;
const FIRST_TOKEN = /^(herd|peer)-(\d{9})$/;
console.info = console.warn = console.error;

// The adapter that comes with oidc-provider forgets all but the newest thousand entries. This one
// keeps what was written, and makes the first token and grant of a number when they are asked for.
const entries = new Map();
const byGrant = new Map();
const epoch = Math.floor(Date.now() / 1000);

function firstEntry(model, id) {
    const number = id.match(FIRST_TOKEN) ?? id.match(/^grant-(herd|peer)-(\d{9})$/);
    if (!number) return undefined;
    const common = { iat: epoch, exp: epoch + LIFE_S, accountId: 'user-1', clientId, jti: id };
    if (model === 'Grant')
        return { ...common, kind: 'Grant', openid: { scope: SCOPE } };
    return model === 'RefreshToken'
        ? { ...common, kind: 'RefreshToken', grantId: `grant-${id}`, scope: SCOPE,
            gty: 'authorization_code', iiat: epoch, rotations: 0 }
        : undefined;
}

class Adapter {
    constructor(model) {
        this.model = model;
    }

    key(id) {
        return `${this.model}:${id}`;
    }

    async upsert(id, payload) {
        entries.set(this.key(id), payload);
        const { grantId } = payload;
        if (!grantId) return;
        if (!byGrant.has(grantId)) byGrant.set(grantId, []);
        byGrant.get(grantId).push(this.key(id));
    }

    async find(id) {
        const found = entries.get(this.key(id));
        return found === undefined ? firstEntry(this.model, id) : found ?? undefined;
    }

    async consume(id) {
        const entry = { ...await this.find(id), consumed: Math.floor(Date.now() / 1000) };
        await this.upsert(id, entry);
    }

    async destroy(id) {
        entries.set(this.key(id), null);
    }

    async revokeByGrantId(grantId) {
        for (const key of byGrant.get(grantId) ?? []) entries.set(key, null);
        entries.set(`Grant:${grantId}`, null);
    }
}

const server = http.createServer({ keepAliveTimeout: 60_000 });
await new Promise((done) => server.listen(0, '127.0.0.1', done));
const { port } = server.address();
const provider = new Provider(`http://127.0.0.1:${port}`, {
    adapter: Adapter,
    clients: [{ client_id: clientId, client_secret: clientSecret,
        redirect_uris: ['https://example.com/callback'], response_types: ['code'],
        grant_types: ['authorization_code', 'refresh_token'],
        token_endpoint_auth_method: 'client_secret_post' }],
    scopes: ['api', 'offline_access'],
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    features: { devInteractions: { enabled: false } },
    routes: { token: TOKEN_PATH },
    rotateRefreshToken: true,
    issueRefreshToken: async () => true,
    ttl: { AccessToken: 3600, RefreshToken: LIFE_S, Grant: LIFE_S },
});
const callback = provider.callback();

// A token bucket that holds a tenth of a second.
let left = 1;
let filledAt = performance.now();
function isAllowed() {
    const now = performance.now();
    left = Math.min(perSecond / 10, left + (now - filledAt) * perSecond / 1000);
    filledAt = now;
    if (left < 1) return false;
    left -= 1;
    return true;
}

let counts;
function countAnew() {
    counts = { renewed: 0, refused: 0, throttled: 0, first_ms: 0, last_ms: 0 };
}
countAnew();

server.on('request', (request, response) => {
    if (!isAllowed()) {
        counts.throttled += 1;
        request.resume();
        response.writeHead(429, { 'retry-after': '1', 'content-type': 'application/json' });
        response.end('{"error":"rate_limit_exceeded"}');
        return;
    }
    counts.first_ms ||= Date.now();
    response.on('finish', () => {
        counts[response.statusCode === 200 ? 'renewed' : 'refused'] += 1;
        counts.last_ms = Date.now();
    });
    callback(request, response);
});

console.log(JSON.stringify({ port }));
for await (const line of readline.createInterface({ input: process.stdin })) {
    console.log(JSON.stringify(counts));
    if (line === 'anew') countAnew();
}
process.exit(0);
