"""What the scripts that drive the console share: people in Chromium, what must hold on every page, and the suite behind it."""

import json
import os
import re
import subprocess
import sys
from urllib.parse import urlsplit

from playwright.sync_api import sync_playwright

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PAGE_BYTES_MAX = 60_000
FOCUS_MAX = 60
faults = []


def check(holds, text):
    if not holds:
        faults.append(text)
        print("FAULT:", text, flush=True)
    return holds


class Suite:
    def __init__(self, program, folder):
        self.program, self.folder = program, folder

    def run(self, *words, text=None):
        """What the operator's tool prints."""
        done = subprocess.run([self.program, *words, "--folder", self.folder], input=text, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"clientele {' '.join(words)}: {done.stderr}")
        return done.stdout

    def call(self, *words):
        return json.loads(self.run(*words, "--json"))

    def link(self, role, name):
        """Where somebody signs in, with a code in the address."""
        return self.call("sign-in", "--role", role, "--subject", name)


def kind(path):
    """Pages of one kind differ by the numbers and names in their addresses."""
    path = urlsplit(path).path
    path = re.sub(r"/[0-9a-f]{16}(?=/|$)", "/{id}", path)
    return re.sub(r"/[^/]*\d[^/]*(?=/|$)", "/{n}", path)


class Person:
    """Somebody in a browser, signed in."""

    def __init__(self, browser, suite, axe, role, name="Wang Fang", **context):
        # axe is put into the page past its policy, so what the policy forbids is looked for without it.
        self.context = browser.new_context(bypass_csp=axe is not None, **context)
        self.context.set_default_timeout(15_000)
        self.page = self.context.new_page()
        self.axe, self.role, self.label = axe, role, f"{role} {context.get('locale', '')} {context.get('color_scheme', '')}".strip()
        self.origins = set()
        self.page.on("request", lambda request: self.origins.add(urlsplit(request.url).netloc))
        self.page.on("console", lambda m: check(m.type != "error" or "status of 4" in m.text, f"{self.label}: {self.page.url}: {m.text}"))
        self.page.on("pageerror", lambda error: check(False, f"{self.label}: {self.page.url}: {error}"))
        told = suite.link(role, name)
        self.base = told["url"].split("/sign-in")[0]
        self.page.goto(told["url"])
        self.page.locator("form.sheet button").click()
        check(self.page.url == self.base + "/", f"{self.label}: signing in leads to {self.page.url}")

    def look(self, size):
        page, where = self.page, f"{self.label}: {urlsplit(self.page.url).path}"
        check(size <= PAGE_BYTES_MAX, f"{where} has {size} bytes")
        wide = page.evaluate("document.scrollingElement.scrollWidth - window.innerWidth")
        check(wide <= 0, f"{where} is {wide} pixels wider than the screen")
        twice = page.evaluate(
            "(() => { const seen = new Set(); return [...document.querySelectorAll('[id]')].map(e => e.id).filter(i => seen.has(i) || !seen.add(i)); })()")
        check(not twice, f"{where} has ids twice: {twice}")
        check(page.locator("h1").count() == 1, f"{where} has {page.locator('h1').count()} first headings")
        if self.axe:
            page.evaluate(self.axe)
            found = page.evaluate("tags => axe.run(document, {runOnly: tags})", TAGS)
            for violation in found["violations"]:
                check(False, f"{where}: axe: {violation['id']}: {[node['html'][:200] for node in violation['nodes']][:4]}")

    def focus_order(self):
        """The keyboard goes where the eye goes: through everything that can be used, in the order of the page, and is always seen."""
        page = self.page
        page.evaluate(
            "(() => { let n = 0; for (const e of document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex=\"0\"]'))"
            " if (e.getClientRects().length && !e.disabled && e.type !== 'hidden' && !e.closest('details:not([open]) > :not(summary)'))"
            " e.dataset.place = n++; document.activeElement.blur(); })()")
        count = page.evaluate("document.querySelectorAll('[data-place]').length")
        places, hidden, radios = [], [], set()
        for _ in range(min(count, FOCUS_MAX)):
            page.keyboard.press("Tab")
            found = page.evaluate(
                "(() => { const e = document.activeElement, s = getComputedStyle(e); return [e.dataset.place ?? null, s.outlineStyle, e.outerHTML.slice(0, 120)]; })()")
            if found[0] is None:
                break
            places.append(int(found[0]))
            if found[1] == "none":
                hidden.append(found[2])
        check(places == sorted(places), f"{self.label}: {page.url}: the focus jumps: {places}")
        check(len(places) > 3, f"{self.label}: {page.url}: the keyboard reaches {places}")
        check(not hidden, f"{self.label}: {page.url}: nobody sees the focus on {hidden[:3]}")

    def close(self):
        self.context.close()


def run(parts, name):
    """Runs parts of a script, each a function of a browser, the suite and axe-core's script; ends with 1 when anything is not as it should be.

    The words behind the script's name: CLIENTELE FOLDER [AXE].
    """
    program, folder = sys.argv[1:3]
    axe = None
    if len(sys.argv) > 3:
        with open(sys.argv[3], encoding="utf-8") as file:
            axe = file.read()
    else:
        print("axe-core is not at hand: that part is left out")
    suite = Suite(program, folder)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"] if os.geteuid() == 0 else [])
        print("Chromium", browser.version)
        for part in parts:
            part(browser, suite, axe)
        browser.close()
    if faults:
        raise SystemExit(f"{len(faults)} faults")
    print(f"{name}: all is well")
