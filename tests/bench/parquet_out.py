"""How fast batches become a Parquet file, in processor time and instructions, beside DuckDB's COPY
of the same records from its own memory (one thread)."""

import json
import pathlib
import re
import shutil
import statistics
import subprocess
import tempfile
import time

from load import ROOT

PROGRAM = ROOT / "build/release/tests/bench/parquet-out"
ROWS = 500_000
COUNTED_ROWS = 20_000  # under valgrind, which is some fifty times slower
ROUNDS = 5
FORMS = {"typed": "typed columns", "strings": "columns of strings"}


def build():
    folder = ROOT / "build/release"
    subprocess.run([ROOT / "tools/build.sh", folder, "--buildtype=release", "-Db_lto=true",
                    "-Db_pie=true"], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["ninja", "--quiet", "-C", folder, "tests/bench/parquet-out"], check=True)


def ours(form, *options, command=()):
    done = subprocess.run([*command, PROGRAM, form, *map(str, options)], check=True,
                          capture_output=True)
    return json.loads(done.stdout), done.stderr.decode()


def instructions(form):
    """A row, and a byte of values."""
    with tempfile.TemporaryDirectory() as folder:
        figures, log = ours(form, "--rows", COUNTED_ROWS, command=(
            "valgrind", "--tool=callgrind", "--toggle-collect=write_rows",
            f"--callgrind-out-file={folder}/out"))
    count = int(re.search(r"Collected : (\d+)", log).group(1))
    return {"instructions_per_row": round(count / figures["rows"]),
            "instructions_per_byte": round(count / figures["value_bytes"], 1)}


class Duck:
    """DuckDB with the records of a file in its memory, as columns of a form."""

    def __init__(self, source):
        import duckdb
        self.connection = duckdb.connect()
        self.connection.execute("SET threads = 1")
        self.connection.execute("CREATE TABLE typed AS FROM read_parquet(?)", [str(source)])
        self.connection.execute(
            "CREATE TABLE strings AS SELECT CAST(COLUMNS(*) AS VARCHAR) FROM typed")

    def copy(self, form, target):
        begun = time.process_time()
        self.connection.execute(f"COPY {form} TO '{target}' (FORMAT parquet, COMPRESSION snappy)")
        return {"cpu_s": time.process_time() - begun,
                "file_bytes": pathlib.Path(target).stat().st_size}


def duck_of(source):
    try:
        return Duck(source)
    except ImportError:
        return None


def measure_form(form, duck, folder):
    mine, theirs = [], []
    for _ in range(ROUNDS):
        mine.append(ours(form, "--rows", ROWS)[0])
        if duck:
            theirs.append(duck.copy(form, f"{folder}/duckdb.parquet"))
    seconds = statistics.median(run["cpu_s"] for run in mine)
    result = {"mb_per_s": round(mine[0]["value_bytes"] / seconds / 1e6),
              "rows_per_s": round(mine[0]["rows"] / seconds),
              "file_bytes": mine[0]["file_bytes"]}
    if theirs:
        result["vs_duckdb"] = round(statistics.median(run["cpu_s"] for run in theirs) / seconds, 2)
        result["duckdb_file_bytes"] = theirs[0]["file_bytes"]
    if shutil.which("valgrind"):
        result.update(instructions(form))
    return result


def measure():
    build()
    with tempfile.TemporaryDirectory(dir=ROOT / "build") as folder:
        source = pathlib.Path(folder) / "ours.parquet"
        ours("typed", "--rows", ROWS, "--file", source)
        duck = duck_of(source)
        return {form: measure_form(form, duck, folder) for form in FORMS}


def report(figures):
    print(f"\n  {ROWS:,} records of 25 columns, from batches into a Parquet file, of one core")
    for form, words in FORMS.items():
        each = figures[form]
        print(f"    {words:<22}{each['mb_per_s']:>7,} MB/s{each['rows_per_s']:>11,} rows/s"
              f"{each['file_bytes'] / 1e6:>8.1f} MB")
        if "vs_duckdb" in each:
            print(f"      {each['vs_duckdb']} times as fast as DuckDB's COPY, whose file has "
                  f"{each['duckdb_file_bytes'] / 1e6:.1f} MB")
        if "instructions_per_row" in each:
            print(f"      {each['instructions_per_row']:,} instructions a row, "
                  f"{each['instructions_per_byte']} a byte of values")


if __name__ == "__main__":
    report(measure())
