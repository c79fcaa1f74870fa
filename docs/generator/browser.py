"""Images of pages by headless Chromium, driven through its DevTools pipe: no other program, no network."""

import base64
import itertools
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

FLAGS = (
    "--headless --no-sandbox --disable-gpu --no-first-run --hide-scrollbars --remote-debugging-pipe "
    "--disable-background-networking --disable-component-update --disable-sync"
).split()
LOCAL = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"


class Box(NamedTuple):
    """A rectangle of a page, in CSS pixels."""

    x: float
    y: float
    width: float
    height: float


class Browser:
    """One tab of a running Chromium."""

    def __init__(self, commands: int, replies: int):
        self._commands, self._replies = os.fdopen(commands, "wb"), os.fdopen(replies, "rb")
        self._numbers = itertools.count(1)
        self._session: dict[str, str] = {}
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        attached = self._call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = {"sessionId": attached["sessionId"]}

    def _call(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a DevTools command and return its result. Raises RuntimeError where Chromium refuses it."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": params, **self._session}
        self._commands.write(json.dumps(message).encode() + b"\0")
        self._commands.flush()
        while (reply := self._read()).get("id") != number:
            pass  # an event
        if "error" in reply:
            raise RuntimeError(f"Chromium refuses {method}: {reply['error']['message']}")
        return dict(reply["result"])

    def _read(self) -> dict[str, Any]:
        letters = bytearray()
        while (letter := self._replies.read(1)) != b"\0":
            if not letter:
                raise RuntimeError("Chromium ended")
            letters += letter
        return dict(json.loads(letters))

    def open(self, url: str, width: int, height: int, scale: float = 1.0, dark: bool = False) -> None:
        """Show a page in a window of width x height CSS pixels, each `scale` image pixels wide."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._call("Emulation.setEmulatedMedia", features=[scheme])
        metrics = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": False}
        self._call("Emulation.setDeviceMetricsOverride", **metrics)
        self._call("Page.navigate", url=url)
        self.wait("document.readyState === 'complete'")

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression, as JSON has it."""
        return self._call("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")

    def wait(self, condition: str, seconds: float = 60.0) -> None:
        """Return once a JavaScript condition holds. Raises TimeoutError."""
        end = time.monotonic() + seconds
        while not self.evaluate(condition):
            if time.monotonic() > end:
                raise TimeoutError(f"the page does not come to: {condition}")
            time.sleep(0.2)

    def box(self, selector: str) -> Box:
        """Where the first element that a CSS selector finds is on the page. Raises RuntimeError where there is none."""
        found = self.evaluate(
            f"(() => {{ const box = document.querySelector({json.dumps(selector)}).getBoundingClientRect();"
            "return [box.x + scrollX, box.y + scrollY, box.width, box.height] })()"
        )
        if found is None:
            raise RuntimeError(f"the page has no {selector}")
        return Box(*found)

    def image(self, path: Path, box: Box) -> None:
        """Write a part of the page as a PNG."""
        clip = {**box._asdict(), "scale": 1}
        shot = self._call("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(shot["data"]))


@contextmanager
def browser(program: str = "chromium") -> Iterator[Browser]:
    """A Chromium with a profile of its own, which can reach 127.0.0.1 alone; ended at the end."""
    (read_commands, commands), (replies, write_replies) = os.pipe(), os.pipe()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        started = subprocess.Popen(
            [*_on_3_and_4(read_commands, write_replies), program, *FLAGS, LOCAL, f"--user-data-dir={profile}"],
            pass_fds=(read_commands, write_replies),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(read_commands)
        os.close(write_replies)
        try:
            yield Browser(commands, replies)
        finally:
            started.terminate()
            started.wait()


def _on_3_and_4(commands: int, replies: int) -> list[str]:
    """The start of a command line that gives a program its pipes at the numbers where Chromium expects them."""
    return ["bash", "-c", f'exec "$@" 20<&{commands} 21>&{replies} 3<&20 4>&21', "bash"]
