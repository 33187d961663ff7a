"""A small HTTP client for the command line: JSON in, JSON out, problems as clear errors."""

import json
import urllib.error
import urllib.request
from typing import Any

import click


class Refused(click.ClickException):
    """The node said no; the message is the problem document's, `errors` are its places and `status` the answer's."""

    def __init__(self, message: str, status: int = 0, errors: tuple[dict[str, str], ...] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.errors = errors


class Client:
    """Calls a node at `url` with an API key, or none for a --dev node on this machine."""

    def __init__(self, url: str, key: str | None) -> None:
        self._url = url.rstrip("/")
        self._headers = {"content-type": "application/json"}
        if key:
            self._headers["authorization"] = f"Bearer {key}"

    def call(self, method: str, path: str, body: Any = None, if_match: str | None = None) -> Any:
        """The decoded answer. Raises Refused with what the node said."""
        return self._answer(method, path, body, if_match)[0]

    def read(self, path: str) -> tuple[Any, str | None]:
        """A single resource and its ETag; (None, None) if there is none. Raises Refused."""
        try:
            return self._answer("GET", path, None, None)
        except Refused as refused:
            if refused.status == 404:
                return None, None
            raise

    def _answer(self, method: str, path: str, body: Any, if_match: str | None) -> tuple[Any, str | None]:
        content = None if body is None else json.dumps(body).encode()
        headers = self._headers if if_match is None else {**self._headers, "if-match": if_match}
        request = urllib.request.Request(self._url + path, content, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer), answer.headers.get("etag")
        except urllib.error.HTTPError as error:
            raise _refused(error) from None
        except urllib.error.URLError as error:
            raise Refused(f"no node answers at {self._url}: {error.reason}") from None


def _refused(error: urllib.error.HTTPError) -> Refused:
    try:
        problem = json.load(error)
    except ValueError:
        return Refused(f"HTTP {error.code}", error.code)
    errors = tuple(problem.get("errors", ()))
    places = "".join(f"\n  {entry['pointer'] or '/'}: {entry['detail']}" for entry in errors)
    return Refused(f"{problem['code']}: {problem['detail']}{places}", error.code, errors)
