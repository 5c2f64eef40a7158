// Refusals, and what errors of the database mean to a client.

export class AuthError extends Error {
	constructor(message, code, status, extra = {}, headers = {}) {
		super(message);
		this.name = 'AuthError';
		this.code = code;
		this.status = status;
		this.extra = extra;
		this.headers = headers;
	}

	// The body of the response.
	get body() {
		return { detail: { error: this.code, message: this.message, ...this.extra } };
	}
}

export const unavailable = () =>
	new AuthError('The database is not available', 'service_unavailable', 503, {}, { 'Retry-After': '5' });

export const malformed = () => new AuthError('The request is malformed', 'invalid_request', 400);

// The database's refusal of a token, with its code as DETAIL.
function unauthenticated({ message, detail }) {
	const code = /^[a-z]+(_[a-z]+)*$/.test(detail ?? '') ? detail : 'token_invalid';
	const text = message.charAt(0).toUpperCase() + message.slice(1);
	// the token of a banned user is valid
	if (code === 'user_banned')
		return new AuthError(text, code, 403);
	return new AuthError(text, code, 401, {}, { 'WWW-Authenticate': 'Bearer error="invalid_token"' });
}

// By the beginning of the SQLSTATE, or the code of an error of the network.
const failures = [
	[/^(08|53|57P|58|F0|25006)/, unavailable],
	[/^(EAI_AGAIN|ECONNABORTED|ECONNREFUSED|ECONNRESET|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EPIPE|ETIMEDOUT)$/, unavailable],
	[/^57014$/, () => new AuthError('The request took too long', 'timeout', 503)],
	[/^(40001|40P01|55P03)$/, () => new AuthError('The server is busy', 'server_busy', 503, {}, { 'Retry-After': '5' })],
	[/^22(021|P05)$/, malformed],
	[/^28000$/, unauthenticated],
];

// The refusal that a client gets for an error of the database, or the error itself.
export function translate(error) {
	if (error instanceof AuthError)
		return error;
	const failure = failures.find(([code]) => code.test(String(error?.code ?? '')));
	if (failure)
		return failure[1](error);
	// a socket in the file system may be missing; other files are the application's
	if (error?.syscall === 'connect')
		return unavailable();
	// node-postgres has no code for these
	if (/timeout exceeded when trying to connect|Connection terminated|Client has encountered a connection error/.test(error?.message))
		return unavailable();
	return error;
}
