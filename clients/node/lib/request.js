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

// Headers in the order sent, each as an object, since one may be repeated; those that are not UTF-8 are left out.
export function headerObjects(raw) {
	const objects = [];
	for (let i = 0; i < raw.length; i += 2) {
		const value = Buffer.from(raw[i + 1], 'latin1').toString();
		if (!value.includes('\ufffd') && !value.includes('\0'))
			objects.push({ [raw[i].toLowerCase()]: value });
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

export function bearerToken(req) {
	return /^bearer +(\S+) *$/i.exec(req.headers.authorization ?? '')?.[1] ?? null;
}

// Every value of a cookie: a browser can send several of one name.
export function cookieValues(req, name) {
	return (req.headers.cookie ?? '').split(';').map((pair) => pair.split(/=(.*)/s))
		.filter(([key]) => key.trim() === name).map(([, value]) => (value ?? '').trim().replace(/^"(.*)"$/, '$1'))
		.filter((value) => value !== '');
}
