"""An OpenID provider made of Authlib, on loopback with TLS, that misbehaves on demand.

Usage: oauth_provider.py CERTIFICATE KEY REDIRECT_URI...
Prints its port.  POST /control with JSON sets "fault", "user" and others of the dictionary
"control"; GET /requests gives the paths that were asked for.
"""
import json
import secrets
import ssl
import sys
import time

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.jose import JsonWebKey, jwt
from authlib.oauth2.rfc6749 import ClientMixin, grants
from authlib.oauth2.rfc6750 import BearerTokenGenerator
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core import UserInfo
from authlib.oidc.core.grants import OpenIDCode
from flask import Flask, Response, jsonify, request
from werkzeug.serving import make_server

CERTIFICATE, KEY, *REDIRECTS = sys.argv[1:]
KEYS = {'first': JsonWebKey.generate_key('RSA', 2048, {'kid': 'first', 'use': 'sig'}, is_private=True),
        'second': JsonWebKey.generate_key('EC', 'P-256', {'kid': 'second', 'use': 'sig'}, is_private=True),
        'foreign': JsonWebKey.generate_key('RSA', 2048, {'kid': 'first'}, is_private=True)}
USERS = {'ada': {'sub': 'ada-1', 'email': 'ada@example.com', 'email_verified': True, 'name': 'Ada Lovelace',
                 'picture': 'https://example.com/ada.png'},
         'grace': {'sub': 'grace-1', 'email': 'grace@example.com', 'email_verified': True, 'name': 'Grace Hopper'},
         'eve': {'sub': 'eve-1', 'email': 'ada@example.com', 'email_verified': False, 'name': 'Eve'},
         'nobody': {'sub': 'nobody-1'}}
control = {'fault': '', 'user': 'ada', 'key': 'first', 'published': ['first'], 'discovery': {}, 'delay': 0}
codes, tokens, requests = {}, {}, []
ISSUER = ''
app = Flask(__name__)


class Client(ClientMixin):
    """The one client, which may authenticate in both ways."""

    client_id = 'client'

    def get_client_id(self):
        return self.client_id

    def get_default_redirect_uri(self):
        return REDIRECTS[0]

    def get_allowed_scope(self, scope):
        return scope

    def check_redirect_uri(self, redirect_uri):
        return redirect_uri in REDIRECTS

    def check_client_secret(self, client_secret):
        return client_secret == 'planted-Client-Secret'

    def check_endpoint_auth_method(self, method, endpoint):
        return method in ('client_secret_basic', 'client_secret_post')

    def check_response_type(self, response_type):
        return response_type == 'code'

    def check_grant_type(self, grant_type):
        return grant_type == 'authorization_code'


class Code:
    """What a code was issued for."""

    def __init__(self, **values):
        self.__dict__.update(values)

    def get_redirect_uri(self):
        return self.redirect_uri

    def get_scope(self):
        return self.scope

    def get_nonce(self):
        return self.nonce

    def get_auth_time(self):
        return int(time.time())

    # asked for since Authlib 1.7
    def get_acr(self):
        return None

    def get_amr(self):
        return None


class User(dict):
    def get_user_id(self):
        return self['sub']


class CodeGrant(grants.AuthorizationCodeGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ['client_secret_basic', 'client_secret_post']

    def save_authorization_code(self, code, request):
        codes[code] = Code(code=code, client_id=request.client.client_id, redirect_uri=request.redirect_uri,
                           scope=request.scope, nonce=request.data.get('nonce'), user=request.user,
                           code_challenge=request.data.get('code_challenge'),
                           code_challenge_method=request.data.get('code_challenge_method'))
        return code

    def query_authorization_code(self, code, client):
        return codes.get(code)

    def delete_authorization_code(self, authorization_code):
        if control['fault'] != 'code_again':
            codes.pop(authorization_code.code, None)

    def authenticate_user(self, authorization_code):
        return authorization_code.user


class OpenID(OpenIDCode):
    def exists_nonce(self, nonce, request):
        return False

    def get_jwt_config(self, grant):
        key = KEYS[control['key']]
        return {'key': key, 'alg': 'ES256' if key.kty == 'EC' else 'RS256', 'iss': ISSUER, 'exp': 300}

    def generate_user_info(self, user, scope):
        info = UserInfo({k: v for k, v in user.items() if not control['discovery'].get('sparse') or k == 'sub'})
        info.update(kid=None)
        return UserInfo({k: v for k, v in info.items() if v is not None})


server = AuthorizationServer(app, query_client=lambda client_id: Client() if client_id == 'client' else None,
                             save_token=lambda token, req: tokens.update({token['access_token']: req.user}))
server.register_token_generator('default', BearerTokenGenerator(
    lambda client, grant_type, user, scope: 'at-' + secrets.token_urlsafe(24)))
server.register_grant(CodeGrant, [OpenID(require_nonce=True), CodeChallenge(required=True)])


def sign(claims, key, alg=None, kid=None):
    alg = alg or ('ES256' if key.kty == 'EC' else 'RS256')
    return jwt.encode({'alg': alg, 'kid': kid or key.as_dict().get('kid')}, claims, key).decode()


def unsigned(claims):
    def part(value):
        import base64
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b'=').decode()
    return part({'alg': 'none', 'kid': 'first'}) + '.' + part(claims) + '.'


