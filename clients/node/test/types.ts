// An application that the compiler checks: what the types allow, and what they refuse.
import makeExpress from 'express';
import makeFastify from 'fastify';
import pg from 'pg';
import { AuthError, AuthFort, type User } from 'authfort-postgresql';
import { express as withExpress } from 'authfort-postgresql/express';
import { fastify as withFastify } from 'authfort-postgresql/fastify';

const auth = new AuthFort({ connectionString: 'postgres://', max: 4, fetch: { allow: ['127.0.0.0/8'] }, log: console });
const pooled = new AuthFort({ pool: new pg.Pool() });
// @ts-expect-error: a number
new AuthFort({ max: '4' });

const { router, currentUser, requireRole, guarded, withIdentity } = withExpress(auth);
const app = makeExpress();
app.use(router);
app.get('/profile', currentUser, (req, res) => {
	const user: User | undefined = req.user;
	// @ts-expect-error: an account may have no email
	const email: string = req.user!.email;
	res.json([user?.roles, user?.user_metadata, email]);
});
app.get('/admin', requireRole('admin', ['editor']), (req, res) => { res.json(req.user!.roles.length); });
// @ts-expect-error: the name of a role
requireRole(1);
app.get('/todo', guarded(async (req, res) => {
	const { rows } = await withIdentity(req, (db) => db.query<{ id: number }>('SELECT id FROM todo'));
	res.json(rows[0]?.id);
}));

const plugged = withFastify(pooled);
const fast = makeFastify();
fast.register(plugged.plugin);
fast.get('/profile', { preHandler: plugged.currentUser }, async (request) => request.user?.email);
fast.get('/admin', { preHandler: plugged.requireRole('admin') }, async (request) => request.user?.roles);
fast.get('/todo', plugged.guarded((request) =>
	plugged.withIdentity(request, async (db) => (await db.query('SELECT id FROM todo')).rows)));

try {
	const { status, headers, body } = await auth.answer({ method: 'GET', path: '/auth/me', headers: [{ accept: '*/*' }] });
	console.log(status.toFixed(), headers.length, body?.length);
	await auth.close();
} catch (error) {
	if (error instanceof AuthError)
		console.log(error.code, error.status, error.extra.mfa_token, error.headers, error.body.detail.error);
}
