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
        async describe({ instanceUrl }, { accessToken }) {
            const connection = new jsforce.Connection({ instanceUrl, accessToken, maxRequest: 1,
                version: '58.0' });
            const { sobjects } = await connection.describeGlobal();
            const { fields } = await connection.describe('Account');
            return { sobjects, fields };
        },
        // The client follows the locators itself.
        async query({ instanceUrl }, { accessToken, soql, all }) {
            const connection = new jsforce.Connection({ instanceUrl, accessToken, maxRequest: 1,
                version: '58.0' });
            const records = await connection.query(soql).scanAll(all)
                .setResponseTarget('Records').run({ autoFetch: true, maxFetch: 100000 });
            return records.map(({ attributes, ...record }) => record);
        },
        // The client makes the job, waits for it, follows the locators, and removes it.
        async bulk({ instanceUrl }, { accessToken, soql, all }) {
            const connection = new jsforce.Connection({ instanceUrl, accessToken, maxRequest: 1,
                version: '58.0' });
            connection.bulk2.pollInterval = 50;
            const stream = await connection.bulk2.query(soql, { scanAll: all });
            return stream.toArray();
        },
        // Lists of records go in collections; each has an outcome of its own.
        async write({ instanceUrl }, { accessToken, entity, external, inserted, updated, upserted,
            deleted }) {
            const connection = new jsforce.Connection({ instanceUrl, accessToken, maxRequest: 1,
                version: '58.0' });
            const object = connection.sobject(entity);
            const made = await object.create(inserted, { allOrNone: false });
            const changed = await object.update(
                [...updated, { Id: made[0].id, Phone: '555' }]);
            const matched = await object.upsert(upserted, external);
            const gone = await object.destroy([...deleted, made[1].id]);
            let whole;
            try {
                whole = await object.create([{ Name: 'whole' }, {}], { allOrNone: true });
            } catch (error) {
                whole = error.message;
            }
            return { made, changed, matched, gone, whole };
        },
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
        list: ({ instanceUrl }, { accessToken, resource }) =>
            createClient({ endpointUri: `${instanceUrl}/api/v2`, oauth: true,
                token: accessToken })[resource].list(),
        exported: ({ instanceUrl }, { accessToken, resource, start }) =>
            createClient({ endpointUri: `${instanceUrl}/api/v2`, oauth: true,
                token: accessToken })[resource].incremental(start),
        // Writes many records at once; the client watches the jobs until they have ended.
        async write({ instanceUrl }, { accessToken, tickets, users, organizations, changed }) {
            const client = createClient({ endpointUri: `${instanceUrl}/api/v2`, oauth: true,
                token: accessToken });
            const ended = async (answer) => {
                const status = answer.job_status ?? answer.result?.job_status ?? answer.result ??
                    answer;
                const last = await client.jobstatuses.watch(status.id, 50, 20);
                const job = last.result?.job_status ?? last.job_status ?? last.result ?? last;
                return job.results ?? job;
            };
            return {
                tickets: await ended(await client.tickets.createMany({ tickets })),
                users: await ended(await client.users.createOrUpdateMany({ users })),
                changed: await ended(await client.users.updateMany({ users: changed }, null)),
                organizations: await ended(
                    await client.organizations.createMany({ organizations })),
            };
        },
        // The client follows the pages itself.
        async fields({ instanceUrl }, { accessToken }) {
            const client = createClient({ endpointUri: `${instanceUrl}/api/v2`, oauth: true,
                token: accessToken });
            const tickets = await client.ticketfields.list();
            const users = await client.userfields.list();
            const organizations = await client.organizationfields.list();
            const keys = (fields) => fields.map(({ key }) => key).join(' ');
            return { tickets: tickets.map(({ id }) => id).join(' '), users: keys(users),
                organizations: keys(organizations) };
        },
    };
}

