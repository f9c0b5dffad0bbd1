"""A function for local connectors: a runtime of its own that speaks the Lambda Runtime API with
http.client, and does what each call's payload says. Needs nothing but Python's library.

The payload is {"do": NAME, …}; without "do" it is answered as it is."""

import http.client
import json
import os
import subprocess
import sys
import time

API = os.environ["AWS_LAMBDA_RUNTIME_API"]
PATH = "/2018-06-01/runtime/"


class Runtime:
    def __init__(self):
        self.connection = http.client.HTTPConnection(API)

    def request(self, method, path, body=None, headers={}):
        self.connection.request(method, PATH + path, body, headers)
        answer = self.connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()


def outlive():
    """A process in a session of its own, which a signal to our group does not reach."""
    child = subprocess.Popen(["sleep", "600"], start_new_session=True)
    return child.pid


ATTEMPTS = {
    "read": lambda path: open(path, "rb").read(),
    "list": os.listdir,
    "write": lambda path: open(path, "wb").close(),
    "write-own": lambda _: open(os.environ["TMPDIR"] + "/file", "wb").close(),
    "signal": lambda _: os.kill(os.getppid(), 0),
    "trace": lambda _: open(f"/proc/{os.getppid()}/environ", "rb").read(),
}


def answer_of(runtime, call_id, headers, event):
    """What to post for this call, as (path, body); None: nothing more."""
    what = event.get("do", "echo")
    response = f"invocation/{call_id}/response"
    if what == "hang":
        time.sleep(600)
    if what == "exit":
        print("the last words", file=sys.stderr, flush=True)
        os._exit(event.get("status", 3))
    if what == "signal":
        os.kill(os.getpid(), event["signal"])
    if what == "error":
        body = {"errorType": event.get("type", "Orchard.Bad"),
                "errorMessage": event.get("message", "no apples"), "stackTrace": []}
        return f"invocation/{call_id}/error", json.dumps(body)
    if what == "large":
        return response, json.dumps("x" * (event["size"] - 2))
    if what == "malformed":
        runtime.connection.sock.sendall(b"POST nothing that is HTTP\r\n\r\n")
        time.sleep(600)
    if what == "wrong-id":
        status, _, body = runtime.request("POST", "invocation/other/response", "{}")
        return response, json.dumps({"status": status, "body": json.loads(body)})
    if what == "next-twice":
        status, _, body = runtime.request("GET", "invocation/next")
        return response, json.dumps({"status": status})
    if what == "fork":
        return response, json.dumps({"pid": os.getpid(), "child": outlive()})
    if what == "print":
        for line in event["lines"]:
            print(line, flush=True)
        return response, "{}"
    if what == "sleep":
        time.sleep(event["seconds"])
        return response, json.dumps({"pid": os.getpid()})
    if what == "look":
        import resource
        return response, json.dumps({
            "pid": os.getpid(), "headers": headers, "environment": dict(os.environ),
            "files": sorted(int(each) for each in os.listdir("/proc/self/fd")),
            "directory": os.getcwd(), "session": os.getsid(0) != os.getsid(os.getppid()),
            "status": open("/proc/self/status").read(),
            "data": resource.getrlimit(resource.RLIMIT_DATA),
            "uptime": time.monotonic()})
    if what == "memory":
        try:
            return response, json.dumps({"bytes": len(bytearray(event["bytes"]))})
        except MemoryError:
            return response, json.dumps({"bytes": None})
    if what == "try":
        try:
            ATTEMPTS[event["attempt"]](event.get("path"))
            return response, json.dumps({"errno": 0})
        except OSError as error:
            return response, json.dumps({"errno": error.errno})
    return response, json.dumps(event)


def main():
    runtime = Runtime()
    if "--init-error" in sys.argv:
        runtime.request("POST", "init/error", json.dumps(
            {"errorType": "Runtime.ImportModuleError", "errorMessage": "no module orchard"}))
        sys.exit(1)
    while True:
        status, headers, body = runtime.request("GET", "invocation/next")
        if status != 200:
            sys.exit(f"next: {status} {body}")
        call_id = headers["Lambda-Runtime-Aws-Request-Id"]
        path, answer = answer_of(runtime, call_id, headers, json.loads(body))
        status, _, body = runtime.request("POST", path, answer)
        if status != 202:
            print(f"the answer was refused: {status} {body[:200]}", flush=True)


if __name__ == "__main__":
    main()
