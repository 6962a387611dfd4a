"""An OpenID Connect provider that nobody here wrote, as a process: prints its address, goes on until standard input ends.

Its access tokens are for itself alone; its ID tokens are for the client, and get the name of its key, which it leaves out as long as it has one.
"""

import json
import os
import sys

os.environ["PYTHONWARNINGS"] = "ignore"

import httpx
import oidc_provider_mock
from oidc_provider_mock import _app as inside
from oidc_provider_mock._storage import storage

usual = inside.OpenIDCode.get_jwt_config
inside.OpenIDCode.get_jwt_config = lambda *a, **k: dict(usual(*a, **k), kid=storage.jwk.as_dict()["kid"])

with oidc_provider_mock.run_server_in_thread(require_nonce=True) as server:
    address = f"http://localhost:{server.server_port}"
    with httpx.Client(base_url=address, trust_env=False) as client:
        client.put("/users/wang.fang", json={"name": "Wang Fang", "staff": "Wang Fang", "roles": ["manager"]})
        client.put("/users/nobody", json={"name": "Nobody"})
    print(json.dumps({"issuer": address}), flush=True)
    sys.stdin.read()
