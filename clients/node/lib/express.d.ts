import type { IncomingMessage, ServerResponse } from 'node:http';
import type { PoolClient } from 'pg';
import type { AuthFort, User } from './index.js';

/** A handler of Express 4 and 5, without a dependency on their types. */
export type Handler = (req: any, res: any, next: (error?: unknown) => void) => unknown;

export interface ExpressAuth {
	/** The routes of authfort; for app.use() without a path, before body parsers. */
	router: Handler;
	/** Sets req.user, or answers 401 or 403. */
	currentUser: Handler;
	/** The same for a user with one of these roles. */
	requireRole(...roles: (string | string[])[]): Handler;
	/** Answers refusals that an async handler throws. */
	guarded(handle: Handler): Handler;
	withIdentity<T>(req: IncomingMessage, fn: (client: PoolClient) => Promise<T>): Promise<T>;
}

export declare function express(auth: AuthFort): ExpressAuth;

declare global {
	namespace Express {
		interface Request {
			user?: User;
		}
	}
}
