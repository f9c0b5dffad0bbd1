// Vendors' own clients, each as its documentation shows, make their own authentication calls.
// Reads [{"client", "call", "properties", "credentials"}] from standard input, with properties and
// credentials as AppFlow names them, and prints what each call gave: {"ok": answer} or
// {"error": name, "status", "message"}, in the client's own words.
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
// Some clients talk on standard output, which is for answers here.
console.log = console.info = console.warn = console.error;

function jsforceClient() {
    const jsforce = require('jsforce');
    const login = ({ instanceUrl }, app) => new jsforce.OAuth2({ loginUrl: instanceUrl, ...app });
    return {
        identity: ({ instanceUrl }, { accessToken }) =>
            new jsforce.Connection({ instanceUrl, accessToken, maxRequest: 1 }).identity(),
        code: (properties, { oAuthRequest, ...app }) =>
            login(properties, { ...app, redirectUri: oAuthRequest.redirectUri })
                .requestToken(oAuthRequest.authCode),
        refresh: (properties, { refreshToken, ...app }) =>
            login(properties, app).refreshToken(refreshToken),
        // A stale token is renewed by the client itself, in the midst of a call.
        async renew({ instanceUrl }, { accessToken, refreshToken, ...app }) {
            const connection = new jsforce.Connection({
                oauth2: { loginUrl: instanceUrl, ...app },
                instanceUrl, accessToken, refreshToken });
            const identity = await connection.identity();
            return { ...identity, renewed: connection.accessToken !== accessToken };
        },
    };
}

function zendeskClient() {
    const { createClient } = require('node-zendesk');
    return {
        me: async ({ instanceUrl }, { accessToken }) => {
            const client = createClient({ endpointUri: `${instanceUrl}/api/v2`, oauth: true,
                token: accessToken });
            return (await client.users.me()).result;
        },
    };
}

function datadogClient() {
    const { client, v1 } = require('@datadog/datadog-api-client');
    return {
        async validate(_, { apiKey, applicationKey }) {
            const configuration = client.createConfiguration({
                authMethods: { apiKeyAuth: apiKey, appKeyAuth: applicationKey } });
            return new v1.AuthenticationApi(configuration).validate();
        },
        async query(_, { apiKey, applicationKey }) {
            const configuration = client.createConfiguration({
                authMethods: { apiKeyAuth: apiKey, appKeyAuth: applicationKey } });
            return new v1.MetricsApi(configuration).queryMetrics({
                from: 1700000000, to: 1700003600, query: 'avg:system.cpu.user{*}' });
        },
    };
}

function slackClient() {
    const { WebClient, LogLevel } = require('@slack/web-api');
    const options = { logLevel: LogLevel.ERROR, rejectRateLimitedCalls: true,
        retryConfig: { retries: 0 } };
    return {
        test: (_, { accessToken }) => new WebClient(accessToken, options).auth.test(),
        code: (_, { clientId, clientSecret, oAuthRequest }) =>
            new WebClient(undefined, options).oauth.v2.access({ client_id: clientId,
                client_secret: clientSecret, code: oAuthRequest.authCode,
                redirect_uri: oAuthRequest.redirectUri }),
    };
}

function googleClient() {
    const { OAuth2Client } = require('google-auth-library');
    const made = ({ clientId, clientSecret, oAuthRequest }) =>
        new OAuth2Client(clientId, clientSecret, oAuthRequest?.redirectUri);
    return {
        tokenInfo: (_, credentials) => made(credentials).getTokenInfo(credentials.accessToken),
        code: async (_, credentials) =>
            (await made(credentials).getToken(credentials.oAuthRequest.authCode)).tokens,
        async refresh(_, credentials) {
            const client = made(credentials);
            client.setCredentials({ refresh_token: credentials.refreshToken });
            return { token: (await client.getAccessToken()).token };
        },
    };
}

function snowflakeClient() {
    const snowflake = require('snowflake-sdk');
    // The sandbox's authority runs no service for revoked certificates.
    snowflake.configure({ logLevel: 'OFF', disableOCSPChecks: true });
    const later = (start) => new Promise((done, failed) => {
        start((error, _, answer) => (error ? failed(error) : done(answer)));
    });
    return {
        async login({ accountName, warehouse }, { username, password }) {
            const connection = snowflake.createConnection({
                account: accountName, username, password, warehouse, sfRetryMaxLoginRetries: 0 });
            await later((complete) => connection.connect(complete));
            const rows = await later((complete) =>
                connection.execute({ sqlText: 'SELECT 1', complete }));
            await later((complete) => connection.destroy(complete));
            return { rows };
        },
    };
}

const CLIENTS = {
    jsforce: jsforceClient,
    'node-zendesk': zendeskClient,
    '@datadog/datadog-api-client': datadogClient,
    '@slack/web-api': slackClient,
    'google-auth-library': googleClient,
    'snowflake-sdk': snowflakeClient,
};

function errorOf(error) {
    const answer = error.response?.data ?? error.data ?? error.body;
    return {
        error: error.errorCode ?? answer?.error ?? error.name,
        status: error.statusCode ?? error.status ?? error.response?.status ?? error.code,
        message: String(error.message),
        answer,
    };
}

async function outcome({ client, call, properties, credentials }) {
    try {
        return { ok: await CLIENTS[client]()[call](properties, credentials) };
    } catch (error) {
        return errorOf(error);
    }
}

let asked = '';
for await (const part of process.stdin) asked += part;
const outcomes = [];
for (const each of JSON.parse(asked)) outcomes.push(await outcome(each));
// Pooled connections would keep the process up.
process.stdout.write(JSON.stringify(outcomes), () => process.exit(0));
