// authfort in a database: its routes, the caller of a request, and transactions in the caller's name.
import pg from 'pg';
import { AuthError, translate } from './errors.js';
import { Fetcher } from './fetch.js';
import { bearerToken, cookieValues, headerObjects } from './request.js';

const MAX_FETCHES = 8;	// of one request; the database stops earlier
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);
const SETTINGS = ['http_prefix', 'cookies', 'access_cookie_name', 'cors_origins', 'site_url'];
const SETTINGS_MS = 60_000;

// What statements of a transaction could leave in the session for the next caller: an identity, a temporary table.
const RESET = `CLOSE ALL; SET SESSION AUTHORIZATION DEFAULT; RESET ALL; UNLISTEN *;
	SELECT pg_catalog.pg_advisory_unlock_all(); DISCARD TEMP; DISCARD SEQUENCES`;

const detailError = ({ status, headers, body }) => {
	const { error, message, ...extra } = JSON.parse(body).detail;
	const kept = headers.flatMap((one) => Object.entries(one)).filter(([name]) => /^(www-authenticate|retry-after)$/i.test(name));
	return new AuthError(message, error, status, extra, Object.fromEntries(kept));
};

// The payload of a token that the database has verified.
function claimsOf(token) {
	try {
		return JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString());
	} catch {
		return {};
	}
}

export class AuthFort {
	#pool;
	#owned;
	#fetcher;
	#log;
	#settings = null;
	#settingsRead = 0;

	// "pool" is a pg.Pool, or else what a new one is made of.  The role is a
	// member of authfort_http, and of authfort_fetch for signing in with other providers.
	constructor({ pool, fetch, log = console, ...options } = {}) {
		this.#owned = pool === undefined;
		this.#pool = pool ?? new pg.Pool({ connectionTimeoutMillis: 5000, ...options });
		this.#fetcher = new Fetcher(fetch);
		this.#log = log;
		// a connection that breaks while it is idle would otherwise end the process
		if (this.#owned)
			this.#pool.on('error', (error) => this.#log.warn(`authfort: an idle connection failed: ${error.message}`));
	}

	async close() {
		if (this.#owned)
			await this.#pool.end();
	}

	async query(text, values) {
		try {
			return (await this.#pool.query(text, values)).rows;
		} catch (error) {
			throw translate(error);
		}
	}

	// The settings of the database that matter here; a change is noticed within a minute.
	async settings() {
		if (this.#settings === null || Date.now() - this.#settingsRead > SETTINGS_MS) {
			const [row] = await this.query(`SELECT authfort.version(), ${SETTINGS.map((name) =>
				`current_setting('authfort.${name}') AS ${name}`).join(', ')}`);
			this.#settings = row;
			this.#settingsRead = Date.now();
		}
		return this.#settings;
	}

	// Answers a request: {status, headers, body}; headers are objects of one member each.
	async answer({ method, path, query = null, headers, body = null, remoteAddress = null }) {
		let [row] = await this.query('SELECT * FROM authfort.http($1, $2, $3, $4, $5, $6)',
			[method, path, query, JSON.stringify(headers), body, remoteAddress?.replace(/%.*/, '') || null]);
		for (let i = 0; row.fetch && i < MAX_FETCHES; i++) {
			// no connection is held meanwhile
			const got = await this.#fetcher.send(row.fetch);
			if (got.error)
				this.#log.warn(`authfort: a request to a provider failed: ${got.error}`);
			[row] = await this.query('SELECT * FROM authfort.http_resume($1, $2, $3, $4)',
				[row.fetch.resume, got.status, JSON.stringify(got.headers), got.body]);
		}
		return { status: row.status, headers: row.headers ?? [], body: row.body };
	}

	// The user who sent the request, checked against the tables; raises an AuthError otherwise.
	async currentUser(req) {
		const settings = await this.settings();
		this.#checkOrigin(req, settings);
		const headers = headerObjects(req.rawHeaders).filter((one) => 'authorization' in one || 'cookie' in one);
		const answer = await this.answer({ method: 'GET', path: `${settings.http_prefix}/me`, headers });
		if (answer.status !== 200)
			throw detailError(answer);
		return JSON.parse(answer.body);
	}

	async requireRole(req, roles) {
		const wanted = (Array.isArray(roles) ? roles : [roles]).map((role) => role.normalize('NFC'));
		const user = await this.currentUser(req);
		if (!wanted.some((role) => user.roles.includes(role)))
			throw new AuthError(`Requires one of: ${wanted.join(', ')}`, 'insufficient_role', 403);
		return user;
	}

	// Runs fn(client) in a transaction under the identity of the request's
	// sender, in which row-level security applies.  A request without a token has
	// no identity there; an invalid token is refused.  A pool of the application
	// keeps what fn leaves in the session.
	async withIdentity(req, fn) {
		const token = await this.#token(req);
		let client;
		try {
			client = await this.#pool.connect();
		} catch (error) {
			throw translate(error);
		}
		let broken = false;
		try {
			await client.query('BEGIN');
			if (token !== null)
				await client.query('SELECT authfort.set_jwt($1), authfort.current_user()', [token]);
			else
				await client.query("SELECT pg_catalog.set_config('authfort.jwt', '', true)");
			const result = await fn(client);
			// PostgreSQL answers with ROLLBACK if fn went on after an error
			if ((await client.query('COMMIT')).command !== 'COMMIT')
				throw new Error('the transaction was rolled back, because a statement of it had failed');
			return result;
		} catch (error) {
			await client.query('ROLLBACK').catch(() => { broken = true; });
			throw translate(error);
		} finally {
			if (this.#owned && !broken)
				await client.query(RESET).catch(() => { broken = true; });
			// a connection that could not roll back is not used again
			client.release(broken);
		}
	}

	async #token(req) {
		const bearer = bearerToken(req);
		if (bearer !== null)
			return bearer;
		const settings = await this.settings();
		const cookies = settings.cookies === 'on' ? cookieValues(req, settings.access_cookie_name) : [];
		if (cookies.length === 0)
			return null;
		this.#checkOrigin(req, settings);
		return (cookies.length === 1) ? cookies[0] : this.#chosen(req, cookies);
	}

	// Of several cookies, the newest of the session that the database chose.
	async #chosen(req, cookies) {
		const { session_id } = await this.currentUser(req);
		const own = cookies.map((token) => ({ token, claims: claimsOf(token) })).filter(({ claims }) => claims.sid === session_id);
		return own.sort((a, b) => b.claims.iat - a.claims.iat)[0]?.token ?? null;
	}

	// Refuses a request that changes something by the cookie of a page of
	// another site; the rule is that of the routes.
	#checkOrigin(req, settings) {
		const site = req.headers['sec-fetch-site'];
		const origin = req.headers.origin;
		if (SAFE_METHODS.has(req.method) || bearerToken(req) !== null || settings.cookies !== 'on' ||
			cookieValues(req, settings.access_cookie_name).length === 0 || site === 'same-origin' || !(site || origin))
			return;
		const own = settings.site_url || /^https?:\/\//.exec(origin ?? '')?.[0] + (req.headers.host ?? '').toLowerCase();
		if (origin === own || settings.cors_origins.split(',').map((one) => one.trim()).includes(origin))
			return;
		throw new AuthError('This request came from a page of another site', 'origin_not_allowed', 403);
	}
}
