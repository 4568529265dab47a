"""Which certificates may vouch for a signer."""

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from weighbridge.errors import BundleError, CertificateError, SignatureError, SigningKeyError, WrongKeyError
from weighbridge.trust import CertificateSigner, CertificateVerifier, KeySigner, KeyVerifier, PrivateKey, sign, verify


@pytest.fixture
def signed(model, p256, authority):
    return sign(model, CertificateSigner(p256, authority.issue(p256), (authority.middle,)))


def judge(model, bundle, *trusted):
    return verify(model, bundle, CertificateVerifier(trusted))


def test_a_chain_to_a_trusted_root_holds_though_the_certificate_ran_out_since(model, signed, authority):
    verdict = judge(model, signed, authority.root)
    assert verdict.holds
    assert verdict.signer == "certificate of CN=A signer"


def test_trusting_the_authority_in_the_middle_or_the_signer_alone_is_enough(model, p256, signed, authority):
    assert judge(model, signed, authority.middle).holds
    certificate = authority.issue(p256)
    assert judge(model, sign(model, CertificateSigner(p256, certificate)), certificate).holds


def test_an_authority_of_the_same_name_is_not_the_same(model, signed, stranger):
    with pytest.raises(CertificateError, match="no chain leads"):
        judge(model, signed, stranger.root, stranger.middle)


def test_trusting_nobody_lets_nothing_pass(model, signed):
    with pytest.raises(CertificateError):
        judge(model, signed)


def test_a_missing_link_breaks_the_chain(model, p256, authority):
    bundle = sign(model, CertificateSigner(p256, authority.issue(p256)))
    with pytest.raises(CertificateError, match="no chain leads"):
        judge(model, bundle, authority.root)


def test_a_root_that_rides_in_the_bundle_is_not_thereby_trusted(model, p256, authority, stranger):
    certificate = stranger.issue(p256)
    bundle = sign(model, CertificateSigner(p256, certificate, (stranger.middle, stranger.root)))
    with pytest.raises(CertificateError):
        judge(model, bundle, authority.root)


def test_a_signer_is_no_authority(model, p256, authority):
    """Who has a certificate for signing must not be able to issue one for somebody else."""
    other = PrivateKey.generate()
    fake = replace(authority, middle=authority.issue(p256, days=3000), middle_key=p256.key)
    bundle = sign(model, CertificateSigner(other, fake.issue(other), (fake.middle, authority.middle)))
    with pytest.raises(CertificateError, match="no chain leads"):
        judge(model, bundle, authority.root)


def test_a_certificate_that_is_not_for_signing(model, p256, authority):
    bundle = sign(model, CertificateSigner(p256, authority.issue(p256, signing=False), (authority.middle,)))
    with pytest.raises(CertificateError, match="not for signing"):
        judge(model, bundle, authority.root)


def test_somebody_elses_certificate_with_another_signature(model, signed, authority):
    forged = replace(signed, envelope=sign(model, KeySigner(PrivateKey.generate())).envelope)
    with pytest.raises(SignatureError, match="altered"):
        judge(model, forged, authority.root)


def test_keys_and_certificates_are_not_taken_for_each_other(model, p256, signed, authority):
    with pytest.raises(WrongKeyError, match="with certificates"):
        verify(model, signed, KeyVerifier(p256.public))
    with pytest.raises(WrongKeyError, match="with a key"):
        judge(model, sign(model, KeySigner(p256)), authority.root)


def test_bytes_that_are_no_certificate(model, signed, authority):
    with pytest.raises(BundleError, match="cannot be read"):
        judge(model, replace(signed, certificates=(b"nothing",)), authority.root)


def test_signing_with_somebody_elses_certificate_is_refused(tmp_path, p256, authority):
    path = tmp_path / "signer.pem"
    path.write_bytes(authority.issue(p256).public_bytes(Encoding.PEM))
    with pytest.raises(SigningKeyError, match="another key"):
        CertificateSigner.read(PrivateKey.generate(), path)
