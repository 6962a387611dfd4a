"""Tokens that this suite did not make, for the tests of access.

tokens.py forge ISSUER AUDIENCE NOW   prints the issuer's keys and a table of good and forged tokens by PyJWT, as one line of JSON
tokens.py provider AUDIENCE           runs an OpenID Connect provider, prints its address and what it gave two people, and ends with standard input
"""
import base64
import hashlib
import hmac
import json
import sys


def encoded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def compact(value):
    return json.dumps(value, separators=(",", ":")).encode()


def forge(issuer, audience, now):
    import jwt
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

    main, pss, foreign = (rsa.generate_private_key(65537, 2048) for _ in range(3))
    short = rsa.generate_private_key(65537, 1024)
    curve, edwards = ec.generate_private_key(ec.SECP256R1()), ed25519.Ed25519PrivateKey.generate()
    published = []
    for kid, key, algorithm in [("rsa", main, jwt.algorithms.RSAAlgorithm), ("pss", pss, jwt.algorithms.RSAAlgorithm),
                                ("short", short, jwt.algorithms.RSAAlgorithm), ("ec", curve, jwt.algorithms.ECAlgorithm),
                                ("ed", edwards, jwt.algorithms.OKPAlgorithm)]:
        entry = json.loads(algorithm.to_jwk(key.public_key()))
        entry.update(kid=kid, use="sig")
        entry.pop("key_ops", None)
        if kid == "pss":
            entry["alg"] = "PS256"
        published.append(entry)
    published.append(dict(published[0], kid="for encryption", use="enc"))

    good = {"iss": issuer, "aud": audience, "sub": "wang.fang", "name": "Wang Fang", "staff": "Wang Fang", "roles": ["agent"], "iat": now, "exp": now + 600}
    table = []

    def add(name, expected, token):
        table.append({"name": name, "expected": expected, "token": token})

    def without(*names):
        return {name: value for name, value in good.items() if name not in names}

    def signed(header, payload, key=main):
        text = encoded(header) + "." + encoded(payload)
        return text + "." + encoded(key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))

    def made(claims=None, key=main, algorithm="RS256", kid="rsa", **header):
        return jwt.encode(good if claims is None else claims, key, algorithm, headers=dict(header, kid=kid) if kid else header)

    def changed(**claims):
        return made(dict(good, **claims))

    add("RS256", "", made())
    add("PS256", "", made(key=pss, algorithm="PS256", kid="pss"))
    add("ES256", "", made(key=curve, algorithm="ES256", kid="ec"))
    add("EdDSA", "", made(key=edwards, algorithm="EdDSA", kid="ed"))
    add("an audience among several", "", changed(aud=["other", audience]))
    add("roles in one text", "", changed(roles="openid agent"))
    add("the type of access tokens", "", made(typ="at+jwt"))
    add("expired within the skew of clocks", "", changed(exp=now - 30))

    header = compact({"alg": "none", "kid": "rsa"})
    add("alg none, unsigned", "form", encoded(header) + "." + encoded(compact(good)) + ".")
    for word in ["none", "None", "NONE", ""]:
        add(f"alg {word!r} with a signature", "algorithm", signed(compact({"alg": word, "kid": "rsa"}), compact(good)))
    pem = main.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    modulus = main.public_key().public_numbers().n.to_bytes(256, "big")
    for name, secret in [("PEM", pem), ("modulus", modulus), ("nothing", b"")]:
        text = encoded(compact({"alg": "HS256", "kid": "rsa"})) + "." + encoded(compact(good))
        add(f"HS256 with the public key's {name}", "algorithm", text + "." + encoded(hmac.new(secret, text.encode(), hashlib.sha256).digest()))
    add("RS512 by a key for RS256", "algorithm", made(algorithm="RS512"))
    add("PS256 by a key for RS256", "algorithm", made(algorithm="PS256"))
    add("RS256 by a key for PS256", "algorithm", made(key=pss, kid="pss"))
    add("no kid", "key", made(kid=None))
    add("an unknown kid", "key", made(kid="other"))
    add("a kid that is a number", "key", signed(compact({"alg": "RS256", "kid": 1}), compact(good)))
    add("a key of 1024 bits", "key", made(key=short, kid="short"))
    add("a key for encryption", "key", made(kid="for encryption"))
    add("a foreign key under our name", "signature", made(key=foreign))
    own = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(foreign.public_key()))
    add("a key in the header", "header", made(key=foreign, jwk=own))
    add("an address of keys in the header", "header", made(key=foreign, jku="https://example.com/keys"))
    add("critical extensions", "critical", made(crit=["exp"]))
    add("another type", "type", made(typ="secevent+jwt"))
    add("alg twice", "header", signed(b'{"alg":"RS256","alg":"RS256","kid":"rsa"}', compact(good)))
    add("a claim twice", "claims", signed(compact({"alg": "RS256", "kid": "rsa"}), compact(good)[:-1] + b',"sub":"li.na"}'))
    add("claims that are no object", "claims", signed(compact({"alg": "RS256", "kid": "rsa"}), b"[]"))
    add("claims that are no JSON", "claims", signed(compact({"alg": "RS256", "kid": "rsa"}), b"{"))

    whole = made()
    first, second, third = whole.split(".")
    add("padding", "form", f"{first}.{second}.{third}==")
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    add("loose bits behind the signature", "form", whole[:-1] + letters[letters.index(whole[-1]) ^ 1])
    add("four parts", "form", whole + ".x")
    add("two parts", "form", f"{first}.{second}")
    add("a blank behind it", "form", whole + " ")
    add("base64 of the other alphabet", "form", f"{first}.{second}." + third.replace("-", "+").replace("_", "/") + "+/")
    add("claims of another token", "signature", f"{first}.{made(dict(good, roles=['admin'])).split('.')[1]}.{third}")
    add("too large", "size", changed(name="x" * 8_000))
    add("a header that is too large", "header", made(note="x" * 1_200))

    es = made(key=curve, algorithm="ES256", kid="ec")
    body = es.rsplit(".", 1)[0]
    add("ES256 of zeros", "signature", body + "." + encoded(bytes(64)))
    der = curve.sign(body.encode(), ec.ECDSA(hashes.SHA256()))
    assert decode_dss_signature(der)
    add("ES256 as DER", "signature", body + "." + encoded(der))
    add("ES256 with a number that is zero", "signature", body + "." + encoded(bytes(32) + base64.urlsafe_b64decode(es.rsplit(".", 1)[1] + "==")[32:]))

    add("another issuer", "issuer", changed(iss="https://elsewhere.example"))
    add("no issuer", "issuer", made(without("iss")))
    add("another audience", "audience", changed(aud="other"))
    add("an audience with ours in it", "audience", changed(aud=f"other {audience}"))
    add("no audience", "audience", made(without("aud")))
    add("no end", "claims", made(without("exp")))
    add("an end that is a text", "claims", signed(compact({"alg": "RS256", "kid": "rsa"}), compact(dict(good, exp=str(now + 600)))))
    add("an end that no calendar has", "claims", signed(compact({"alg": "RS256", "kid": "rsa"}), compact(dict(good, exp=10 ** 30))))
    add("an end that is over", "expired", changed(exp=now - 61))
    add("a beginning that is to come", "notYet", changed(nbf=now + 120))
    add("made in the future", "notYet", changed(iat=now + 120))
    add("for two days", "lifetime", changed(exp=now + 172_800))
    add("no subject", "subject", made(without("sub")))
    add("an empty subject", "subject", changed(sub=""))
    add("a subject with a line end", "subject", changed(sub="wang\nfang"))
    print(json.dumps({"keys": {"keys": published}, "table": table}), flush=True)