def misbehave(id_token):
    """The id_token of a faulty or hostile provider."""
    import base64
    payload = id_token.split('.')[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + '=' * (-len(payload) % 4)))
    key = KEYS[control['key']]
    fault = control['fault']
    changes = {'iss': {'iss': 'https://other.example'}, 'aud': {'aud': 'other-client'}, 'auds': {'aud': ['client', 'other']},
               'azp': {'azp': 'other-client'}, 'nonce': {'nonce': 'made-up'}, 'expired': {'exp': int(time.time()) - 3600},
               'future': {'iat': int(time.time()) + 3600}, 'at_hash': {'at_hash': 'AAAAAAAAAAAAAAAAAAAAAA'}, 'sub': {'sub': ''}}
    if fault in changes:
        return sign({**claims, **changes[fault]}, key)
    if fault == 'no_nonce':
        return sign({k: v for k, v in claims.items() if k != 'nonce'}, key)
    if fault == 'alg_none':
        return unsigned(claims)
    if fault == 'hs256':
        import hashlib
        import hmac
        head = base64.urlsafe_b64encode(json.dumps({'alg': 'HS256', 'kid': 'first'}).encode()).rstrip(b'=').decode()
        mac = hmac.new(KEYS['first'].as_pem(is_private=False), f'{head}.{payload}'.encode(), hashlib.sha256).digest()
        return f'{head}.{payload}.' + base64.urlsafe_b64encode(mac).rstrip(b'=').decode()
    if fault == 'key_swap':
        return sign(claims, KEYS['foreign'], kid='first')
    if fault == 'unknown_kid':
        return sign(claims, KEYS['foreign'], kid='unknown')
    return sign(claims, key)


def endless():
    while True:
        yield b' ' * 65536


def misanswer(what):
    """An invalid answer; None if this one is to be good."""
    fault = control['fault']
    if fault == f'{what}_html':
        return Response('<!DOCTYPE html><title>Sign in</title>', mimetype='text/html')
    if fault == f'{what}_big':
        return Response(b'{"x":"' + b'a' * 10_000_000 + b'"}', mimetype='application/json')
    if fault == f'{what}_endless':
        return Response(endless(), mimetype='application/json')
    if fault == f'{what}_redirect':
        return Response(status=302, headers={'Location': ISSUER + '/internal'})
    if fault == f'{what}_empty':
        return Response('{}', mimetype='application/json')
    if fault == f'{what}_500':
        return Response('{"error": "server_error"}', status=500, mimetype='application/json')
    return None


@app.before_request
def note():
    if request.path not in ('/control', '/requests'):
        requests.append(request.path)
    if control['delay'] and request.path == '/token':
        time.sleep(control['delay'])


@app.post('/control')
def set_control():
    control.update(request.get_json())
    return jsonify(control)


@app.get('/requests')
def list_requests():
    return jsonify(requests)


@app.get('/mint')
def mint():
    """An id_token as an app gets it from its provider's library."""
    now = int(time.time())
    claims = {'iss': ISSUER, 'aud': 'phone', 'iat': now, 'exp': now + 300, **USERS[control['user']], **request.args}
    return sign(claims, KEYS[control['key']])


@app.get('/internal')
def internal():
    return jsonify(access_token='internal', sub='internal')


@app.get('/.well-known/openid-configuration')
def discovery():
    return misanswer('discovery') or jsonify({
        'issuer': ISSUER, 'authorization_endpoint': ISSUER + '/authorize', 'token_endpoint': ISSUER + '/token',
        'userinfo_endpoint': ISSUER + '/userinfo', 'jwks_uri': ISSUER + '/jwks', **control['discovery']})


@app.get('/jwks')
def jwks():
    return misanswer('jwks') or jsonify(keys=[KEYS[k].as_dict(is_private=False) for k in control['published']])


@app.get('/authorize')
def authorize():
    if control['fault'] == 'denied':
        from urllib.parse import urlencode
        return Response(status=302, headers={'Location': REDIRECTS[0] + '?' + urlencode(
            {'error': 'access_denied', 'error_description': '<script>alert(1)</script>', 'state': request.args['state']})})
    if control.get('page'):
        return Response('<!DOCTYPE html><title>Provider</title><form><button id="allow" name="go" value="1">Allow</button>'
                        + ''.join(f'<input type="hidden" name="{k}" value="{v}">' for k, v in request.args.items()) + '</form>')
    return server.create_authorization_response(grant_user=User(USERS[control['user']]))


@app.post('/token')
def token():
    answer = misanswer('token')
    if answer is not None:
        return answer
    response = server.create_token_response()
    body = json.loads(response.get_data())
    if 'id_token' in body:
        if control['fault'] == 'no_id_token':
            del body['id_token']
        else:
            body['id_token'] = misbehave(body['id_token'])
    if control['fault'] == 'no_access_token':
        body.pop('access_token', None)
    if control['fault'] == 'mac_token':
        body['token_type'] = 'mac'
    return Response(json.dumps(body), status=response.status_code, mimetype='application/json')


@app.get('/userinfo')
def userinfo():
    user = tokens.get(request.headers.get('Authorization', '')[7:])
    if user is None:
        return jsonify(error='invalid_token'), 401
    answer = misanswer('userinfo')
    if answer is not None:
        return answer
    if control['fault'] == 'other_sub':
        return jsonify({**user, 'sub': 'ada-1', 'email': 'ada@example.com'})
    return jsonify(user)


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(CERTIFICATE, KEY)
httpd = make_server('127.0.0.1', 0, app, threaded=True, ssl_context=context)
ISSUER = f'https://localhost:{httpd.server_port}'
import logging
logging.getLogger('werkzeug').setLevel(logging.ERROR)
print(httpd.server_port, flush=True)
httpd.serve_forever()
