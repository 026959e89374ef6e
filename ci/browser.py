"""A browser that is looked through: Chromium, driven without a screen. For ci/page and ci/report."""

import base64
import json
import os
import pathlib
import select
import shutil
import subprocess
import sys
import tempfile
import time

ANSWER_S = 60  # Longest that a browser on a busy machine may take.
BEGAN = time.monotonic()
KEYS = {"End": 35, "Home": 36, "Enter": 13, "Tab": 9, "ArrowLeft": 37}


def browser_found():
    named = os.environ.get("CHROMIUM")
    if named:
        return named
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next((path for path in map(shutil.which, names) if path), None)
    if found is None and shutil.which("apt-get") and os.geteuid() == 0:
        announce("Debian's chromium is installed")
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["apt-get", "update"], ["apt-get", "install", "--yes", "--no-install-recommends", "chromium"]):
            subprocess.run(command, check=False, env=environment, **quiet)
        found = shutil.which("chromium")
    return found


class Browser:
    """Chromium, spoken to in the DevTools protocol over pipes: JSON, each message ended by a NUL."""

    scriptless = False

    def __init__(self, program):
        self.program, self.number, self.session, self.unread, self.complaints = program, 0, None, b"", []

    def __enter__(self):
        self.profile = tempfile.TemporaryDirectory(prefix="browser-", ignore_cleanup_errors=True)
        its_in, self.out = os.pipe()
        self.into, its_out = os.pipe()
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--hide-scrollbars",
                 "--disable-background-networking", "--disable-component-update", "--disable-sync",
                 "--proxy-server=direct://", f"--user-data-dir={self.profile.name}", "--remote-debugging-pipe", "about:blank"]
        shell = f'exec "$0" "$@" 3<&{its_in} 4>&{its_out}'
        # It speaks on descriptors 3 and 4, which only a shell can be told to put there.
        self.process = subprocess.Popen(["bash", "-c", shell, self.program, *flags], pass_fds=(its_in, its_out),
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(its_in)
        os.close(its_out)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.profile.cleanup()

    def open(self, address, size):
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Accessibility"):
            self.ask(f"{domain}.enable")
        self.look_like(size, "light")
        self.ask("Page.navigate", url=address)

    def look_like(self, size, scheme):
        width, height = size
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.ask("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": scheme}, {"name": "prefers-reduced-motion", "value": "reduce"}])
        # A page that may run no script never says so.
        if not self.scriptless:
            self.run("new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")

    def without_scripts(self):
        self.scriptless = True
        self.ask("Emulation.setScriptExecutionDisabled", value=True)

    def ask(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.out, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + ANSWER_S
        while True:
            said = self.read(deadline, method)
            if said.get("id") == self.number:
                if "error" in said:
                    fail(f"{method}: {said['error']}")
                return said["result"]
            self.hear(said)

    def read(self, deadline, method):
        while b"\0" not in self.unread:
            if not select.select([self.into], [], [], max(0, deadline - time.monotonic()))[0]:
                fail(f"the browser does not answer {method}")
            more = os.read(self.into, 1 << 16)
            if not more:
                fail("the browser ended")
            self.unread += more
        message, _, self.unread = self.unread.partition(b"\0")
        return json.loads(message)

    def hear(self, said):
        """A page that is sound gives a browser nothing to complain of, but for what was refused on purpose."""
        if said.get("method") == "Runtime.exceptionThrown":
            self.complaints.append(said["params"]["exceptionDetails"]["exception"].get("description"))
        if said.get("method") == "Log.entryAdded":
            entry = said["params"]["entry"]
            if entry["level"] == "error" and "status of 400" not in entry["text"]:
                self.complaints.append(entry["text"])

    def run(self, script):
        answer = self.ask("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            fail(f"{script}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def text(self, selector):
        return self.run(f"document.querySelector({json.dumps(selector)})?.textContent ?? ''")

    def focus(self, selector):
        self.run(f"document.querySelector({json.dumps(selector)}).focus()")

    def press_button(self, words):
        """Enter, where somebody who uses no mouse has come with Tab."""
        found = self.run(f"[...document.querySelectorAll('button')].find((it) => it.textContent === {json.dumps(words)})?.focus() === undefined"
                         f" && document.activeElement.textContent === {json.dumps(words)}")
        expect(f"a button {words!r} that can be focused", True, found)
        self.key("Enter")

    def key(self, name):
        text = {"text": "\r"} if name == "Enter" else {}
        of_key = {"key": name, "code": name, "windowsVirtualKeyCode": KEYS[name]}
        self.ask("Input.dispatchKeyEvent", type="keyDown", **of_key, **text)
        self.ask("Input.dispatchKeyEvent", type="keyUp", **of_key)

    def nameless(self, controls_min):
        """What can be operated, and says nothing to somebody who hears the page."""
        roles = {"button", "slider", "combobox", "textbox", "spinbutton", "link", "checkbox", "DisclosureTriangle"}
        nodes = self.ask("Accessibility.getFullAXTree")["nodes"]
        operable = [node for node in nodes if not node.get("ignored") and node.get("role", {}).get("value") in roles]
        if len(operable) < controls_min:
            fail(f"the page has only {len(operable)} controls of {controls_min}")
        return [node["role"]["value"] for node in operable if not node.get("name", {}).get("value", "").strip()]

    def picture(self, path):
        height = self.run("Math.ceil(document.documentElement.getBoundingClientRect().height)")
        width = self.run("innerWidth")
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        picture = self.ask("Page.captureScreenshot", format="png", clip=clip, captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(picture["data"]))


def expect(what, wanted, found):
    if wanted != found:
        fail(f"{what}: expected {wanted!r}, found {found!r}")


def announce(text):
    say(f"[{time.monotonic() - BEGAN:4.0f} s] {text}")


def say(text):
    print(text, file=sys.stderr, flush=True)


def fail(text):
    raise SystemExit(f"{pathlib.Path(sys.argv[0]).name}: {text}")
