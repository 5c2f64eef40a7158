// What authfort takes of a request of Node.
import { AuthError, malformed } from './errors.js';

const MAX_BODY = 64 * 1024;

const tooLarge = () => new AuthError('The request body is too large', 'body_too_large', 413);

// The path and the query as the client sent them; a proxy may be sent a whole URL.
export function target(url) {
	const [path, query] = url.replace(/^https?:\/\/[^/?]*/i, '').split(/\?(.*)/s);
	return { path: escaped(path || '/'), query: query === undefined ? null : escaped(query) };
}

// Node reads a request line as Latin-1: other characters than ASCII are escaped.
function escaped(text) {
	return text.replace(/[^\x21-\x7e]/g, (c) =>
		[...Buffer.from(c, 'latin1')].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''));
}

// What PostgreSQL cannot have in a text, and what no header should have.
const unusable = /[\x00-\x08\x0a-\x1f\x7f\ufffd]/g;

// Headers in the order sent, each as an object, since one may be repeated; by the rule of the gateway.  Clients, proxies
// and other hosts of the same site put arbitrary bytes into headers.  A cookie with such bytes is left out, so that it
// does not hide the others; in another header they become question marks, because without the header a wrong token
// would be a missing one.
export function headerObjects(raw) {
	const objects = [];
	for (let i = 0; i < raw.length; i += 2) {
		const name = raw[i].toLowerCase();
		let value = Buffer.from(raw[i + 1], 'latin1').toString();
		if (name === 'cookie')
			value = value.split(';').filter((pair) => pair.search(unusable) < 0).join(';');
		objects.push({ [name]: value.replace(unusable, '?') });
	}
	return objects;
}

export function bodyText(bytes) {
	if (bytes.length === 0)
		return null;
	if (bytes.length > MAX_BODY)
		throw tooLarge();
	let text;
	try {
		text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
	} catch {
		throw malformed();
	}
	if (text.includes('\0'))
		throw malformed();
	return text;
}

export async function readBody(req) {
	const parts = [];
	let length = 0;
	for await (const part of req) {
		length += part.length;
		// the rest is read and thrown away, so that the client gets to read the refusal
		if (length <= MAX_BODY)
			parts.push(part);
	}
	if (length > MAX_BODY)
		throw tooLarge();
	return bodyText(Buffer.concat(parts));
}

// Whatever follows the scheme, as the database reads it: what is no token is refused, and does not count as none.
export function bearerToken(req) {
	return /^bearer +(.*)$/i.exec(req.headers.authorization ?? '')?.[1] ?? null;
}

// Every value of a cookie: a browser can send several of one name.
export function cookieValues(req, name) {
	return (req.headers.cookie ?? '').split(';').map((pair) => pair.split(/=(.*)/s))
		.filter(([key]) => key.trim() === name).map(([, value]) => (value ?? '').trim().replace(/^"(.*)"$/, '$1'))
		.filter((value) => value !== '');
}
