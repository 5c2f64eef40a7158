// Which addresses are of the internet, as in the gateway: the registries of IANA for special purposes, and an
// address of Azure's hosts.
import { BlockList, isIPv6 } from 'node:net';

const special = new BlockList();
for (const [network, bits] of [
	['0.0.0.0', 8], ['10.0.0.0', 8], ['100.64.0.0', 10], ['127.0.0.0', 8], ['168.63.129.16', 32],
	['169.254.0.0', 16], ['172.16.0.0', 12], ['192.0.0.0', 24], ['192.0.2.0', 24], ['192.88.99.0', 24],
	['192.168.0.0', 16], ['198.18.0.0', 15], ['198.51.100.0', 24], ['203.0.113.0', 24], ['224.0.0.0', 3],
])
	special.addSubnet(network, bits, 'ipv4');

// Of IPv6, only 2000::/3 is assigned; within it, what wraps an address of IPv4 or is for documentation is left out.
const global6 = new BlockList();
global6.addSubnet('2000::', 3, 'ipv6');
const special6 = new BlockList();
for (const [network, bits] of [['2001::', 23], ['2001:db8::', 32], ['2002::', 16], ['3fff::', 20]])
	special6.addSubnet(network, bits, 'ipv6');

// The IPv4 address at the end of one of IPv6, mapped or of NAT64; null if there is none.
function wrapped(address) {
	// in the one form that URLs have, which is without a zone
	const [host] = /[^[\]]+/.exec(new URL(`http://[${address.replace(/%.*/, '')}]/`).hostname);
	const [, groups] = /^(?:::ffff|64:ff9b:):((?:[0-9a-f]{1,4}:)?[0-9a-f]{0,4})$/.exec(host) ?? [];
	if (groups === undefined)
		return null;
	const number = groups.split(':').reduce((sum, group) => sum * 65536 + Number.parseInt(group || '0', 16), 0);
	return [24, 16, 8, 0].map((shift) => (number >>> shift) & 255).join('.');
}

export function isPublic(address) {
	const inner = isIPv6(address) ? wrapped(address) : address;
	if (inner === null)
		return global6.check(address, 'ipv6') && !special6.check(address, 'ipv6');
	return !special.check(inner, 'ipv4');
}

// A list of networks in CIDR notation.
export function networks(list) {
	const allowed = new BlockList();
	for (const network of list) {
		const [address, bits] = network.split('/');
		const family = isIPv6(address) ? 'ipv6' : 'ipv4';
		allowed.addSubnet(address, bits === undefined ? (family === 'ipv6' ? 128 : 32) : Number(bits), family);
	}
	return (address) => allowed.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}
