// Runs calls with the AWS SDK for JavaScript. Argument: the endpoint. test_sdks.py describes the
// lines that it reads and writes.
import * as readline from 'node:readline';
import * as appflow from '@aws-sdk/client-appflow';

const client = new appflow.AppflowClient({ endpoint: process.argv[2] });

function amplitude(apiKey, secretKey) {
    return {
        connectorProfileProperties: { Amplitude: {} },
        connectorProfileCredentials: { Amplitude: { apiKey, secretKey } },
    };
}

async function create(connectorProfileName, ...keys) {
    const made = await client.send(new appflow.CreateConnectorProfileCommand({
        connectorProfileName,
        connectorType: 'Amplitude',
        connectionMode: 'Public',
        connectorProfileConfig: amplitude(...keys),
    }));
    return [made.connectorProfileArn];
}

async function update(connectorProfileName, ...keys) {
    const changed = await client.send(new appflow.UpdateConnectorProfileCommand({
        connectorProfileName,
        connectionMode: 'Public',
        connectorProfileConfig: amplitude(...keys),
    }));
    return [changed.connectorProfileArn];
}

async function remove(connectorProfileName) {
    await client.send(new appflow.DeleteConnectorProfileCommand({ connectorProfileName }));
    return [];
}

async function pages() {
    const found = [];
    for await (const page of appflow.paginateDescribeConnectorProfiles({ client }, {})) {
        found.push(page.connectorProfileDetails.map((each) => each.connectorProfileName).join(' '));
    }
    return found;
}

const commands = { create, update, delete: remove, pages };

function describe(error) {
    const kind = appflow[error.name];
    const typed = kind !== undefined && error instanceof kind;
    const { httpStatusCode, requestId } = error.$metadata;
    return ['error', typed ? error.name : 'untyped', httpStatusCode, requestId, error.message];
}

for await (const line of readline.createInterface({ input: process.stdin })) {
    const [command, ...words] = line.split('\t');
    let outcome;
    try {
        outcome = ['ok', ...await commands[command](...words)];
    } catch (error) {
        if (!(error instanceof appflow.AppflowServiceException)) throw error;
        outcome = describe(error);
    }
    console.log(outcome.join('\t').replaceAll('\n', ' '));
}
