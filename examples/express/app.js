// A to-do list: Express in front, identity and rows in PostgreSQL.
//
// npm install, then PGDATABASE=todo PGUSER=todo_app PORT=3000 node app.js
import { STATUS_CODES } from 'node:http';
import express from 'express';
import { AuthFort } from 'authfort-postgresql';
import { express as withExpress } from 'authfort-postgresql/express';

const { router, guarded, withIdentity } = withExpress(new AuthFort());
const app = express();

// /auth and /.well-known
app.use(router);

app.get('/todo', guarded(async (req, res) => {
	const { rows } = await withIdentity(req, (db) => db.query('SELECT id, title, done FROM todo ORDER BY id'));
	res.json(rows);
}));

app.post('/todo', express.json(), guarded(async (req, res) => {
	const title = req.body?.title;
	if (typeof title !== 'string')
		return res.status(400).json({ error: 'title is missing' });
	const { rows } = await withIdentity(req, (db) =>
		db.query('INSERT INTO todo (title) VALUES ($1) RETURNING id, title, done', [title]));
	return res.status(201).json(rows[0]);
}));

// Express itself would answer with a stack trace.
app.use((error, req, res, next) => {
	if (res.headersSent)
		return next(error);
	// 42501: a policy lets only signed-in users write
	if (error.code === '42501')
		return res.status(401).set('WWW-Authenticate', 'Bearer').end();
	const status = error.status ?? 500;
	if (status >= 500)
		console.error(error);
	return res.status(status).json({ error: STATUS_CODES[status] });
});

const server = app.listen(process.env.PORT ?? 3000, '127.0.0.1', () => console.log(`listening on ${server.address().port}`));
