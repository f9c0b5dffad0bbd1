"""Moves the pages of a vendor to objects of S3 with dlt, whose Python runs this, and prints what it
took as one JSON object: dlt_pages.py URL ENTITY TOKEN S3_URL KEY_ID SECRET BUCKET FORMAT DIRECTORY.
Types are given, so that dlt neither guesses nor converts them, and its files have 32 MiB at most,
as the S3 takes no larger ones at once; its other settings are its own."""

import json
import os
import resource
import sys
import time

os.environ.update({
    "RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "CRITICAL",
    "SCHEMA__NAMING": "direct", "NORMALIZE__DATA_WRITER__DISABLE_COMPRESSION": "true",
    "NORMALIZE__DATA_WRITER__FILE_MAX_BYTES": str(32 * 1024 * 1024)})

import dlt  # noqa: E402
from dlt.common.configuration.specs import AwsCredentials  # noqa: E402
from dlt.sources.helpers.rest_client import RESTClient  # noqa: E402
from dlt.sources.helpers.rest_client.auth import BearerTokenAuth  # noqa: E402
from dlt.sources.helpers.rest_client.paginators import JSONLinkPaginator  # noqa: E402

API = "/services/data/v58.0/"
TYPES = {"boolean": "bool", "currency": "double", "double": "double", "int": "bigint"}


def records_of(client, entity, fields):
    query = {"q": f"SELECT {','.join(fields)} FROM {entity}"}
    for page in client.paginate(API + "query", params=query, data_selector="records"):
        for record in page:
            del record["attributes"]
        yield list(page)


def pipeline_to(s3_url, key_id, secret, bucket, directory):
    credentials = AwsCredentials()
    credentials.aws_access_key_id, credentials.aws_secret_access_key = key_id, secret
    credentials.endpoint_url, credentials.region_name = s3_url, "us-east-1"
    return dlt.pipeline(
        "bench", pipelines_dir=directory, dataset_name="dlt",
        destination=dlt.destinations.filesystem(f"s3://{bucket}", credentials=credentials))


def processor_s():
    return sum(each.ru_utime + each.ru_stime for each in map(resource.getrusage, (
        resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))


def main(url, entity, token, s3_url, key_id, secret, bucket, form, directory):
    client = RESTClient(url, auth=BearerTokenAuth(token),
                        paginator=JSONLinkPaginator(next_url_path="nextRecordsUrl"))
    described = client.get(f"{API}sobjects/{entity}/describe").json()["fields"]
    columns = {each["name"]: {"data_type": TYPES.get(each["type"], "text")} for each in described}
    pages = dlt.resource(records_of(client, entity, list(columns)), name=entity, columns=columns,
                         max_table_nesting=0)
    pipeline = pipeline_to(s3_url, key_id, secret, bucket, directory)
    begun, used_s = time.perf_counter(), processor_s()
    pipeline.run(pages, loader_file_format=form).raise_on_failed_jobs()
    peak_kib = max(resource.getrusage(who).ru_maxrss
                   for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(json.dumps({"took_s": time.perf_counter() - begun, "cpu_s": processor_s() - used_s,
                      "peak_mib": peak_kib / 1024}))


if __name__ == "__main__":
    main(*sys.argv[1:])
