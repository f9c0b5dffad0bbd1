// An authorization server that is not ours (oidc-provider) with a page for people, at the paths of
// one vendor, and that vendor's API behind it. Prints {"port": N} and then answers one JSON line
// for each line on standard input: {"issuer": TEXT} puts another `iss` into what it sends back from
// now on (null: its own again), {"hold": true} keeps token requests waiting, {"refresh": false}
// issues no refresh tokens. The answer has the requests for tokens and to authorize that were seen
// so far, and where browsers were sent back to.
import http from 'node:http';
import readline from 'node:readline';
import Provider from 'oidc-provider';

const [clientId, clientSecret, redirectUri] = process.argv.slice(2);
console.info = console.error; // the provider talks on standard output, which is for answers here
const SCOPES = ['read', 'write'];

const server = http.createServer();
await new Promise((done) => server.listen(0, '127.0.0.1', done));
const { port } = server.address();
const provider = new Provider(`http://127.0.0.1:${port}`, {
    clients: [{
        client_id: clientId,
        client_secret: clientSecret,
        redirect_uris: [redirectUri],
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        token_endpoint_auth_method: 'client_secret_post',
    }],
    scopes: SCOPES,
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    issueRefreshToken: () => refresh,
    pkce: { methods: ['S256'], required: () => true },
    rotateRefreshToken: true,
    ttl: { AccessToken: 600, AuthorizationCode: 60, RefreshToken: 3600, Grant: 3600,
        Interaction: 600, Session: 600 },
});
const tokenRequests = [];
const answers = []; // where browsers were sent back to
const requests = [];
const waiting = [];
let issuer = null;
let hold = false;
let refresh = true;

const PAGE = `<!doctype html><title>The vendor</title><h1>The vendor</h1><form method="post">
<button id="alice" name="as" value="alice">Allow as alice</button>
<button id="bob" name="as" value="bob">Allow as bob</button>
<button id="less" name="as" value="less">Allow reading only</button>
<button id="broken" name="as" value="broken">Fail</button>
<button id="refuse" name="as" value="refuse">Refuse</button></form>`;

async function bodyOf(request) {
    let text = '';
    for await (const part of request) text += part;
    return text;
}

async function grantFor(accountId, scopes) {
    const grant = new provider.Grant({ accountId, clientId });
    for (const scope of SCOPES) {
        if (scopes.includes(scope)) grant.addOIDCScope(scope);
        else grant.rejectOIDCScope(scope);
    }
    return grant.save();
}

async function interact(request, response) {
    if (request.method === 'GET') {
        response.writeHead(200, { 'content-type': 'text/html' });
        return response.end(PAGE);
    }
    const as = new URLSearchParams(await bodyOf(request)).get('as');
    if (as === 'refuse') {
        return provider.interactionFinished(request, response, { error: 'access_denied',
            error_description: 'End-User aborted interaction' });
    }
    if (as === 'broken') {
        return provider.interactionFinished(request, response, { error: 'temporarily_unavailable',
            error_description: 'Repairs, reported by xKq3vT9bLw2Zp8Rn5Yd7Hs4J' });
    }
    const accountId = as === 'less' ? 'alice' : as;
    const grantId = await grantFor(accountId, as === 'less' ? ['read'] : SCOPES);
    return provider.interactionFinished(request, response,
        { login: { accountId, remember: false }, consent: { grantId } });
}

async function tokens(request, response) {
    const given = JSON.parse(await bodyOf(request));
    tokenRequests.push({ grant: given.grant_type, code: given.code,
        verifier: given.code_verifier });
    if (hold) await new Promise((go) => waiting.push(go));
    request.body = given;
    request.headers['content-type'] = 'application/x-www-form-urlencoded';
    request.url = '/token';
    return provider.callback()(request, response);
}

async function whoami(request, response) {
    const token = (request.headers.authorization ?? '').replace(/^Bearer /, '');
    const found = await provider.AccessToken.find(token);
    response.writeHead(found ? 200 : 401, { 'content-type': 'application/json' });
    response.end(JSON.stringify(found ? { user: { id: found.accountId } }
        : { error: 'invalid_token' }));
}

// Keeps what a browser is sent back with, and puts another issuer into it.
function forge(response) {
    const writeHead = response.writeHead.bind(response);
    response.writeHead = (...words) => {
        const location = response.getHeader('location');
        if (location?.startsWith(redirectUri)) {
            const url = new URL(location);
            if (issuer) url.searchParams.set('iss', issuer);
            response.setHeader('location', url.href);
            answers.push(url.href);
        }
        return writeHead(...words);
    };
}

server.on('request', (request, response) => {
    forge(response);
    if (request.url.startsWith('/oauth/authorizations/new')) {
        requests.push(request.url);
        request.url = request.url.replace('/oauth/authorizations/new', '/auth');
    }
    if (request.url === '/oauth/tokens') return tokens(request, response);
    if (request.url.startsWith('/api/v2/users/')) return whoami(request, response);
    if (request.url.startsWith('/interaction/')) return interact(request, response);
    return provider.callback()(request, response);
});

console.log(JSON.stringify({ port }));
for await (const line of readline.createInterface({ input: process.stdin })) {
    const asked = JSON.parse(line);
    if ('issuer' in asked) issuer = asked.issuer;
    if ('hold' in asked) hold = asked.hold;
    if ('refresh' in asked) refresh = asked.refresh;
    if (!hold) waiting.splice(0).forEach((go) => go());
    console.log(JSON.stringify({ tokenRequests, answers, requests }));
}
process.exit(0);
