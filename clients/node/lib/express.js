// authfort for Express.
import { AuthError, translate } from './errors.js';
import { bodyText, headerObjects, readBody, target } from './request.js';

// A body that a parser of the application has read already.
async function bodyOf(req) {
	if (!req.readableEnded || req.body === undefined)
		return readBody(req);
	if (Buffer.isBuffer(req.body))
		return bodyText(req.body);
	return bodyText(Buffer.from(typeof req.body === 'string' ? req.body : JSON.stringify(req.body)));
}

function send(res, { status, headers, body }) {
	res.status(status);
	for (const one of headers)
		for (const [name, value] of Object.entries(one))
			res.append(name, value);
	res.end(body ?? undefined);
}

function refuse(res, error) {
	res.status(error.status).set({ 'Cache-Control': 'no-store', ...error.headers }).json(error.body);
}

/**
 * Returns the router, for app.use() without a path, and middleware.  A refusal
 * is answered; any other error goes to the application's handler.
 */
export function express(auth) {
	// in Express 4, a rejected promise of a handler is lost
	const guarded = (handle) => async (req, res, next) => {
		try {
			await handle(req, res, next);
		} catch (error) {
			const known = translate(error);

			if (known instanceof AuthError && !res.headersSent)
				refuse(res, known);
			else
				next(error);
		}
	};

	const router = guarded(async (req, res, next) => {
		const { http_prefix: prefix } = await auth.settings();
		const { path, query } = target(req.originalUrl);
		if (!(path === prefix || path.startsWith(`${prefix}/`) || path.startsWith('/.well-known/')))
			return next();
		const answer = await auth.answer({
			method: req.method, path, query, headers: headerObjects(req.rawHeaders), body: await bodyOf(req),
			remoteAddress: req.socket.remoteAddress,
		});
		// another handler may have what the database does not
		if (answer.status === 404 && path.startsWith('/.well-known/'))
			return next();
		return send(res, answer);
	});

	const currentUser = guarded(async (req, res, next) => {
		req.user = await auth.currentUser(req);
		next();
	});

	const requireRole = (...roles) => guarded(async (req, res, next) => {
		req.user = await auth.requireRole(req, roles.flat());
		next();
	});

	return { router, currentUser, requireRole, guarded, withIdentity: (req, fn) => auth.withIdentity(req, fn) };
}
