"""A connector that answers what a JSON file says: {request type: [answer, …]}; of a list, the next
answer each time, and the last one from then on. {"do": …} instead of an answer: "exit", "hang",
"raise", "garbage" or "large"."""

import http.client
import json
import os
import sys
import time

API = os.environ["AWS_LAMBDA_RUNTIME_API"]
PATH = "/2018-06-01/runtime/invocation/"
LARGE = 6 * 1024 * 1024 + 1


def act(what):
    """The path's last part and the body of what is posted."""
    if what == "exit":
        os._exit(3)
    if what == "hang":
        time.sleep(600)
    if what == "raise":
        return "error", json.dumps({"errorType": "Orchard.Bad", "errorMessage": "no apples"})
    return "response", "x" if what == "garbage" else json.dumps("x" * LARGE)


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        script = json.load(file)
    connection = http.client.HTTPConnection(API)
    while True:
        connection.request("GET", PATH + "next")
        answer = connection.getresponse()
        request = json.loads(answer.read())
        if answer.status != 200:
            return
        answers = script[request["type"]]
        picked = answers.pop(0) if len(answers) > 1 else answers[0]
        path, body = "response", json.dumps(picked)
        if "do" in picked:
            path, body = act(picked["do"])
        call = answer.headers["Lambda-Runtime-Aws-Request-Id"]
        connection.request("POST", f"{PATH}{call}/{path}", body)
        connection.getresponse().read()


main()
