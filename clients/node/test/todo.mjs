// A to-do list by Express or Fastify, for the tests: node todo.mjs express|fastify PORT [CA ALLOW]
import { readFileSync } from 'node:fs';
import { AuthFort } from 'authfort-postgresql';

const [, , framework, port, ca, allow] = process.argv;
const auth = new AuthFort({ max: 4, connectionTimeoutMillis: 2000, fetch: ca ? { ca: readFileSync(ca), allow: [allow] } : {} });

const list = (db) => db.query('SELECT id, title, done FROM todo ORDER BY id').then(({ rows }) => rows);
const add = (title) => (db) => db.query('INSERT INTO todo (title) VALUES ($1) RETURNING id, title', [title]).then(({ rows }) => rows[0]);
const fail = (db) => db.query('SELECT 1 / 0');
const goOn = (db) => fail(db).catch(() => 'lost');
const leave = async (db) => {
	await db.query("CREATE TEMP TABLE todo AS SELECT 1 AS id, 'of another' AS title, false AS done");
	return 'left';
};

async function withExpress() {
	const { default: makeApp, json } = await import('express');
	const { express } = await import('authfort-postgresql/express');
	const { router, currentUser, requireRole, guarded, withIdentity } = express(auth);
	const app = makeApp();

	if (process.env.PARSER_FIRST)
		app.use(json());
	app.use(router);
	app.get('/todo', guarded(async (req, res) => res.json(await withIdentity(req, list))));
	app.post('/todo', json(), guarded(async (req, res) => res.status(201).json(await withIdentity(req, add(req.body.title)))));
	app.get('/profile', currentUser, (req, res) => res.json(req.user));
	app.get('/editors', requireRole('editor', 'admin'), (req, res) => res.json(req.user.roles));
	app.get('/fail', guarded(async (req) => withIdentity(req, fail)));
	app.get('/go-on', guarded(async (req, res) => res.json(await withIdentity(req, goOn))));
	app.get('/leave', guarded(async (req, res) => res.json(await withIdentity(req, leave))));
	app.use((error, req, res, next) => res.headersSent ? next(error) : res.status(500).json({ error: 'internal' }));
	return new Promise((resolve) => { app.listen(port, '127.0.0.1', resolve); });
}

async function withFastify() {
	const { default: makeApp } = await import('fastify');
	const { fastify } = await import('authfort-postgresql/fastify');
	const { plugin, currentUser, requireRole, guarded, withIdentity } = fastify(auth);
	const app = makeApp();

	app.register(plugin);
	app.get('/todo', guarded((request) => withIdentity(request, list)));
	app.post('/todo', guarded(async (request, reply) => reply.code(201).send(await withIdentity(request, add(request.body.title)))));
	app.get('/profile', { preHandler: currentUser }, async (request) => request.user);
	app.get('/editors', { preHandler: requireRole('editor', 'admin') }, async (request) => request.user.roles);
	app.get('/fail', guarded((request) => withIdentity(request, fail)));
	app.get('/go-on', guarded(async (request) => JSON.stringify(await withIdentity(request, goOn))));
	app.get('/leave', guarded(async (request) => JSON.stringify(await withIdentity(request, leave))));
	app.setErrorHandler((error, request, reply) => reply.code(500).send({ error: 'internal' }));
	return app.listen({ port: Number(port), host: '127.0.0.1' });
}

await (framework === 'express' ? withExpress() : withFastify());
