// Runs calls with the AWS SDK for JavaScript. Standard input: [{operation, parameters}]; standard
// output: the same list's outcomes, each {output} or {error: {name, status, message}}. Arguments:
// the endpoint, and how often a request may be sent (once without it).
import * as appflow from '@aws-sdk/client-appflow';

async function read(stream) {
    const parts = [];
    for await (const part of stream) parts.push(part);
    return Buffer.concat(parts).toString();
}

const [endpoint, attempts] = process.argv.slice(2);
const client = new appflow.AppflowClient({ endpoint, maxAttempts: Number(attempts ?? 1) });
const outcomes = [];
for (const { operation, parameters } of JSON.parse(await read(process.stdin))) {
    try {
        const { $metadata, ...output } = await client.send(
            new appflow[`${operation}Command`](parameters));
        outcomes.push({
            output,
            status: $metadata.httpStatusCode,
            request: $metadata.requestId,
            attempts: $metadata.attempts,
        });
    } catch (error) {
        outcomes.push({
            error: error.name,
            typed: error instanceof appflow.AppflowServiceException,
            status: error.$metadata?.httpStatusCode,
            request: error.$metadata?.requestId,
            message: error.message,
        });
    }
}
console.log(JSON.stringify(outcomes));
