"""`weigh sign`: say that a model's files are what you published."""

from __future__ import annotations

from pathlib import Path

import typer

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def sign(
    model: Path = typer.Argument(help="A folder with a model, or one file."),
    key: Path = typer.Option(..., "--key", metavar="PEM", help="Your private key: P-256, P-384 or P-521."),
    certificate: Path | None = typer.Option(
        None, metavar="PEM", help="Sign with the key's certificate: whoever trusts its authority can verify."
    ),
    chain: list[Path] = typer.Option([], metavar="PEM", help="Certificates between yours and the authority's."),
    signature: Path | None = typer.Option(
        None, metavar="FILE", help="Where to write the signature; MODEL/model.sig, or FILE.sig beside a file."
    ),
    ignore: list[Path] = typer.Option([], metavar="PATH", help="Leave this file or folder of the model out."),
    password: str | None = typer.Option(None, envvar="WEIGHBRIDGE_KEY_PASSWORD", help="Of the private key."),
    new_key: bool = typer.Option(False, "--new-key", help="Make the key first; its public half goes to PEM.pub."),
) -> None:
    """Sign a model as OpenSSF Model Signing 1.0 does. Works offline; model-signing verifies it too."""
    from weighbridge.cli._signature import signature_path, write_new_key, write_signature
    from weighbridge.errors import UsageError
    from weighbridge.trust import CertificateSigner, KeySigner, PrivateKey
    from weighbridge.trust import sign as sign_model

    if chain and certificate is None:
        raise UsageError("--chain is for signing with a --certificate")
    if new_key:
        write_new_key(key, password)
    private = PrivateKey.read(key, password=password)
    signer = CertificateSigner.read(private, certificate, tuple(chain)) if certificate else KeySigner(private)
    target = signature_path(model, signature)
    bundle = sign_model(model, signer, ignored=(target, *ignore))
    write_signature(target, bundle)
    typer.echo(f"signed: {target}")
    typer.echo(f"public key: {private.public.fingerprint}")
