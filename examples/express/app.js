// A to-do list: Express in front, identity and rows in PostgreSQL.
//
// PGDATABASE=todo PGUSER=todo_app PORT=3000 node app.js
const express = require('express');
const { Pool } = require('pg');

const app = express();
const pool = new Pool();

// Passes what an async handler throws on to Express.
const handler = (f) => (req, res, next) => f(req, res).catch(next);

// /auth: authfort answers, this only carries the request to it and the answer back.
const carry = handler(async (req, res) => {
	const headers = [];
	for (let i = 0; i < req.rawHeaders.length; i += 2)
		headers.push({ [req.rawHeaders[i].toLowerCase()]: req.rawHeaders[i + 1] });
	const [path, query] = req.originalUrl.split(/\?(.*)/s);
	const body = Buffer.isBuffer(req.body) ? new TextDecoder('utf-8', { fatal: true }).decode(req.body) : null;
	const { rows: [answer] } = await pool.query(
		'SELECT status, headers, body FROM authfort.http($1, $2, $3, $4, $5, $6)',
		[req.method, path, query, JSON.stringify(headers), body, req.socket.remoteAddress]);
	res.status(answer.status);
	for (const header of answer.headers)
		for (const [name, value] of Object.entries(header))
			res.append(name, value);
	res.end(answer.body ?? undefined);
});
const whole = express.raw({ type: () => true, limit: '1mb' });
app.use('/auth', whole, carry);
app.get('/.well-known/jwks.json', carry);

// Runs f in a transaction under the identity of the request's sender.
async function asCaller(req, f) {
	const [, token] = /^bearer +(.*)$/i.exec(req.get('authorization') ?? '') ??
		/(?:^|; *)access_token=([^;]*)/.exec(req.get('cookie') ?? '') ?? [];
	const db = await pool.connect();
	try {
		await db.query('BEGIN');
		if (token)
			await db.query('SELECT authfort.set_jwt($1), authfort.current_user()', [token]);
		const result = await f(db);
		await db.query('COMMIT');
		return result;
	} catch (error) {
		await db.query('ROLLBACK');
		throw error;
	} finally {
		db.release();
	}
}

app.get('/todo', handler(async (req, res) => {
	const { rows } = await asCaller(req, (db) => db.query('SELECT id, title, done FROM todo ORDER BY id'));
	res.json(rows);
}));

app.post('/todo', express.json(), handler(async (req, res) => {
	const { rows } = await asCaller(req, (db) =>
		db.query('INSERT INTO todo (title) VALUES ($1) RETURNING id, title, done', [req.body.title]));
	res.status(201).json(rows[0]);
}));

// 28000: an invalid token; 42501: anonymous users may not write; 22021: invalid UTF-8, or a zero byte
app.use((error, req, res, next) => {
	const status = { 28000: 401, 42501: 401, 22021: 400, ERR_ENCODING_INVALID_ENCODED_DATA: 400 }[error.code] ?? error.status ?? 500;
	if (status === 401)
		res.set('WWW-Authenticate', error.code === '28000' ? 'Bearer error="invalid_token"' : 'Bearer');
	res.status(status).json({ detail: error.code === '28000' ? error.detail : undefined });
});

const server = app.listen(process.env.PORT ?? 3000, '127.0.0.1', () => console.log(`listening on ${server.address().port}`));
