"""A small HTTP client for the command line: JSON in, JSON out, problems as clear errors."""

import json
import urllib.error
import urllib.request
from typing import Any

import click


class Refused(click.ClickException):
    """The node said no; the message is the problem document's."""


class Client:
    """Calls a node at `url` with an API key, or none for a --dev node on this machine."""

    def __init__(self, url: str, key: str | None) -> None:
        self._url = url.rstrip("/")
        self._headers = {"content-type": "application/json"}
        if key:
            self._headers["authorization"] = f"Bearer {key}"

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """The decoded answer. Raises Refused with what the node said."""
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._url + path, content, self._headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise Refused(_explain(error)) from None
        except urllib.error.URLError as error:
            raise Refused(f"no node answers at {self._url}: {error.reason}") from None


def _explain(error: urllib.error.HTTPError) -> str:
    try:
        problem = json.load(error)
    except ValueError:
        return f"HTTP {error.code}"
    places = "".join(f"\n  {entry['pointer'] or '/'}: {entry['detail']}" for entry in problem.get("errors", ()))
    return f"{problem['code']}: {problem['detail']}{places}"
