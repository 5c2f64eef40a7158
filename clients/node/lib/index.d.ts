import type { IncomingMessage } from 'node:http';
import type { Pool, PoolClient, PoolConfig } from 'pg';

export interface User {
	id: string;
	email: string | null;
	name: string | null;
	email_verified: boolean;
	avatar_url: string | null;
	phone: string | null;
	banned: boolean;
	roles: string[];
	created_at: string;
	session_id: string | null;
	mfa_enabled: boolean;
	is_deleted: boolean;
	deleted_at: string | null;
	locale: string | null;
	user_metadata: Record<string, unknown>;
	app_metadata: Record<string, unknown>;
	[member: string]: unknown;
}

export interface FetchOptions {
	/** How many fetches may wait at a time, of which one host gets three quarters; default 100. */
	max?: number;
	/** Networks in CIDR notation that are not public but may be reached; for tests. */
	allow?: string[];
	/** A certificate to trust instead of the system's; for tests. */
	ca?: string | Buffer;
}

export interface AuthFortOptions extends Omit<PoolConfig, 'log'> {
	/** A pool to use; without it, one is made of the other options, and closed by close(). */
	pool?: Pool;
	fetch?: FetchOptions;
	log?: { warn(message: string): void; error(message: string): void };
}

export interface Answer {
	status: number;
	/** Objects of one member each, so that Set-Cookie can repeat. */
	headers: Record<string, string>[];
	body: string | null;
}

export interface AuthRequest {
	method: string;
	path: string;
	query?: string | null;
	headers: Record<string, string>[];
	body?: string | null;
	remoteAddress?: string | null;
}

/** A refusal: its code, its text, and the status and headers of the response. */
export declare class AuthError extends Error {
	constructor(message: string, code: string, status: number, extra?: Record<string, unknown>, headers?: Record<string, string>);
	code: string;
	status: number;
	extra: Record<string, unknown>;
	headers: Record<string, string>;
	get body(): { detail: { error: string; message: string; [member: string]: unknown } };
}

export declare class AuthFort {
	constructor(options?: AuthFortOptions);
	/** Closes the pool, if it was made here. */
	close(): Promise<void>;
	/** Answers a request by the router of the database, and sends the fetches that it asks for. */
	answer(request: AuthRequest): Promise<Answer>;
	/** The user who sent the request. Raises AuthError, with status 401 or 403. */
	currentUser(req: IncomingMessage): Promise<User>;
	/** The same, with one of these roles. */
	requireRole(req: IncomingMessage, roles: string | string[]): Promise<User>;
	/** Runs fn in a transaction under the identity of the request's sender. */
	withIdentity<T>(req: IncomingMessage, fn: (client: PoolClient) => Promise<T>): Promise<T>;
}
