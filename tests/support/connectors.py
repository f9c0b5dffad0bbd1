"""What runs connectors here: Amazon's runtime clients, as tools/deps.sh installs them, and the
blocks of docs/custom-connectors.md as files."""

import pathlib
import re
import shutil
import subprocess

import pytest

from support.server import ROOT

CLIENTS = ROOT / "build/clients"
PYTHON = CLIENTS / "python-connectors/bin/python"
PAGE = (ROOT / "docs/custom-connectors.md").read_text()
COMPILE_TIMEOUT_S = 120


def needs(path, package):
    return pytest.mark.skipif(not (CLIENTS / path / "fetched").is_file(),
                              reason=f"{package} is not installed (tools/deps.sh peers)")


needs_python = needs("python-connectors", "custom-connector-sdk, awslambdaric")
needs_javascript = needs("javascript-connectors", "aws-lambda-ric")
needs_java = needs("java", "aws-lambda-java-runtime-interface-client")


def example_files():
    """The folder of Amazon's validation files for its example connector."""
    return next((PYTHON.parent.parent / "lib").glob(
        "python3*/site-packages/custom_connector_example/salesforce-example-test-files"))


BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.S | re.M)


def block(language, mark=""):
    """The page's block in this language ("": of none) that has the mark."""
    return next(text for name, text in BLOCKS if name == language and mark in text)


def python(directory):
    (directory / "connector.py").write_text(block("python"))
    (directory / "venv").symlink_to(CLIENTS / "python-connectors")


def javascript(directory):
    (directory / "connector.mjs").write_text(block("js"))
    (directory / "node_modules").symlink_to(CLIENTS / "javascript-connectors/node_modules")


def java(directory):
    (directory / "Library.java").write_text(block("java"))
    (directory / "libraries").symlink_to(CLIENTS / "java/libraries")


def shell(directory):
    (directory / "connector.sh").write_text(block("bash"))


def compiled(directory, source, *words):
    """A C source of tests/connectors/, compiled into a file of the directory."""
    target = pathlib.Path(directory) / pathlib.Path(source).stem
    compiler = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))))
    subprocess.run([compiler, "-Wall", "-Wextra", "-Werror", "-D_GNU_SOURCE", "-o", target,
                    ROOT / "tests/connectors" / source, *words], check=True,
                   timeout=COMPILE_TIMEOUT_S)
    return target
