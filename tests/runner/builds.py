"""The variants of the program that tests run on, and what each is for."""

import os
import shutil

from runner.report import BUILD, ROOT, check, run, tail

BUILD_TIMEOUT_S = 1800
LINES_ONLY = "-g1"  # what a sanitizer's report needs; all that -g adds takes a fifth of the time
# A finding ends the program (SANITIZER_ENV), so no code is made for what comes after one: a third
# of the compiler's time.
ENDS = "-fno-sanitize-recover=undefined"

# What a variant is built with. `release` is what users run and is built as `make build` does.
VARIANTS = {
    "release": ("gcc", ["--buildtype=release", "-Db_lto=true", "-Db_pie=true"]),
    "faults": ("gcc", ["--buildtype=debugoptimized", "-Dtests=true", "-Dfaults=true"]),
    "asan": ("clang", ["--buildtype=debugoptimized", "-Dtests=true", "-Dfuzz=true",
                       "-Db_sanitize=address,undefined", "-Db_lundef=false",
                       f"-Dc_args=-fsanitize=fuzzer-no-link {ENDS} {LINES_ONLY}"]),
    "tsan": ("gcc", ["--buildtype=debugoptimized", "-Dtests=true", "-Db_sanitize=thread",
                     f"-Dc_args={LINES_ONLY}"]),
}

# Of these variants not everything is needed.
TARGETS = {"faults": "headgate plain-programs tests/bench/fill-profiles tests/unit/sigv4-tool "
                     "tests/unit/record-tool tests/unit/parquet-tool tests/unit/s3-tool "
                     "tests/unit/filter-tool"}

# Sanitizers end the process at the first finding, so that no test can pass over one.
SANITIZER_ENV = {
    "ASAN_OPTIONS": "abort_on_error=1:detect_leaks=1:detect_stack_use_after_return=1",
    "UBSAN_OPTIONS": "halt_on_error=1:abort_on_error=1:print_stacktrace=1",
    "TSAN_OPTIONS": "halt_on_error=1:abort_on_error=1:second_deadlock_stack=1:"
                    f"suppressions={ROOT / 'tests/runner/tsan.supp'}",
}


def binary(variant):
    """The server of a variant; the release is the stripped copy that users run."""
    return BUILD / "headgate" if variant == "release" else BUILD / variant / "headgate"


def build(variant):
    """Builds a variant, every warning an error."""
    compiler, options = VARIANTS[variant]
    status, log = run(f"build-{variant}", ["tools/build.sh", BUILD / variant, *options],
                      BUILD_TIMEOUT_S, {"CC": compiler, "TARGETS": TARGETS.get(variant, "")})
    if status == 0 and variant == "release":
        status, log = run("build-install", ["install", "-s", "-m", "755",
                                            BUILD / "release/headgate", BUILD / "headgate"], 60)
    return check(status == 0, status != 0 and f"{first_errors(log)}\n{tail(log, 3)}")


def first_errors(log):
    """What the first command that failed had to say, without the command itself."""
    lines = log.read_text(errors="replace").splitlines()
    start = next((at for at, line in enumerate(lines) if line.startswith("FAILED: ")), len(lines))
    return "\n".join(lines[start:start + 1] + lines[start + 2:start + 25])


def without_random_addresses(command):
    """Thread and address sanitizers of this age cannot map their shadow where some kernels put
    programs; both are content when addresses are not random."""
    if not shutil.which("setarch"):
        return command
    return ["setarch", os.uname().machine, "-R", *command]
