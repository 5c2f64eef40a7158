// Which addresses are of the internet (the registries of IANA for special purposes).
import { BlockList, isIPv6 } from 'node:net';

const special = new BlockList();
for (const [network, bits] of [
	['0.0.0.0', 8], ['10.0.0.0', 8], ['100.64.0.0', 10], ['127.0.0.0', 8], ['169.254.0.0', 16], ['172.16.0.0', 12],
	['192.0.0.0', 24], ['192.0.2.0', 24], ['192.88.99.0', 24], ['192.168.0.0', 16], ['198.18.0.0', 15],
	['198.51.100.0', 24], ['203.0.113.0', 24], ['224.0.0.0', 3],
])
	special.addSubnet(network, bits, 'ipv4');

// Of IPv6, only 2000::/3 is assigned; within it, what wraps an address of IPv4 or is for documentation is left out.
const global6 = new BlockList();
global6.addSubnet('2000::', 3, 'ipv6');
const special6 = new BlockList();
for (const [network, bits] of [['2001::', 23], ['2001:db8::', 32], ['2002::', 16], ['3fff::', 20]])
	special6.addSubnet(network, bits, 'ipv6');

export function isPublic(address) {
	if (isIPv6(address))
		return global6.check(address, 'ipv6') && !special6.check(address, 'ipv6');
	return !special.check(address, 'ipv4');
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
