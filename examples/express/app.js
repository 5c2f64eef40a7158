// A to-do list: Express in front, identity and rows in PostgreSQL.
//
// npm install, then PGDATABASE=todo PGUSER=todo_app PORT=3000 node app.js
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
	const { rows } = await withIdentity(req, (db) =>
		db.query('INSERT INTO todo (title) VALUES ($1) RETURNING id, title, done', [req.body.title]));
	res.status(201).json(rows[0]);
}));

// 42501: a policy lets only signed-in users write
app.use((error, req, res, next) => {
	if (error.code !== '42501')
		return next(error);
	return res.status(401).set('WWW-Authenticate', 'Bearer').end();
});

const server = app.listen(process.env.PORT ?? 3000, '127.0.0.1', () => console.log(`listening on ${server.address().port}`));
