"""Makes id_tokens with the primitives of python3-cryptography alone, good and bad ones.

Reads a JSON array of objects from stdin: "alg", "claims", and optionally "access_token", for at_hash,
and "fault".  Writes {"keys": a JWK Set, "tokens": an array of tokens}.
"""
import base64
import hashlib
import hmac
import json
import sys

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

CURVES = {'256': ('P-256', ec.SECP256R1(), 32), '384': ('P-384', ec.SECP384R1(), 48),
          '512': ('P-521', ec.SECP521R1(), 66)}
HASHES = {'256': (hashes.SHA256(), hashlib.sha256), '384': (hashes.SHA384(), hashlib.sha384),
          '512': (hashes.SHA512(), hashlib.sha512)}

EDDSA = ('EdDSA', 'Ed25519')  # RFC 8037, and RFC 9864


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b'=').decode()


def number(value, size=None):
    return b64(value.to_bytes(size or (value.bit_length() + 7) // 8, 'big'))


def rsa_jwk(key, **more):
    numbers = key.public_key().public_numbers()
    return {'kty': 'RSA', 'n': number(numbers.n), 'e': number(numbers.e), **more}


def ec_jwk(key, size, **more):
    crv, _, width = CURVES[size]
    numbers = key.public_key().public_numbers()
    return {'kty': 'EC', 'crv': crv, 'x': number(numbers.x, width), 'y': number(numbers.y, width), **more}


def raw(key):
    return key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


RSA = rsa.generate_private_key(65537, 2048)
WEAK = rsa.generate_private_key(65537, 1024)
EC = {size: ec.generate_private_key(curve) for size, (_, curve, _) in CURVES.items()}
ED = ed25519.Ed25519PrivateKey.generate()
# each algorithm has a key that states it; "any" states none, and "weak" and "e1" are refused
JWKS = {'keys': [rsa_jwk(RSA, kid=alg, alg=alg, use='sig')
                 for alg in ('RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512')]
        + [ec_jwk(EC[size], size, kid=f'ES{size}', alg=f'ES{size}') for size in CURVES]
        + [{'kty': 'OKP', 'crv': 'Ed25519', 'x': b64(raw(ED)), 'kid': alg, 'alg': alg} for alg in EDDSA]
        + [rsa_jwk(RSA, kid='any'), rsa_jwk(RSA, kid='enc', use='enc'), rsa_jwk(RSA, kid='oaep', alg='RSA-OAEP'),
           rsa_jwk(WEAK, kid='weak'), {**rsa_jwk(RSA, kid='e1'), 'e': 'AQ'},
           {'kty': 'oct', 'kid': 'oct', 'k': b64(b'secret'), 'alg': 'HS256'}]}


def sign(alg, data, fault):
    size = alg[2:]
    if alg in EDDSA:
        return ED.sign(data)
    if alg in ('none', 'None', 'nOnE'):
        return b'x'
    if alg.startswith('HS'):
        pem = RSA.public_key().public_bytes(serialization.Encoding.PEM,
                                            serialization.PublicFormat.SubjectPublicKeyInfo)
        return hmac.new(b'secret' if fault == 'oct' else pem, data, HASHES[size][1]).digest()
    digest = HASHES[size][0]
    if alg.startswith('ES'):
        der = EC['256' if fault == 'p256' else size].sign(data, ec.ECDSA(digest))
        r, s = decode_dss_signature(der)
        width = CURVES[size][2]
        if fault == 'der':
            return der
        if fault == 'swapped':
            r, s = s, r
        if fault == 'zeros':
            r, s = 0, 0
        return r.to_bytes(width, 'big') + s.to_bytes(width, 'big')
    key = WEAK if fault == 'weak' else RSA
    if fault == 'e1':
        size_of_key = key.key_size // 8
        # what verifies with an exponent of 1: the padded hash itself (RFC 8017, section 9.2)
        info = bytes.fromhex('3031300d060960864801650304020105000420') + hashlib.sha256(data).digest()
        return b'\0\1' + b'\xff' * (size_of_key - len(info) - 3) + b'\0' + info
    if alg.startswith('PS'):
        salt = padding.PSS.MAX_LENGTH if fault == 'salt' else digest.digest_size
        return key.sign(data, padding.PSS(padding.MGF1(digest), salt), digest)
    return key.sign(data, padding.PKCS1v15(), digest)


def make(order):
    alg, fault, claims = order['alg'], order.get('fault', ''), dict(order['claims'])
    if 'access_token' in order:
        name = 'sha512' if alg in EDDSA else 'sha' + alg[2:]
        if fault == 'at_hash':
            name = 'sha512' if name == 'sha256' else 'sha256'
        digest = hashlib.new(name, order['access_token'].encode()).digest()
        claims['at_hash'] = b64(digest[:len(digest) // 2])
    header = {'alg': alg}
    if order.get('kid', alg):
        header['kid'] = order.get('kid', alg)
    signed = b64(json.dumps(header).encode()) + '.' + b64(json.dumps(claims).encode())
    signature = bytearray(sign(order.get('sign', alg), signed.encode(), fault))
    if fault == 'bit':
        signature[len(signature) // 2] ^= 1
    if fault == 'short':
        signature = signature[:-1]
    if fault == 'long':
        signature += b'\0'
    if fault == 'empty':
        signature = b''
    return signed + '.' + b64(bytes(signature))


json.dump({'keys': JWKS, 'tokens': [make(order) for order in json.load(sys.stdin)]}, sys.stdout)
