"""How fast a vendor's page of records is read, in processor time, and what memory it takes."""

import json
import subprocess

from load import ROOT

AIMS = {"mb_per_s": "at least 500", "bytes_per_byte": "at most 3"}
READINGS = {"values": "values, as connectors read answers", "document": "the library's document"}


def measure():
    build = ROOT / "build/release"
    subprocess.run([ROOT / "tools/build.sh", build, "--buildtype=release", "-Db_lto=true",
                    "-Db_pie=true"], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["ninja", "--quiet", "-C", build, "tests/bench/json-page"], check=True)
    done = subprocess.run([build / "tests/bench/json-page"], check=True, capture_output=True)
    return json.loads(done.stdout)


def report(figures):
    print(f"\n  a page of {figures['page_bytes']:,} bytes of JSON, read into")
    for reading, words in READINGS.items():
        print(f"    {words:<42}{figures[reading + '_mb_per_s']:>10,.0f} MB/s"
              f"{figures[reading + '_bytes_per_byte']:>8.2f} bytes of memory a byte")
    print(f"    {'aim':<42}{AIMS['mb_per_s']:>15}{AIMS['bytes_per_byte']:>8}")
