// Signs as the AWS SDK for JavaScript does. Reads {"requests": …, "calls": …} from standard input:
// requests are signed by the SDK's signer alone; calls are made by its AppFlow client, and are
// caught where they would be sent. Writes what would go over the wire, as JSON.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const require = createRequire(process.argv[2] + "/");
const { SignatureV4 } = require("@smithy/signature-v4");
const { HttpRequest, HttpResponse } = require("@smithy/protocol-http");
const { buildQueryString } = require("@smithy/querystring-builder");
const { Sha256 } = require("@aws-crypto/sha256-js");
const appflow = require("@aws-sdk/client-appflow");

const input = JSON.parse(readFileSync(0, "utf8"));
const credentials = {
  accessKeyId: process.env.SIGV4_ACCESS_KEY_ID,
  secretAccessKey: process.env.SIGV4_SECRET_ACCESS_KEY,
};

function onTheWire(request) {
  const query = buildQueryString(request.query ?? {});
  return {
    method: request.method,
    target: request.path + (query ? "?" + query : ""),
    headers: Object.entries(request.headers),
    body: Buffer.from(request.body ?? "").toString(), // text or bytes, by version
  };
}

async function sign(given) {
  const signer = new SignatureV4({
    service: input.service, region: input.region, credentials, sha256: Sha256,
  });
  const request = new HttpRequest({
    method: given.method, path: given.path, query: given.query, body: given.body,
    headers: Object.fromEntries(given.headers),
    hostname: "127.0.0.1", port: 8620, protocol: "http:",
  });
  return onTheWire(await signer.sign(request, { signingDate: new Date(input.date) }));
}

async function call({ command, input: parameters }) {
  let caught;
  const client = new appflow.AppflowClient({
    endpoint: "http://127.0.0.1:8620", region: input.region, credentials,
    requestHandler: {
      handle: async (request) => {
        caught = onTheWire(request);
        const response = { statusCode: 200, headers: {}, body: new Uint8Array() };
        return { response: new HttpResponse(response) };
      },
    },
  });
  await client.send(new appflow[command](parameters)).catch((error) => {
    if (!caught) throw error; // an answer that is none is no matter here
  });
  return caught;
}

const output = { requests: [], calls: [] };
for (const request of input.requests) output.requests.push(await sign(request));
for (const each of input.calls) output.calls.push(await call(each));
process.stdout.write(JSON.stringify(output));
