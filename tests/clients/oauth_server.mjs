// An OAuth server that is not ours (oidc-provider) on a loopback port, with its endpoints at the
// paths that a vendor uses. Prints {"port": N} and then answers one JSON line for each line on
// standard input: {"make": "code"} gives a fresh authorization code,
// {"make": "tokens"} a ready access and refresh token, anything else the requests seen so far.
import http from 'node:http';
import readline from 'node:readline';
import Provider from 'oidc-provider';

const [clientId, clientSecret, redirectUri] = process.argv.slice(2);
// The provider talks on standard output, which is for answers here.
console.info = console.error;
const PATHS = new Map([
    ['/services/oauth2/token', '/token'],
    ['/services/oauth2/userinfo', '/me'],
    ['/oauth/tokens', '/token'],
    ['/oauth_token.do', '/token'],
    ['/identity/oauth/token', '/token'],
]);
// What the vendors' APIs say to whoever brings a token that the OAuth server knows, and to others.
const APIS = [
    ['/services/data/', { sobjects: '/services/data/v58.0/sobjects' },
        401, [{ message: 'Session expired or invalid', errorCode: 'INVALID_SESSION_ID' }]],
    ['/api/now/table/', { result: [{ name: 'incident' }] },
        401, { error: { message: 'User Not Authenticated' }, status: 'failure' }],
    ['/analytics/v3/', { kind: 'analytics#accountSummaries' },
        401, { error: { code: 401, message: 'Invalid Credentials' } }],
    ['/api/account/', { '@attributes': { stat: 'ok', version: 1 }, account: { id: 1 } },
        200, { '@attributes': { stat: 'fail', version: 1, err_code: 184 }, err: 'invalid' }],
    ['/rest/v1/', { requestId: '1#2', success: true, result: [] },
        200, { requestId: '1#2', success: false, errors: [{ code: '601', message: 'invalid' }] }],
];
const SCOPE = 'openid offline_access';

const server = http.createServer();
await new Promise((done) => server.listen(0, '127.0.0.1', done));
const { port } = server.address();

const provider = new Provider(`http://127.0.0.1:${port}`, {
    clients: [{
        client_id: clientId,
        client_secret: clientSecret,
        redirect_uris: [redirectUri],
        grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
        response_types: ['code'],
        token_endpoint_auth_method: 'client_secret_post',
    }],
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, user_id: id }) }),
    claims: { openid: ['sub', 'user_id'] },
    features: { devInteractions: { enabled: false }, clientCredentials: { enabled: true } },
    pkce: { required: () => false },
    rotateRefreshToken: true,
    ttl: { AccessToken: 600, AuthorizationCode: 60, RefreshToken: 3600, Grant: 3600 },
});
const asked = [];

async function grant() {
    const made = new provider.Grant({ accountId: 'user-1', clientId });
    made.addOIDCScope(SCOPE);
    return made.save();
}

async function makeCode() {
    const client = await provider.Client.find(clientId);
    const code = new provider.AuthorizationCode({
        accountId: 'user-1', client, grantId: await grant(), redirectUri, scope: SCOPE,
        authTime: Math.floor(Date.now() / 1000), gty: 'authorization_code',
    });
    return { code: await code.save() };
}

async function makeTokens() {
    const client = await provider.Client.find(clientId);
    const common = { accountId: 'user-1', client, grantId: await grant(), scope: SCOPE,
        gty: 'authorization_code' };
    const access = new provider.AccessToken(common);
    const refresh = new provider.RefreshToken(common);
    return { accessToken: await access.save(), refreshToken: await refresh.save() };
}

async function answerApi([, good, status, bad], request, response) {
    const token = (request.headers.authorization ?? '').replace(/^Bearer /, '');
    const found = await provider.AccessToken.find(token)
        ?? await provider.ClientCredentials.find(token);
    response.writeHead(found ? 200 : status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(found ? good : bad));
}

server.on('request', (request, response) => {
    asked.push(`${request.method} ${request.url}`);
    const api = APIS.find(([path]) => request.url.startsWith(path));
    if (api) return answerApi(api, request, response);
    if (PATHS.has(request.url)) request.url = PATHS.get(request.url);
    return provider.callback()(request, response);
});

console.log(JSON.stringify({ port }));
for await (const line of readline.createInterface({ input: process.stdin })) {
    const { make } = JSON.parse(line);
    let answer = { asked };
    if (make === 'code') answer = await makeCode();
    else if (make === 'tokens') answer = await makeTokens();
    console.log(JSON.stringify(answer));
}
process.exit(0);
