# The test's hub, as Zero to JupyterHub sets one up: the proxy is a process of its own, and outlives the hub.
# Its users are Unix users of this machine, authenticated by PAM. tests/hub/hub.py sets the variables.
import json
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SET = json.loads(os.environ["LABKIT_TEST_HUB"])

c = globals()["get_config"]()  # JupyterHub gives it

c.JupyterHub.bind_url = f"http://127.0.0.1:{SET['port']}"
c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{SET['hub_port']}"
c.JupyterHub.db_url = "sqlite:///jupyterhub.sqlite"
c.JupyterHub.cookie_secret_file = "cookie_secret"
c.JupyterHub.cleanup_servers = False
c.JupyterHub.allow_named_servers = True
c.ConfigurableHTTPProxy.should_start = False
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{SET['proxy_port']}"

c.JupyterHub.authenticator_class = "pam"
c.PAMAuthenticator.open_sessions = False
c.Authenticator.allowed_users = set(SET["users"])

c.JupyterHub.spawner_class = "jupyterhub.spawner.LocalProcessSpawner"
c.Spawner.cmd = [
    str(ROOT / "deploy/hub/start"),
    str(Path(sys.executable).with_name("jupyterhub-singleuser")),
]
c.Spawner.environment = {"LABKIT_PYTHON": sys.executable, "PYTHONDONTWRITEBYTECODE": "1"}
c.Spawner.default_url = "/lab/tree/labkit/00-start.ipynb"
c.Spawner.http_timeout = c.Spawner.start_timeout = 180

# The culler with its scopes in the chart.
c.JupyterHub.services = [{"name": "culler", "api_token": SET["culler_token"]}]
c.JupyterHub.load_roles = [
    {
        "name": "culler",
        "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
        "services": ["culler"],
    }
]
