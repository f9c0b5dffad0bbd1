"""nginx as a Salesforce that answers pages of one entity, made before, as fast as a file is read:
compressed ones where they are asked for. A run's time is the reader's then, not the vendor's."""

import concurrent.futures
import gzip
import json
import subprocess

from load import ROOT, free_port
from yardsticks import run_nginx

ENTITY, TOKEN = "Account", "bench-token"
API = "/services/data/v58.0/"
PAGE = 2000    # records, as Salesforce gives at once
GZIP_LEVEL = 6
TYPES = {"IsDeleted": "boolean", "AnnualRevenue": "currency", "NumberOfEmployees": "int",
         "Score__c": "double", "CreatedDate": "datetime", "LastModifiedDate": "datetime",
         "SystemModstamp": "datetime", "LastActivityDate": "date", "Id": "id"}


def make_records(count):
    """Lines of JSON, the same ones each time."""
    folder = ROOT / "build/release"
    subprocess.run([ROOT / "tools/build.sh", folder, "--buildtype=release", "-Db_lto=true",
                    "-Db_pie=true"], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["ninja", "--quiet", "-C", folder, "tests/bench/records"], check=True)
    done = subprocess.run([folder / "tests/bench/records", "--records", str(count), "--to",
                           "print"], check=True, capture_output=True)
    return done.stdout.splitlines()


def type_of(name):
    return TYPES.get(name, "string")


def field(name):
    return {"name": name, "label": name, "type": type_of(name), "nillable": True,
            "filterable": True, "sortable": True, "length": 255, "createable": True,
            "updateable": True}


def page_of(lines, first, total):
    """As Salesforce writes it, from record number `first`."""
    end = min(first + PAGE, total)
    head = {"totalSize": total, "done": end == total}
    if end < total:
        head["nextRecordsUrl"] = f"{API}query/page-{end}"
    records = []
    for line in lines[first:end]:
        url = f"{API}sobjects/{ENTITY}/{json.loads(line)['Id']}"
        attributes = json.dumps({"type": ENTITY, "url": url}, separators=(",", ":"))
        records.append(b'{"attributes":%b,%b' % (attributes.encode(), line[1:]))
    text = json.dumps(head, separators=(",", ":"))[:-1].encode()
    return b'%b,"records":[%b]}' % (text, b",".join(records))


class PageVendor:
    """Two ports: `plain` answers each page as it is, `packed` compressed."""

    def __init__(self, directory, lines):
        self.directory, self.pages = directory, directory / "pages"
        self.pages.mkdir(parents=True)
        self.ports = {"plain": free_port(), "packed": free_port()}
        firsts = range(0, len(lines), PAGE)
        with concurrent.futures.ThreadPoolExecutor(2) as pool:  # zlib works outside the lock
            list(pool.map(lambda first: self.write(lines, first), firsts))
        fields = list(map(field, json.loads(lines[0])))
        self.write_answer("describe", {"name": ENTITY, "fields": fields})
        self.write_answer("sobjects", {"sobjects": [{
            "name": ENTITY, "label": ENTITY, "queryable": True, "createable": True}]})
        self.write_answer("resources", {"sobjects": API + "sobjects", "query": API + "query"})

    def write(self, lines, first):
        page = page_of(lines, first, len(lines))
        (self.pages / f"page-{first}").write_bytes(page)
        (self.pages / f"page-{first}.gz").write_bytes(gzip.compress(page, GZIP_LEVEL))

    def write_answer(self, name, answer):
        (self.pages / name).write_text(json.dumps(answer))

    def config(self, port, more):
        return f"""
            server {{ listen 127.0.0.1:{port}; root {self.pages}; {more}
                      location = {API}query {{ try_files /page-0 =404; }}
                      location {API}query/ {{ rewrite ^.*/(page-[0-9]+)$ /$1 break; }}
                      location = {API}sobjects {{ try_files /sobjects =404; }}
                      location = {API}sobjects/{ENTITY}/describe {{ try_files /describe =404; }}
                      location = {API} {{ try_files /resources =404; }} }}"""

    def __enter__(self):
        self.nginx = run_nginx(self.directory / "nginx", self.ports["plain"],
                               self.config(self.ports["plain"], "") +
                               self.config(self.ports["packed"], "gzip_static on;"))
        return self

    def __exit__(self, *_):
        self.nginx.__exit__()

    def url(self, form):
        return f"http://127.0.0.1:{self.ports[form]}"
