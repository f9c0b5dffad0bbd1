// Loaded before a vendor's client: leads every TCP connection of the process to the sandbox, whose
// ports are in SANDBOX_PORT_443 and SANDBOX_PORT_80. Names in TLS and in Host stay the client's own,
// which is how the sandbox tells vendors apart.
'use strict';
const net = require('node:net');

const connect = net.Socket.prototype.connect;
net.Socket.prototype.connect = function connectToSandbox(...words) {
    // Within Node the words may come as one list that was normalized before.
    const [options, listener] = Array.isArray(words[0]) ? words[0] : net._normalizeArgs(words);
    const port = process.env[`SANDBOX_PORT_${options.port}`];
    if (!port) throw new Error(`the sandbox has nothing at port ${options.port}`);
    const led = { ...options, host: '127.0.0.1', port: Number(port), path: undefined };
    return connect.call(this, led, ...(listener ? [listener] : []));
};
