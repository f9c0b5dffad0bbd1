"""Whole runs of flows over loopback. Records from a vendor's pages to objects of S3, beside dlt,
which reads the same vendor and writes to the same S3, in turn; what both wrote is compared with the
vendor's records first. Then the time from StartFlow to Successful of a run with few records."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import statistics
import subprocess
import time

import load
from load import BINARY, HERE, ROOT, START_LIMIT_S, Server, say
from page_vendor import ENTITY, TOKEN, PageVendor, make_records, type_of
from support import wire

PYTHON = ROOT / "build/bench-dlt/bin/python"
RECORDS = 100_000
FEW = 14  # what the real service took 7.6 s for
RUNS = 300  # with few records
ROUNDS = 3
LIMIT_S = 120  # of one run
KEY_ID, SECRET = "SANDBOXACCESSKEY", "sandbox"  # of the sandbox's S3
FILES = {"JSON": "jsonl", "PARQUET": "parquet"}
WITH_DLT = (("plain", "JSON"), ("packed", "PARQUET"))  # it takes a hundred times as long
PROFILE = "crm"


class S3:
    """The sandbox's, in a process of its own."""

    def __init__(self, directory):
        self.folder = directory / "ca" / "s3"
        self.process = subprocess.Popen(
            [BINARY, "sandbox", "--http", "127.0.0.1:0", "--tls-port", "0", "--database-port", "0",
             "--ca-dir", directory / "ca"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        port = re.search(rb"127\.0\.0\.1:(\d+)", self.process.stdout.readline()).group(1)
        self.url = f"http://127.0.0.1:{port.decode()}"

    def bucket(self, name):
        """Its folder, empty."""
        shutil.rmtree(self.folder / name, ignore_errors=True)
        (self.folder / name).mkdir(parents=True)
        return self.folder / name

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(START_LIMIT_S)


def same(field):
    """The task that copies a field with its type."""
    return {"taskType": "Map", "sourceFields": [field], "destinationField": field,
            "connectorOperator": {"Salesforce": "NO_OP"},
            "taskProperties": {"SOURCE_DATA_TYPE": type_of(field),
                               "DESTINATION_DATA_TYPE": type_of(field)}}


class Mover(Server):
    """A server whose Salesforce is at a URL, with a profile for it, a flow and a bucket."""

    def __init__(self, directory, url, s3):
        directory.mkdir(parents=True)
        super().__init__(directory, "--egress-allow", "127.0.0.1", "--s3-url", s3.url)
        self.url = url

    def __enter__(self):
        os.environ.update(AWS_ACCESS_KEY_ID=KEY_ID, AWS_SECRET_ACCESS_KEY=SECRET)
        super().__enter__()
        self.connection = wire.Connection(self.host, self.port)
        self.ok("CreateConnectorProfile", {
            "connectorProfileName": PROFILE, "connectorType": "Salesforce",
            "connectionMode": "Public",
            "connectorProfileConfig": {
                "connectorProfileProperties": {"Salesforce": {"instanceUrl": self.url}},
                "connectorProfileCredentials": {"Salesforce": {"accessToken": TOKEN}}}})
        return self

    def __exit__(self, *arguments):
        self.connection.close()
        super().__exit__(*arguments)

    def ok(self, operation, parameters):
        answer = self.connection.exchange(load.signed(self, operation, parameters))
        if answer.status != 200:
            raise SystemExit(f"bench: {operation}: {answer.status} {answer.body!r}")
        return answer.json()

    def make_flow(self, name, bucket, fields, file):
        output = {"fileType": file, "preserveSourceDataTyping": file == "PARQUET",
                  "aggregationConfig": {"aggregationType": "SingleFile"}}  # as dlt writes
        self.ok("CreateFlow", {
            "flowName": name, "triggerConfig": {"triggerType": "OnDemand"},
            "sourceFlowConfig": {
                "connectorType": "Salesforce", "connectorProfileName": PROFILE,
                "sourceConnectorProperties": {"Salesforce": {"object": ENTITY}}},
            "destinationFlowConfigList": [{
                "connectorType": "S3", "destinationConnectorProperties": {"S3": {
                    "bucketName": bucket, "s3OutputFormatConfig": output}}}],
            "tasks": [{"taskType": "Filter", "sourceFields": fields,
                       "connectorOperator": {"Salesforce": "PROJECTION"}, "taskProperties": {}},
                      *map(same, fields)]})

    def run(self, name, records):
        """Seconds from StartFlow until its record says that all of them were written."""
        begun = time.perf_counter()
        self.ok("StartFlow", {"flowName": name})
        while True:
            record, *_ = self.ok("DescribeFlowExecutionRecords", {
                "flowName": name, "maxResults": 1})["flowExecutions"]
            took_s = time.perf_counter() - begun
            if record["executionStatus"] not in ("InProgress", "CancelStarted"):
                break
            if took_s > LIMIT_S:
                raise SystemExit(f"bench: a run did not end: {record}")
            time.sleep(0.001)
        result = record["executionResult"]
        if record["executionStatus"] != "Successful" or result["recordsProcessed"] != records:
            raise SystemExit(f"bench: {record}")
        return took_s

    def processor_s(self):
        words = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")

    def forget_peak(self):
        pathlib.Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")


def move(mover, name, records):
    mover.forget_peak()
    used_s = mover.processor_s()
    took_s = mover.run(name, records)
    return {"took_s": took_s, "cpu_s": mover.processor_s() - used_s,
            "peak_mib": mover.status("VmHWM") / 1024}


def move_by_dlt(directory, url, s3, bucket, file):
    shutil.rmtree(directory / "pipelines", ignore_errors=True)
    done = subprocess.run([PYTHON, HERE / "dlt_pages.py", url, ENTITY, TOKEN, s3.url, KEY_ID,
                           SECRET, bucket, FILES[file], directory / "pipelines"],
                          stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def check(truth, folder):
    """dlt keeps a state of its own beside the records, in folders whose names begin with _dlt."""
    for path in folder.glob("dlt/_dlt*"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    for path in folder.glob("dlt/init"):
        path.unlink()
    subprocess.run([PYTHON, HERE / "same_records.py", truth, folder], check=True)


def measure_row(vendor, s3, work, lines, form, file):
    """One form of the vendor's pages, one of files."""
    fields, name = list(json.loads(lines[0])), f"{form}-{file.lower()}"
    ours, theirs = [], []
    with Mover(work / name, vendor.url(form), s3) as mover:
        mover.make_flow("flow", "ours", fields, file)
        for at in range(ROUNDS):
            folders = [s3.bucket("ours"), s3.bucket("theirs")]
            ours.append(move(mover, "flow", len(lines)))
            if (form, file) in WITH_DLT:
                theirs.append(move_by_dlt(work, vendor.url(form), s3, "theirs", file))
            for folder in folders[:2 if theirs else 1] if at == 0 else ():
                check(work / "truth", folder)
            say(f"{name}: {ours[-1]['took_s']:.2f} s" +
                (f", dlt {theirs[-1]['took_s']:.2f} s" if theirs else ""))
    row = {"form": form, "file": file, "ours": figures(ours, len(lines))}
    if theirs:
        row["dlt"] = figures(theirs, len(lines))
        row.update({f"{what}_ratio": round(statistics.median(
            their[what] / our[what] for our, their in zip(ours, theirs)), 2)
            for what in ("took_s", "cpu_s", "peak_mib")})
    return row


def figures(runs, records):
    took_s, cpu_s, peak_mib = (statistics.median(each[what] for each in runs)
                               for what in ("took_s", "cpu_s", "peak_mib"))
    return {"records_per_s": round(records / took_s),
            "records_per_cpu_s": round(records / cpu_s), "peak_mib": round(peak_mib, 1)}


def measure_few(work, s3, lines):
    """Milliseconds of runs with few records, one after the other."""
    with PageVendor(work / "few", lines) as vendor, \
            Mover(work / "few-server", vendor.url("packed"), s3) as mover:
        s3.bucket("few")
        mover.make_flow("few", "few", list(json.loads(lines[0])), "JSON")
        took = sorted(mover.run("few", len(lines)) * 1000 for _ in range(RUNS))
    return {"records": len(lines), "runs": RUNS, "median_ms": round(statistics.median(took), 1),
            "p99_ms": round(took[RUNS * 99 // 100], 1)}


def measure(work):
    work = pathlib.Path(work) / "flows"
    work.mkdir()
    lines = make_records(RECORDS)
    (work / "truth").write_bytes(b"\n".join(lines) + b"\n")
    with contextlib.ExitStack() as stack:
        s3 = stack.enter_context(S3(work))
        few = measure_few(work, s3, lines[:FEW])
        vendor = stack.enter_context(PageVendor(work / "vendor", lines))
        rows = [measure_row(vendor, s3, work, lines, form, file)
                for form in vendor.ports for file in FILES]
    return {"records": RECORDS, "rounds": ROUNDS, "rows": rows, "few": few}


def report(found):
    print(f"\n  {found['records']:,} records of 25 fields from a vendor's pages to objects of S3, "
          f"beside dlt, {found['rounds']} rounds in turn\n"
          f"    {'':<26}{'records/s':>11}{'dlt':>9}{'ratio':>7}"
          f"{'of one core':>13}{'ratio':>7}{'MiB':>8}{'dlt':>7}")
    for row in found["rows"]:
        ours, dlt = row["ours"], row.get("dlt")
        words = {"plain": "plain", "packed": "gzip"}[row["form"]] + " pages, " + row["file"]
        rates = (f"{dlt['records_per_s']:>9,}{row['took_s_ratio']:>7.1f}",
                 f"{row['cpu_s_ratio']:>7.1f}", f"{dlt['peak_mib']:>7.0f}") if dlt else (
                     " " * 16, " " * 7, "")
        print(f"    {words:<26}{ours['records_per_s']:>11,}{rates[0]}"
              f"{ours['records_per_cpu_s']:>13,}{rates[1]}{ours['peak_mib']:>8.1f}{rates[2]}")
    few = found["few"]
    print(f"  StartFlow to Successful, {few['records']} records, {few['runs']} runs: "
          f"median {few['median_ms']} ms (at most 50), p99 {few['p99_ms']} ms (at most 150)")
