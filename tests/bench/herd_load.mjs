// Asks the peer of herd_peer.mjs for as many renewals as it gives, over some connections: what the
// peer alone can do. Prints {"per_s": N}.
//
//     node herd_load.mjs PORT CLIENT-ID CLIENT-SECRET SECONDS FIRST-NUMBER
import http from 'node:http';

const [port, clientId, clientSecret, seconds, first] = process.argv.slice(2);
const CONNECTIONS = 8;
const agent = new http.Agent({ keepAlive: true, maxSockets: CONNECTIONS });
const began = performance.now();
const until = began + seconds * 1000;
let number = Number(first);
let renewed = 0;

function ask(token) {
    const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: token,
        client_id: clientId, client_secret: clientSecret }).toString();
    return new Promise((done, failed) => {
        const request = http.request({ host: '127.0.0.1', port, method: 'POST', agent,
            path: '/services/oauth2/token', headers: {
                'content-type': 'application/x-www-form-urlencoded',
                'content-length': Buffer.byteLength(body) } }, (response) => {
            response.resume();
            response.on('end', () => done(response.statusCode));
        });
        request.on('error', failed);
        request.end(body);
    });
}

async function work() {
    while (performance.now() < until) {
        const token = `peer-${String(number++).padStart(9, '0')}`;
        const status = await ask(token);
        if (status === 200) renewed += 1;
        else if (status === 429) await new Promise((done) => setTimeout(done, 5));
        else throw new Error(`the peer answered ${status}`);
    }
}

await Promise.all(Array.from({ length: CONNECTIONS }, work));
console.log(JSON.stringify({ per_s: renewed / ((performance.now() - began) / 1000) }));
process.exit(0);
