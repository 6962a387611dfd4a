"""Takes the pictures of the console that README.md and docs/console.md show: from the sample, 1280 pixels wide, small files.

Usage: console_pictures.py CLIENTELE FOLDER PICTURES
CLIENTELE is the program, FOLDER that of a suite as deploy/setup/browser-suite makes it, PICTURES where they are put.
"""

import os
import subprocess
import sys

from playwright.sync_api import sync_playwright

from console_people import CHROMIUM, Person, Suite

BYTES_MAX = 150_000
WIDTH = 1280


def ticket(suite, conversation):
    return next(one["ticket_id"] for one in suite.call("ticket", "list", "--limit", "200")["tickets"] if one["reference"] == f"conversation-{conversation}")


def changed_card(page, base):
    """A scorecard by which somebody moves: registered as a draft, as people would do it."""
    page.goto(base + "/scorecards/rfm-plus/1/edit")
    for name, weight in [("d0.i0", "40"), ("d0.i2", "15")]:
        page.locator(f"[name='{name}.weight']").fill(weight)
    page.locator("#field-reason").fill("recent purchases count more")
    with page.expect_navigation():
        page.locator("button[value=register]").click()
    return page.url.split("?")[0].removeprefix(base)


def take(page, path, height, folder, name):
    page.set_viewport_size({"width": WIDTH, "height": height})
    page.goto(path)
    page.wait_for_timeout(300)
    file = f"{folder}/{name}.png"
    page.screenshot(path=file)
    # Flat colours: fewer of them look the same.
    subprocess.run(["pngquant", "--force", "--strip", "--speed", "1", "--ext", ".png", "64", file], check=True)
    size = os.path.getsize(file)
    print(f"{name}.png: {size} bytes")
    if size > BYTES_MAX:
        raise SystemExit(f"{file} is larger than {BYTES_MAX} bytes")


def main():
    program, folder, pictures = sys.argv[1:4]
    os.makedirs(pictures, exist_ok=True)
    suite = Suite(program, folder)
    customer = suite.call("customer", "show", "--member", "M120")["profile"]["customer_id"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"] if os.geteuid() == 0 else [])
        english = Person(browser, suite, None, "admin", "Wang Fang", locale="en-US", color_scheme="light")
        card = changed_card(english.page, english.base)
        for name, path, height in [
            ("home", "/", 1000), ("customer", f"/customers/{customer}", 1040), ("moves", f"{card}/moves", 1080), ("reports", "/reports/service", 1000),
        ]:
            take(english.page, english.base + path, height, pictures, name)
        chinese = Person(browser, suite, None, "lead", "Li Na", locale="zh-CN", color_scheme="dark")
        take(chinese.page, f"{chinese.base}/tickets/{ticket(suite, '026')}", 1080, pictures, "ticket-zh")
        light = Person(browser, suite, None, "manager", "Wang Fang", locale="zh-CN", color_scheme="light")
        take(light.page, light.base + "/surveys?metric=nps&from=1998-01-01&to=1998-07-01&by=channel", 1040, pictures, "surveys-zh")
        browser.close()


if __name__ == "__main__":
    main()
