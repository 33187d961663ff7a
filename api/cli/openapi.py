"""`kontor openapi`: the API as a document, for programs that make clients."""

import click


@click.command()
def openapi() -> None:
    """Print the API as an OpenAPI 3.1 document, as every node gives it at /openapi.json."""
    from api import app

    click.echo(app.document())
