// An OAuth server that is not ours (oidc-provider) on a loopback port, with its endpoints at the
// paths that vendors use, and their APIs behind it, each of which takes the tokens that it gave.
// Prints {"port": N} and then answers one JSON line for each line on standard input:
// {"make": "code"} gives a fresh authorization code, {"make": "tokens"} a ready access and refresh
// token, both for the client that "client" names; {"make": "stale"} lets every access token that an
// API has seen be too old from now on; anything else gives the requests seen so far.
import http from 'node:http';
import readline from 'node:readline';
import Provider from 'oidc-provider';

// One client shows its secret in the body, the other in a Basic header.
const [postClient, basicClient, clientSecret, redirectUri] = process.argv.slice(2);
// The provider talks on standard output, which is for answers here.
console.info = console.error;
const PATHS = new Map([
    ['/services/oauth2/token', '/token'],
    ['/oauth/tokens', '/token'],
    ['/oauth/token', '/token'],
    ['/oauth_token.do', '/token'],
    ['/identity/oauth/token', '/token'],
    ['/api/oauth.v2.access', '/token'],
]);
const SCOPE = 'openid offline_access';

// What the vendors' APIs say to whoever brings a token that the OAuth server knows, and to others.
const APIS = [
    ['/services/data/', { sobjects: '/services/data/v58.0/sobjects' },
        401, [{ message: 'Session expired or invalid', errorCode: 'INVALID_SESSION_ID' }]],
    ['/services/oauth2/userinfo', { user_id: 'user-1' }, 403, 'Bad_OAuth_Token'],
    ['/api/v2/users/', { user: { id: 4001 } }, 401, { error: 'invalid_token' }],
    ['/api/now/table/', { result: [{ name: 'incident' }] },
        401, { error: { message: 'User Not Authenticated' }, status: 'failure' }],
    ['/analytics/v3/', { kind: 'analytics#accountSummaries' },
        401, { error: { code: 401, message: 'Invalid Credentials' } }],
    ['/api/account/', { '@attributes': { stat: 'ok', version: 1 }, account: { id: 1 } },
        200, { '@attributes': { stat: 'fail', version: 1, err_code: 184 }, err: 'invalid' }],
    ['/rest/v1/', { requestId: '1#2', success: true, result: [] },
        200, { requestId: '1#2', success: false, errors: [{ code: '601', message: 'invalid' }] }],
    ['/sap/', { d: { EntitySets: [] } }, 401, {}],
    ['/workbooks/', { tables: [] }, 401, { message: 'The token is not good' }],
    ['/api/auth.test', { ok: true, url: 'https://acme.slack.com/', user_id: 'user-1' },
        200, { ok: false, error: 'invalid_auth' }],
    ['/api/conversations.list', { ok: true, channels: [] },
        200, { ok: false, error: 'invalid_auth' }],
];

// Slack says the same things as OAuth in words of its own, always with status 200.
const SLACK_ERRORS = { invalid_grant: 'invalid_code', invalid_client: 'bad_client_secret' };
function inWordsOfSlack(answer) {
    if (answer.error) return { ok: false, error: SLACK_ERRORS[answer.error] ?? answer.error };
    const { access_token, refresh_token, expires_in, scope } = answer;
    return { ok: true, app_id: 'app-1', team: { id: 'team-1' },
        authed_user: { id: 'user-1', token_type: 'user', access_token, refresh_token, expires_in,
            scope } };
}

const server = http.createServer();
await new Promise((done) => server.listen(0, '127.0.0.1', done));
const { port } = server.address();

const client = (id, method) => ({
    client_id: id,
    client_secret: clientSecret,
    redirect_uris: [redirectUri],
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
    response_types: ['code'],
    token_endpoint_auth_method: method,
});
const provider = new Provider(`http://127.0.0.1:${port}`, {
    clients: [client(postClient, 'client_secret_post'), client(basicClient, 'client_secret_basic')],
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, user_id: id }) }),
    claims: { openid: ['sub', 'user_id'] },
    features: { devInteractions: { enabled: false }, clientCredentials: { enabled: true } },
    pkce: { required: () => false },
    rotateRefreshToken: true,
    ttl: { AccessToken: 600, AuthorizationCode: 60, ClientCredentials: 600, RefreshToken: 3600,
        Grant: 3600 },
});
const asked = [];
const seen = new Set();
const stale = new Set();

async function common(clientId) {
    const grant = new provider.Grant({ accountId: 'user-1', clientId });
    grant.addOIDCScope(SCOPE);
    return { accountId: 'user-1', client: await provider.Client.find(clientId),
        grantId: await grant.save(), scope: SCOPE, gty: 'authorization_code' };
}

async function makeCode(clientId) {
    const code = new provider.AuthorizationCode({
        ...await common(clientId), redirectUri, authTime: Math.floor(Date.now() / 1000) });
    return { code: await code.save() };
}

async function makeTokens(clientId) {
    const words = await common(clientId);
    return { accessToken: await new provider.AccessToken(words).save(),
        refreshToken: await new provider.RefreshToken(words).save() };
}

async function answerApi([, good, status, bad], request, response) {
    const token = (request.headers.authorization ?? '').replace(/^Bearer /, '');
    const found = !stale.has(token) && (await provider.AccessToken.find(token)
        ?? await provider.ClientCredentials.find(token));
    seen.add(token);
    response.writeHead(found ? 200 : status, { 'content-type': 'application/json' });
    const answer = found ? good : bad;
    response.end(typeof answer === 'string' ? answer : JSON.stringify(answer));
}

// Some vendors take JSON at their token endpoint, which OAuth and this server do not.
async function formOfJson(request) {
    let text = '';
    for await (const part of request) text += part;
    request.body = JSON.parse(text);
    request.headers['content-type'] = 'application/x-www-form-urlencoded';
}

// Lets the answer through as another.
function translate(response, inOtherWords) {
    const [writeHead, end] = [response.writeHead.bind(response), response.end.bind(response)];
    response.writeHead = () => response;
    response.end = (text) => {
        const whole = JSON.stringify(inOtherWords(JSON.parse(text)));
        writeHead(200, { 'content-type': 'application/json; charset=utf-8',
            'content-length': Buffer.byteLength(whole) });
        return end(whole);
    };
}

server.on('request', async (request, response) => {
    asked.push(`${request.method} ${request.url}`);
    if (request.url === '/api/oauth.v2.access') translate(response, inWordsOfSlack);
    const api = APIS.find(([path]) => request.url.startsWith(path));
    if (api) return answerApi(api, request, response);
    if (PATHS.has(request.url)) request.url = PATHS.get(request.url);
    if (request.headers['content-type'] === 'application/json') await formOfJson(request);
    return provider.callback()(request, response);
});

console.log(JSON.stringify({ port }));
for await (const line of readline.createInterface({ input: process.stdin })) {
    const { make, client: id } = JSON.parse(line);
    let answer = { asked };
    if (make === 'code') answer = await makeCode(id);
    else if (make === 'tokens') answer = await makeTokens(id);
    else if (make === 'stale') for (const token of seen) stale.add(token);
    console.log(JSON.stringify(answer));
}
process.exit(0);
