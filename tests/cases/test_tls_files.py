"""Certificate and key that cannot be used: the reason in words, before anything is created."""

import signal
import subprocess

import pytest

from support import postgres
from support.server import command


@pytest.fixture
def files(tmp_path):
    """A certificate with its key, and what operators mistake for them."""
    postgres.make_certificates(tmp_path, "localhost")
    (tmp_path / "junk").write_text("not a certificate\n")
    (tmp_path / "empty").write_text("")
    subprocess.run(["openssl", "pkey", "-in", "server.key", "-aes256", "-passout", "pass:secret",
                    "-out", "locked.key"], cwd=tmp_path, check=True, timeout=60)
    subprocess.run(["openssl", "genrsa", "-out", "rsa.key", "2048"], cwd=tmp_path, check=True,
                   capture_output=True, timeout=60)
    return tmp_path


REASONS = [
    ("missing", "server.key", "The TLS certificate {}/missing cannot be read: No such file or"),
    ("server.crt", "missing", "The TLS key {}/missing cannot be read: No such file or"),
    ("junk", "server.key", "{}/junk is not a TLS certificate in PEM format"),
    ("empty", "server.key", "{}/empty is not a TLS certificate in PEM format"),
    ("server.key", "server.key", "{}/server.key is not a TLS certificate in PEM format"),
    ("server.crt", "junk", "{}/junk is not a private key in PEM format"),
    ("server.crt", "server.crt", "{}/server.crt is not a private key in PEM format"),
    ("server.crt", "ca-key.pem", "{0}/ca-key.pem does not match the certificate {0}/server.crt"),
    ("server.crt", "rsa.key", "{0}/rsa.key does not match the certificate {0}/server.crt"),
    ("server.crt", "locked.key", "{}/locked.key is protected by a passphrase"),
]


@pytest.mark.parametrize("cert, key, says", REASONS)
@pytest.mark.parametrize("more", [[], ["--check-config"]])
def test_the_reason_in_words(files, cert, key, says, more):
    done = subprocess.run(
        command("serve", "--data", files / "data", "--tls-cert", files / cert, "--tls-key",
                files / key, *more), capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and says.format(files) in done.stderr, done.stderr
    assert not (files / "data").exists()


def test_good_files_are_valid(files):
    done = subprocess.run(
        command("serve", "--check-config", "--tls-cert", files / "server.crt", "--tls-key",
                files / "server.key"), capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "The configuration is valid.\n"), done.stderr


@pytest.mark.parametrize("mode, others", [(0o600, False), (0o640, False), (0o644, True)])
def test_a_key_that_others_can_read_is_warned_of(files, mode, others):
    key = files / "server.key"
    key.chmod(mode)
    done = subprocess.run(command("serve", "--check-config", "--tls-cert", files / "server.crt",
                                  "--tls-key", key), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    warning = f'{key} may be read or changed by others: run "chmod o= {key}"'
    assert (warning in done.stderr) == others


def test_a_key_that_does_not_match_is_not_reloaded(servers, files):
    """SIGHUP: the reason is logged, and the certificate from before stays in use."""
    server = servers("--tls-cert", files / "server.crt", "--tls-key", files / "server.key")
    (files / "ca-key.pem").rename(files / "server.key")
    server.process.send_signal(signal.SIGHUP)
    server.wait_for_log("does not match the certificate")
    assert "was not reloaded, the previous one stays in use" in server.log
