"""A client for onebar in a page of Python: it reads commands and prints events as
docs/exec-client.md has them, and pays at the API of docs/examples/shop. What it has
promised to pay it keeps in a file until it knows how that ended, so it may be killed."""

import http.client
import json
import os
import pathlib
import sys
import threading
import time

printing = threading.Lock()
kept = pathlib.Path(os.environ["ONEBAR_DIR"])


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
    """Opens the accounts, beside the impaired link, or goes on after a crash."""
    if command.get("restarted"):
        for file in kept.glob("*.payment"):
            threading.Thread(target=pay, args=(json.loads(file.read_text()),), daemon=True).start()
    else:
        accounts = {w["account"]: command["balance"] for w in command["wallets"]}
        accounts |= {m: 0 for m in command["merchants"]}
        for name, balance in accounts.items():
            send("PUT", command["server"], "/accounts/" + name, {"balance": balance})
    say(event="ready", onebar=1)


def keep(command):
    """Keeps a payment where a crash of this program does not reach it."""
    file = kept / (command["id"] + ".new")
    file.write_text(json.dumps(command))
    file.rename(kept / (command["id"] + ".payment"))


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
        if status in (201, 402):
            outcome = "confirmed" if status == 201 else "declined"
            say(event="told", payment=payment, outcome=outcome)
            return (kept / (payment + ".payment")).unlink()
        say(event="told", payment=payment, outcome="unknown")
        time.sleep(wait)
        wait = min(2 * wait, 2)


for line in sys.stdin:
    command = json.loads(line)
    if command["command"] == "start":
        start(command)
    elif command["command"] == "pay":
        keep(command)
        say(event="told", payment=command["id"], outcome="queued")
        threading.Thread(target=pay, args=(command,), daemon=True).start()
    elif command["command"] == "held":
        say(event="held", payments=[f.stem for f in kept.glob("*.payment")])
    elif command["command"] == "quit":
        break
