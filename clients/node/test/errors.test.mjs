// Unit tests of what errors mean to a client: node --test
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { once } from 'node:events';
import test from 'node:test';
import { AuthError, translate } from '../lib/errors.js';

const failed = (code, members = {}) => Object.assign(new Error('it failed'), { code, ...members });
const seen = (error) => [error.status, error.code];

test('failures of the database and of the way to it are 503', async () => {
	for (const code of ['08006', '53300', '57P01', '58030', 'F0000', '25006', 'ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND'])
		assert.deepEqual(seen(translate(failed(code))), [503, 'service_unavailable'], code);
	const [missing] = await once(connect('/nowhere/.s.PGSQL.5432'), 'error');
	assert.equal(missing.code, 'ENOENT');
	assert.deepEqual(seen(translate(missing)), [503, 'service_unavailable']);
	assert.deepEqual(seen(translate(failed('57014'))), [503, 'timeout']);
});

test('errors of the application stay as they are', async () => {
	const absent = await readFile('/nowhere/of-the-application').catch((error) => error);
	for (const error of [absent, failed('EACCES', { syscall: 'open' }), failed('23505'), failed('42501'), failed('P0001'),
		new TypeError('x'), null, undefined, 'text'])
		assert.equal(translate(error), error);
	const refusal = new AuthError('No', 'no', 418, { more: 1 });
	assert.equal(translate(refusal), refusal);
	assert.deepEqual(refusal.body, { detail: { error: 'no', message: 'No', more: 1 } });
});

test('the refusal of a token has the code and status of the routes', () => {
	const expired = translate(failed('28000', { message: 'token has expired', detail: 'token_expired' }));
	assert.deepEqual([...seen(expired), expired.message], [401, 'token_expired', 'Token has expired']);
	assert.match(expired.headers['WWW-Authenticate'], /invalid_token/);
	const banned = translate(failed('28000', { message: 'this account has been banned', detail: 'user_banned' }));
	assert.deepEqual([...seen(banned), banned.headers], [403, 'user_banned', {}]);
	assert.equal(translate(failed('28000', { message: 'no', detail: 'A sentence.' })).code, 'token_invalid');
});
