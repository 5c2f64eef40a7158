// authfort for Fastify.
import { AuthError, translate } from './errors.js';
import { bodyText, headerObjects, target } from './request.js';

async function send(reply, { status, headers, body }) {
	reply.code(status);
	for (const one of headers)
		for (const [name, value] of Object.entries(one))
			reply.header(name, value);
	return reply.send(body ?? '');
}

function refuse(reply, error) {
	return reply.code(error.status).headers({ 'Cache-Control': 'no-store', ...error.headers }).send(error.body);
}

/**
 * Returns the plugin with the routes, for app.register() without a prefix, and
 * hooks for preHandler.  A refusal is answered; any other error goes to the
 * application's handler.
 */
export function fastify(auth) {
	const guarded = (handle) => async (request, reply) => {
		try {
			return await handle(request, reply);
		} catch (error) {
			const known = translate(error);

			if (known instanceof AuthError)
				return refuse(reply, known);
			throw error;
		}
	};

	const answer = guarded(async (request, reply) => {
		const { path, query } = target(request.raw.url);
		return send(reply, await auth.answer({
			method: request.method, path, query, headers: headerObjects(request.raw.rawHeaders),
			body: Buffer.isBuffer(request.body) ? bodyText(request.body) : null,
			remoteAddress: request.socket.remoteAddress,
		}));
	});

	// Not wrapped by fastify-plugin: the parser below is for these routes alone.
	const plugin = async (app) => {
		const { http_prefix: prefix } = await auth.settings();
		const methods = ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT'];

		app.removeAllContentTypeParsers();
		app.addContentTypeParser('*', { parseAs: 'buffer' }, (request, body, done) => done(null, body));
		app.setErrorHandler((error, request, reply) => {
			if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE')
				return refuse(reply, new AuthError('The request body is too large', 'body_too_large', 413));
			throw error;
		});
		for (const url of [`${prefix}/*`, '/.well-known/jwks.json', '/.well-known/openid-configuration', '/.well-known/webauthn'])
			app.route({ method: methods, url, handler: answer, exposeHeadRoute: false });
	};

	const currentUser = guarded(async (request) => {
		request.user = await auth.currentUser(request.raw);
	});

	const requireRole = (...roles) => guarded(async (request) => {
		request.user = await auth.requireRole(request.raw, roles.flat());
	});

	return { plugin, currentUser, requireRole, guarded, withIdentity: (request, fn) => auth.withIdentity(request.raw, fn) };
}
