"""A client for onebar in a page of Python: it reads commands and prints events as
docs/exec-client.md has them, and pays at the API of docs/examples/shop."""

import http.client
import json
import sys
import threading
import time

printing = threading.Lock()


def say(**event):
    with printing:
        print(json.dumps(event), flush=True)


def send(method, address, path, body, key=None):
    """Makes a request and returns the status of the answer."""
    connection = http.client.HTTPConnection(address, timeout=5)
    try:
        headers = {"Idempotency-Key": key} if key else {}
        connection.request(method, path, json.dumps(body), headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


def start(command):
    """Opens the accounts, beside the impaired link."""
    if not command.get("restarted"):
        accounts = {w["account"]: command["balance"] for w in command["wallets"]}
        accounts |= {m: 0 for m in command["merchants"]}
        for name, balance in accounts.items():
            send("PUT", command["server"], "/accounts/" + name, {"balance": balance})
    say(event="ready", onebar=1)


def pay(command):
    """Tries until there is an answer. The order is the key, so that a user who
    presses twice pays once."""
    payment, order = command["id"], command["order"]
    say(event="called", payment=payment, key=order)
    body = {k: command[k] for k in ("order", "payer", "payee", "amount", "currency")}
    wait = 0.1
    while True:
        began = time.monotonic()
        status, error = 0, ""
        try:
            status = send("POST", command["address"], "/payments", body, order)
        except (OSError, http.client.HTTPException) as e:
            error = str(e) or type(e).__name__
        took = 1000 * (time.monotonic() - began)
        say(event="attempt", payment=payment, took_ms=took, dialed=True, error=error)
        if status == 201:
            return say(event="told", payment=payment, outcome="confirmed")
        if status == 402:
            return say(event="told", payment=payment, outcome="declined", reason="insufficient funds")
        say(event="told", payment=payment, outcome="unknown")
        time.sleep(wait)
        wait = min(2 * wait, 2)


for line in sys.stdin:
    command = json.loads(line)
    if command["command"] == "start":
        start(command)
    elif command["command"] == "pay":
        threading.Thread(target=pay, args=(command,), daemon=True).start()
    elif command["command"] == "quit":
        break
