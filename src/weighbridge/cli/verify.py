"""`weigh verify`: who signed a model, and are the files what was signed?

`--json` prints one object:

    {"holds", "signer", "files", "differences": [{"kind", "path", "other"}], "uncovered": [path]}

Kinds are altered, added, missing, renamed and swapped.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import typer

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def verify(
    model: Path = typer.Argument(help="A folder with a model, or one file."),
    key: Path | None = typer.Option(None, "--key", metavar="PEM", help="The signer's public key."),
    trust: list[Path] = typer.Option(
        [], "--trust", metavar="PEM", help="Certificates that you trust: the signer's must lead to one of them."
    ),
    signature: Path | None = typer.Option(
        None, metavar="FILE", help="The signature; MODEL/model.sig, or FILE.sig beside a file."
    ),
    ignore: list[Path] = typer.Option([], metavar="PATH", help="A file or folder that the signer did not sign."),
    as_json: bool = typer.Option(False, "--json", help="Print the verdict as JSON and nothing else."),
) -> None:
    """Check a model's signature, offline: who signed, and is every file as it was then?

    Exit status: 0 it holds, 1 it does not, 2 it could not be told.
    """
    from weighbridge.cli._signature import signature_path
    from weighbridge.errors import UsageError
    from weighbridge.report.text import visible
    from weighbridge.trust import CertificateVerifier, KeyVerifier, PublicKey, Verifier
    from weighbridge.trust import verify as verify_model
    from weighbridge.trust.bundle import Bundle
    from weighbridge.trust.certificates import read_certificates

    if (key is None) == (not trust):
        raise UsageError("say whom you trust: either --key, or --trust with certificates")
    verifier: Verifier = KeyVerifier(PublicKey.read(key)) if key else CertificateVerifier(read_certificates(trust))
    path = signature_path(model, signature)
    bundle = Bundle.read(path)
    verdict = verify_model(model, bundle, verifier, ignored=(path, *ignore), where=str(path))
    if as_json:
        typer.echo(json.dumps({"holds": verdict.holds} | asdict(verdict), indent=2))
    else:
        typer.echo(f"signed by {visible(verdict.signer)}: {verdict.files} files")
        for difference in verdict.differences:
            typer.echo(f"  {visible(str(difference))}")
        if verdict.uncovered:
            typer.echo(f"not covered by the signature: {', '.join(visible(name) for name in verdict.uncovered)}")
        typer.echo("holds: every file is as it was signed" if verdict.holds else "DOES NOT HOLD")
    raise typer.Exit(0 if verdict.holds else 1)
