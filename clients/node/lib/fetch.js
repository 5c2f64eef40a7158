// Sends the requests to other servers that authfort asks for: to public addresses, by https, within limits.
import { lookup } from 'node:dns/promises';
import { request } from 'node:https';
import { isIP } from 'node:net';
import { isPublic, networks } from './address.js';

// The most that an answer may take, whatever the database asks for.
const MAX_MS = 30_000;
const MAX_BYTES = 1024 * 1024;

const own = new Set(['host', 'accept-encoding', 'content-length', 'connection', 'transfer-encoding']);

class FetchError extends Error {}

// Lookups that have not ended.  One that hangs holds one of the few threads of
// the process, so requests for the same name share it.
const lookups = new Map();

function sharedLookup(host, options) {
	const key = JSON.stringify([host, options]);
	if (!lookups.has(key))
		lookups.set(key, lookup(host, options).finally(() => lookups.delete(key)));
	return lookups.get(key);
}

// Refuses a name with an address that may not be reached.  The socket connects
// to what was checked here: another answer to the same question could differ.
function checkedLookup(mayReach) {
	return (host, options, callback) => {
		sharedLookup(host, { ...options, all: true }).then((found) => {
			if (found.length === 0 || !found.every(({ address }) => mayReach(address)))
				return callback(new FetchError(`${host} has an address that is not public`));
			return options.all ? callback(null, found) : callback(null, found[0].address, found[0].family);
		}, callback);
	};
}

function headersOf(fetch) {
	const objects = Array.isArray(fetch.headers) ? fetch.headers : [fetch.headers ?? {}];
	const pairs = objects.flatMap((one) => Object.entries(one)).filter(([name]) => !own.has(name.toLowerCase()));
	return { ...Object.fromEntries(pairs), 'Accept-Encoding': 'identity' };
}

async function readBody(response, limit) {
	if (!/^identity$/i.test(response.headers['content-encoding'] ?? 'identity'))
		throw new FetchError('the answer is compressed, though it was not asked to be');
	const parts = [];
	let length = 0;
	for await (const part of response) {
		length += part.length;
		if (length > limit)
			throw new FetchError('the answer is too large');
		parts.push(part);
	}
	const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(parts));
	if (text.includes('\0'))
		throw new FetchError('the answer has a zero byte');
	return text;
}

function answered(url, options, body) {
	return new Promise((resolve, reject) => {
		const sent = request(url, options, resolve);
		sent.on('error', reject);
		sent.end(body ?? undefined);
	});
}

export class Fetcher {
	#running = new Map(); // how many, by host
	#count = 0;

	// "max" is how many fetches may wait at a time; one host gets three quarters
	// of them, so that users of other providers can sign in while it hangs.
	// "allow" has networks that are not public but may be reached, and "ca" a
	// certificate to trust instead of the system's; both are for tests.
	constructor({ max = 100, allow = [], ca } = {}) {
		const allowed = networks(allow);
		this.mayReach = (address) => allowed(address) || isPublic(address);
		this.max = max;
		this.ca = ca;
	}

	// {status, headers, body}; status is null if the fetch failed, and error says why, for the log.
	async send(fetch) {
		try {
			const url = new URL(fetch.url);
			return await this.#counted(url.host, () => this.#send(url, fetch));
		} catch (error) {
			return { status: null, headers: [], body: null, error: `${error.name}: ${error.message}` };
		}
	}

	async #counted(host, send) {
		const running = this.#running.get(host) ?? 0;
		if (this.#count >= this.max || running >= this.max - Math.floor(this.max / 4))
			throw new FetchError(`too many requests wait, ${running} of them for ${host}`);
		this.#count++;
		this.#running.set(host, running + 1);
		try {
			return await send();
		} finally {
			this.#count--;
			const left = this.#running.get(host) - 1;
			if (left > 0)
				this.#running.set(host, left);
			else
				this.#running.delete(host);
		}
	}

	async #send(url, fetch) {
		const host = url.hostname.replace(/^\[|\]$/g, '');
		if (url.protocol !== 'https:' || url.username !== '' || url.password !== '')
			throw new FetchError('only https is fetched, and no URL with a user in it');
		// an address in the URL is not looked up
		if (isIP(host) && !this.mayReach(host))
			throw new FetchError(`${host} is not public`);
		const response = await answered(url, {
			method: fetch.method ?? 'GET',
			headers: headersOf(fetch),
			lookup: checkedLookup(this.mayReach),
			agent: false,
			ca: this.ca,
			signal: AbortSignal.timeout(Math.min(fetch.timeout_ms ?? 10_000, MAX_MS)),
		}, fetch.body);
		const body = await readBody(response, Math.min(fetch.max_bytes ?? MAX_BYTES, MAX_BYTES));
		const headers = [];
		for (let i = 0; i < response.rawHeaders.length; i += 2)
			headers.push({ [response.rawHeaders[i]]: response.rawHeaders[i + 1] });
		return { status: response.statusCode, headers, body };
	}
}
