import type { PoolClient } from 'pg';
import type { AuthFort, User } from './index.js';

/** A hook or handler of Fastify, without a dependency on its types. */
export type Hook = (request: any, reply: any) => Promise<unknown>;

export interface FastifyAuth {
	/** The routes of authfort; for app.register() without a prefix. */
	plugin: (app: any) => Promise<void>;
	/** A preHandler: sets request.user, or answers 401 or 403. */
	currentUser: Hook;
	/** The same for a user with one of these roles. */
	requireRole(...roles: (string | string[])[]): Hook;
	/** Answers refusals that a handler throws. */
	guarded(handle: Hook): Hook;
	withIdentity<T>(request: { raw: unknown }, fn: (client: PoolClient) => Promise<T>): Promise<T>;
}

export declare function fastify(auth: AuthFort): FastifyAuth;

declare module 'fastify' {
	interface FastifyRequest {
		user?: User;
	}
}