def provider(audience):
    import os
    os.environ["PYTHONWARNINGS"] = "ignore"
    from urllib.parse import parse_qs, urlparse

    import httpx
    import oidc_provider_mock
    from oidc_provider_mock import _app as inside
    from oidc_provider_mock._storage import storage

    def token(client, subject):
        asked = {"client_id": audience, "redirect_uri": "http://localhost/back", "response_type": "code", "scope": "openid profile"}
        answer = client.post("/oauth2/authorize", params=asked, data={"sub": subject})
        code = parse_qs(urlparse(answer.headers["location"]).query)["code"][0]
        grant = {"grant_type": "authorization_code", "code": code, "redirect_uri": asked["redirect_uri"]}
        return client.post("/oauth2/token", data=grant, auth=(audience, "any")).json()["id_token"]

    with oidc_provider_mock.run_server_in_thread() as server:
        address = f"http://localhost:{server.server_port}"
        with httpx.Client(base_url=address, trust_env=False) as client:
            client.put("/users/wang.fang", json={"name": "Wang Fang", "staff": "Wang Fang", "roles": ["agent"]})
            client.put("/users/li.na", json={"name": "Li Na", "roles": ["manager"]})
            unnamed = token(client, "wang.fang")
            # This provider has one key and does not name it in its tokens, which OpenID Connect lets it; those with several must.
            usual = inside.OpenIDCode.get_jwt_config
            inside.OpenIDCode.get_jwt_config = lambda *a, **k: dict(usual(*a, **k), kid=storage.jwk.as_dict()["kid"])
            told = {"issuer": address, "unnamed": unnamed, "agent": token(client, "wang.fang"), "manager": token(client, "li.na")}
        print(json.dumps(told), flush=True)
        sys.stdin.read()


if sys.argv[1] == "forge":
    forge(sys.argv[2], sys.argv[3], int(sys.argv[4]))
else:
    provider(sys.argv[2])
