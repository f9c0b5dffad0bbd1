// SAP's own server for OData (CAP), with its adapter for version 2, on a loopback port: a catalog
// that any user with a password may read, one that none may, and services with records, 100 a page.
// /asked has the query of each request for records. Prints the port, and ends when standard input
// does. The arguments are the user and the password.
import http from 'node:http';
import { fileURLToPath } from 'node:url';
import cds from '@sap/cds';
import cov2ap from '@cap-js-community/odata-v2-adapter';
import express from 'express';
import { orders, partners, select } from './cap_records.mjs';

const [user, password] = process.argv.slice(2);
const model = fileURLToPath(new URL('cap_catalog.cds', import.meta.url));
// Standard output is for the port.
console.log = console.info = console.error;

cds.env.requires.auth = { kind: 'basic', users: { [user]: { password }, '*': false } };
cds.model = cds.compile.for.nodejs(await cds.load(model));
const app = express();
const asked = [];
cds.app = app;
// What clients wrote, as CAP has understood it.
const written = { Machines: [], Days: [] };
const keys = { Machines: ['ID', 'place'], Days: ['day', 'at', 'text'] };
app.get('/written', (_, answer) => answer.json(written));
app.get('/asked', (_, answer) => answer.json(asked.splice(0)));
app.use((request, _, next) => {
  if (/\/(Partners|Orders)\?/.test(request.originalUrl)) asked.push(request.originalUrl);
  next();
});
app.use(cov2ap({ model }));
await cds.serve('all').from(cds.model).in(app).with(function serve() {
  const services = [{ ID: 'BUSINESS_0001', Title: 'Business', ServiceUrl: '/odata/v2/business/' }];
  if (this.name === 'CatalogService') this.on('READ', 'ServiceCollection', () => services);
  const have = (set, records) => this.on('READ', set, ({ query }) => select(query, records));
  if (this.name === 'BusinessService') have('Partners', partners);
  if (this.name === 'RecordsService') have('Orders', orders);
  if (this.name !== 'WrittenService') return;
  for (const set of Object.keys(written)) {
    const find = (data) => written[set].find((each) => keys[set].every(
      (key) => String(each[key]) === String(data[key])));
    have(set, written[set]);
    this.on('CREATE', set, (request) => {
      if (find(request.data)) return request.reject(400, `${set} has this key already`);
      written[set].push(request.data);
      return request.data;
    });
    this.on('UPDATE', set, (request) => {
      const found = find(request.data);
      return found ? Object.assign(found, request.data) : request.reject(404, 'Not Found');
    });
  }
});

const server = http.createServer(app);
await new Promise((done) => server.listen(0, '127.0.0.1', done));
const { port } = server.address();
// The adapter waits for this, and calls the server itself for version 4.
await cds.emit('listening', { server, url: `http://127.0.0.1:${port}` });
process.stdout.write(`${port}\n`);
process.stdin.resume().on('end', () => process.exit(0));
