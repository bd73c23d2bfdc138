"""Firefox as Debian and Ubuntu have it, driven by WebDriver BiDi: no driver beside it is needed.

Source: the W3C's WebDriver BiDi; Firefox speaks it on the port that `--remote-debugging-port` opens.
"""

import json
import os
import re
import shutil
import subprocess
import time

import websocket

NAMES = ("firefox-esr", "firefox")
KEYS = {"ArrowUp": "\ue013", "ArrowRight": "\ue014"}


def path():
    """Where Firefox is: $FIREFOX, else the first one on PATH, else None."""
    return os.environ.get("FIREFOX") or next(filter(None, map(shutil.which, NAMES)), None)


class Firefox:
    """One Firefox with one page. folder: empty, for its profile."""

    def __init__(self, folder, width=1100, height=900, seconds=120):
        self.events, self._asked, self._socket, self._log = [], 0, None, folder / "log"
        command = [path(), "--headless", "--no-remote", "--profile", folder, "--remote-debugging-port=0"]
        with self._log.open("w") as stream:
            # A home of its own: the settings of whoever runs the tests must not decide.
            home = {**os.environ, "HOME": str(folder)}
            self._process = subprocess.Popen(command, stdout=stream, stderr=stream, env=home)
        try:
            address = self._address(seconds)
            self._socket = websocket.create_connection(
                f"{address}/session", timeout=seconds, suppress_origin=True
            )
            self.ask("session.new", capabilities={})
            self._page = {"context": self.ask("browsingContext.getTree")["contexts"][0]["context"]}
            self.ask("session.subscribe", events=["log.entryAdded", "network.beforeRequestSent"])
            self.ask("browsingContext.setViewport", **self._page, viewport={"width": width, "height": height})
        except BaseException:
            self.close()
            raise

    def close(self):
        if self._socket:
            self._socket.close()
        self._process.terminate()
        self._process.wait(30)

    def _address(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end and self._process.poll() is None:
            found = re.search(r"WebDriver BiDi listening on (ws://\S+)", self._log.read_text())
            if found:
                return found[1]
            time.sleep(0.2)
        raise RuntimeError(f"Firefox did not start:\n{self._log.read_text()}")

    def ask(self, method, **params):
        """What Firefox answers; what happens meanwhile is kept in `events`."""
        self._asked += 1
        self._socket.send(json.dumps({"id": self._asked, "method": method, "params": params}))
        while True:
            answer = json.loads(self._socket.recv())
            if answer.get("id") != self._asked:
                self.events.append(answer)
            elif answer["type"] == "error":
                raise RuntimeError(f"{method}: {answer['message']}")
            else:
                return answer["result"]

    def goto(self, url):
        self.ask("browsingContext.navigate", **self._page, url=url, wait="complete")

    def evaluate(self, expression):
        """The value of a JavaScript expression, through JSON."""
        answer = self.ask(
            "script.evaluate",
            expression=f"JSON.stringify(({expression}) ?? null)",
            target=self._page,
            awaitPromise=True,
        )
        if answer["type"] != "success":
            raise RuntimeError(answer["exceptionDetails"]["text"])
        return json.loads(answer["result"]["value"])

    def wait_for(self, expression, seconds=120):
        end = time.monotonic() + seconds
        while not self.evaluate(expression):
            if time.monotonic() > end:
                raise TimeoutError(f"after {seconds} s not yet true: {expression}")
            time.sleep(0.1)

    def drag(self, place, by):
        """Press at a place, move, let go; in pixels of the window."""
        x, y = map(round, place)
        moves = [
            {"type": "pointerMove", "x": round(x + by[0] * part), "y": round(y + by[1] * part)}
            for part in (0, 0.25, 0.5, 0.75, 1)
        ]
        actions = [moves[0], {"type": "pointerDown", "button": 0}, *moves[1:]]
        self._act("pointer", [*actions, {"type": "pointerUp", "button": 0}])

    def press(self, key):
        self._act("key", [{"type": kind, "value": KEYS[key]} for kind in ("keyDown", "keyUp")])

    def _act(self, kind, actions):
        self.ask(
            "input.performActions", **self._page, actions=[{"type": kind, "id": kind, "actions": actions}]
        )

    def said(self):
        """Errors and warnings of the pages so far."""
        told = [each["params"] for each in self.events if each.get("method") == "log.entryAdded"]
        return [each["text"] for each in told if each["level"] in ("error", "warn")]

    def asked(self):
        """Addresses that the pages have asked for so far."""
        sent = [each for each in self.events if each.get("method") == "network.beforeRequestSent"]
        return [each["params"]["request"]["url"] for each in sent]