function datadogClient() {
    const { client, v1, v2 } = require('@datadog/datadog-api-client');
    const fields = (model) => Object.values(model.getAttributeTypeMap())
        .map(({ baseName }) => baseName).filter((name) => name !== 'additionalProperties').sort();
    return {
        // What its models of requests and answers have, under the names of the API.
        models: async () => ({ series: fields(v1.MetricsQueryMetadata), log: fields(v2.Log),
            filter: fields(v2.LogsQueryFilter) }),
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
        // The client follows the cursor itself.
        async logs(_, { apiKey, applicationKey }) {
            const configuration = client.createConfiguration({
                authMethods: { apiKeyAuth: apiKey, appKeyAuth: applicationKey } });
            const pages = new v2.LogsApi(configuration).listLogsGetWithPagination({
                filterQuery: '*', filterFrom: new Date(0), pageLimit: 1000 });
            const ids = [];
            for await (const { id } of pages)
                ids.push(id);
            return { logs: ids.length, first: ids[0] };
        },
    };
}

function slackClient() {
    const { WebClient, LogLevel } = require('@slack/web-api');
    const options = { logLevel: LogLevel.ERROR, rejectRateLimitedCalls: true,
        retryConfig: { retries: 0 } };
    return {
        test: (_, { accessToken }) => new WebClient(accessToken, options).auth.test(),
        // The client follows the cursor itself.
        async channels(_, { accessToken }) {
            const client = new WebClient(accessToken, options);
            const types = 'public_channel,private_channel,mpim,im';
            const ids = [];
            for await (const { channels } of client.paginate('conversations.list', { types }))
                ids.push(...channels.map(({ id }) => id));
            const { channel } = await client.conversations.info({ channel: ids[1] });
            return { ids: ids.join(' '), channel };
        },
        info: (_, { accessToken, channel }) =>
            new WebClient(accessToken, options).conversations.info({ channel }),
        // Likewise: every message of a channel once, the newest first.
        async history(_, { accessToken, channel, oldest }) {
            const client = new WebClient(accessToken, options);
            const times = [];
            for await (const { messages } of client.paginate('conversations.history',
                { channel, oldest, limit: 200, inclusive: true }))
                times.push(...messages.map(({ ts }) => ts));
            return { count: times.length, distinct: new Set(times).size,
                sorted: times.every((ts, i) => i === 0 || ts < times[i - 1]),
                last: times.at(-1) };
        },
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
        // The views, one page after the other, as links lead.
        async views(_, { accessToken }) {
            const client = new OAuth2Client();
            client.setCredentials({ access_token: accessToken });
            const names = [];
            let url = 'https://www.googleapis.com/analytics/v3/management/accounts/~all'
                + '/webproperties/~all/profiles?max-results=1000';
            while (url) {
                const { data } = await client.request({ url });
                names.push(...data.items.map(({ id, name }) => `${id} ${name}`));
                url = data.nextLink;
            }
            return { names: names.join(', ') };
        },
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
    // The rows of a session's statements.
    async function run({ accountName, warehouse }, { username, password }, statements) {
        const connection = snowflake.createConnection({
            account: accountName, username, password, warehouse, sfRetryMaxLoginRetries: 0 });
        await later((complete) => connection.connect(complete));
        const answers = [];
        for (const sqlText of statements)
            answers.push(await later((complete) => connection.execute({ sqlText, complete })));
        await later((complete) => connection.destroy(complete));
        return answers;
    }
    return {
        async login(properties, credentials) {
            const [rows] = await run(properties, credentials, ['SELECT 1']);
            return { rows };
        },
        async tables(properties, { table, ...credentials }) {
            const [schemas, tables, columns] = await run(properties, credentials, [
                'SHOW TERSE SCHEMAS IN DATABASE APPFLOW LIMIT 500',
                'SHOW TERSE TABLES IN SCHEMA APPFLOW.PUBLIC LIMIT 500',
                `DESC TABLE APPFLOW.PUBLIC.${table ?? 'ORDERS'}`]);
            const names = (rows) => rows.map(({ name }) => name).join(' ');
            return { schemas: names(schemas), tables: names(tables), columns: names(columns),
                first: columns[0] };
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
