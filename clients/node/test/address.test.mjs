import assert from 'node:assert/strict';
import dns from 'node:dns/promises';
import { createServer } from 'node:https';
import { syncBuiltinESMExports } from 'node:module';
import { createServer as createSilentServer } from 'node:net';
import { test } from 'node:test';
import { isPublic, networks } from '../lib/address.js';
import { Fetcher } from '../lib/fetch.js';
import { bearerToken, bodyText, headerObjects, target } from '../lib/request.js';

test('addresses of the internet are public', () => {
	for (const address of ['1.1.1.1', '93.184.216.34', '168.63.129.15', '192.0.1.0', '198.20.0.0', '223.255.255.255',
		'2001:200::', '2606:4700::1111', '2620:4f:8000::', '2a00:1450::1', '3ffe::',
		'::ffff:8.8.8.8', '::FFFF:808:808', '64:ff9b::8.8.8.8', '64:ff9b:0:0::808:808', '64:ff9b::8.0.0.0'])
		assert.equal(isPublic(address), true, address);
});

test('all others are not, however they are written', () => {
	for (const address of ['0.0.0.0', '10.1.2.3', '100.64.0.1', '127.0.0.1', '169.254.169.254', '172.31.255.255',
		'192.0.0.8', '192.168.1.1', '198.19.0.1', '224.0.0.1', '240.0.0.1', '255.255.255.255',
		'168.63.129.16', '192.88.99.1', '::', '::1', '::8.8.8.8', '::ffff:127.0.0.1', '::ffff:168.63.129.16',
		'::ffff:0:1', '::ffff:0:0', '::ffff:0:8.8.8.8', '::1:ffff:8.8.8.8', '64:ff9b::', '64:ff9b::5', '64:ff9b::7f00:1',
		'64:ff9b::a00:0', '64:ff9b:1::8.8.8.8', '164:ff9b::8.8.8.8', 'fe80::1', 'fe80::1%eth0', 'fec0::1', '100::1',
		'fc00::1', 'fd00:ec2::254',
		'ff02::1', '2001:db8::1', '2002:7f00:1::', '2002:808:808::', '2001::1', '2001:1ff:ffff::', '3fff::1', '4000::1',
		'5f00::1', '1fff:ffff::'])
		assert.equal(isPublic(address), false, address);
});

test('a network that is allowed is reached', () => {
	const allowed = networks(['127.0.0.0/8', '::1']);
	assert.equal(allowed('127.1.2.3'), true);
	assert.equal(allowed('::1'), true);
	assert.equal(allowed('10.0.0.1'), false);
});

test('a fetch to an address that is not public fails before it connects', async () => {
	let connections = 0;
	const server = createServer().on('connection', () => { connections++; });
	await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
	const { port } = server.address();
	for (const url of [`https://127.0.0.1:${port}/`, `https://localhost:${port}/`, `https://[::ffff:127.0.0.1]:${port}/`,
		`https://2130706433:${port}/`, `http://example.com/`, 'https://user:secret@example.com/', 'file:///etc/passwd']) {
		const { status, error } = await new Fetcher().send({ url });
		assert.equal(status, null, url);
		assert.match(error, /public|only https/, url);
	}
	assert.equal(connections, 0);
	server.close();
});

test('a host that hangs leaves room for others, and all of them together are limited', async () => {
	const sockets = [];
	const silent = createSilentServer((socket) => sockets.push(socket.on('error', () => {})));
	await new Promise((resolve) => { silent.listen(0, '127.0.0.1', resolve); });
	const { port } = silent.address();
	const fetcher = new Fetcher({ max: 4, allow: ['127.0.0.0/8', '::1/128'] });
	const hosts = [...Array(4).fill('127.0.0.1'), 'localhost', 'localhost', '127.0.0.2'];
	const refused = [false, false, false, true, false, true, true];
	for (const round of [1, 2]) {
		const answers = await Promise.all(hosts.map((host) =>
			fetcher.send({ url: `https://${host}:${port}/`, timeout_ms: 1000 })));
		answers.forEach(({ status, error }, i) => {
			assert.equal(status, null);
			assert.equal(error.includes('too many requests wait'), refused[i], `${round} ${hosts[i]} ${error}`);
		});
	}
	sockets.forEach((socket) => socket.destroy());
	silent.close();
});

test('requests for one name share its lookup', async () => {
	const original = dns.lookup;
	const asked = [];
	dns.lookup = (host) => {
		asked.push(host);
		return new Promise(() => {});
	};
	syncBuiltinESMExports();
	// nothing else keeps the process waiting
	const alive = setInterval(() => {}, 1000);
	const fetcher = new Fetcher();
	const answers = await Promise.all(['a.example', 'a.example', 'a.example', 'b.example'].map((host) =>
		fetcher.send({ url: `https://${host}/`, timeout_ms: 200 })));
	clearInterval(alive);
	dns.lookup = original;
	syncBuiltinESMExports();
	assert.deepEqual(answers.map(({ status }) => status), [null, null, null, null]);
	assert.deepEqual(asked, ['a.example', 'b.example']);
});

test('paths and queries stay as they were sent', () => {
	assert.deepEqual(target('/auth/a%2Fb?x=1?2'), { path: '/auth/a%2Fb', query: 'x=1?2' });
	assert.deepEqual(target('http://evil.example/auth/me'), { path: '/auth/me', query: null });
	assert.deepEqual(target('/auth/\u00e9'), { path: '/auth/%E9', query: null });
	assert.deepEqual(target('?'), { path: '/', query: '' });
});

test('repeated headers are kept, and of invalid ones what can be', () => {
	assert.deepEqual(headerObjects(['Cookie', 'a=1', 'COOKIE', 'b=2', 'X', '\xffy\x01']),
		[{ cookie: 'a=1' }, { cookie: 'b=2' }, { x: '?y?' }]);
	assert.deepEqual(headerObjects(['Cookie', 'a=\xff; b=2;c=\x7f', 'X', '\xc3\xa9']), [{ cookie: ' b=2' }, { x: '\u00e9' }]);
});

test('what follows the scheme is the token, even if it cannot be one', () => {
	const of = (authorization) => bearerToken({ headers: { authorization } });
	assert.equal(of('bearer   a.b.c'), 'a.b.c');
	assert.equal(of('Bearer a.b.c d'), 'a.b.c d');
	assert.equal(of('Bearer'), null);
	assert.equal(of('Basic eDp5'), null);
	assert.equal(of(undefined), null);
});

test('a body is UTF-8 without a zero byte', () => {
	assert.equal(bodyText(Buffer.from('{"a": "\u00e9"}')), '{"a": "\u00e9"}');
	assert.equal(bodyText(Buffer.alloc(0)), null);
	assert.throws(() => bodyText(Buffer.from([0xff])), { code: 'invalid_request' });
	assert.throws(() => bodyText(Buffer.from([0x7b, 0])), { code: 'invalid_request' });
	assert.throws(() => bodyText(Buffer.alloc(65537, 0x20)), { code: 'body_too_large' });
});
