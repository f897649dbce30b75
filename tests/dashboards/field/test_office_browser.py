"""The firm's office in a real browser: a day is sealed, old paper is sent many at once."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.dashboards import page_city
from tests.dashboards.field.test_field_browser import Phone, browser, phone, site

pytestmark = pytest.mark.requires("chromium")
__all__ = ["browser", "phone", "site"]


def file_of(name: str, content: bytes) -> dict[str, Any]:
    return {"name": name, "mimeType": "application/octet-stream", "buffer": content}


def test_a_day_is_sealed_on_the_page_and_the_receipt_names_its_records(phone: Phone) -> None:
    phone.arrive("341002")
    phone.work()
    phone.sign("341002")
    expect(phone.page.locator("#queue")).to_have_text("本机无待上传", timeout=20_000)
    phone.page.goto(f"{phone.site}/login")
    phone.context.clear_cookies()
    phone.log_in("firm_manager")
    page = phone.page
    page.goto(f"{phone.site}/firm/seals")
    expect(page.locator("input[name=digest]")).to_have_count(1)
    page.get_by_label("请再次输入您的口令").fill("wrong")
    page.get_by_role("button", name="封存", exact=True).click()
    expect(page.locator("[data-problem]")).to_be_visible()
    page.get_by_label("请再次输入您的口令").fill(page_city.PASSWORD)
    page.get_by_role("button", name="封存", exact=True).click()
    page.wait_for_url("**/firm/seals/*")
    expect(page.get_by_text("再次输入口令")).to_be_visible()
    assert phone.ask("select count(*) from maintenance.day_seal_record") >= 1


def test_scans_are_matched_by_their_names_and_each_says_what_became_of_it(phone: Phone) -> None:
    page = phone.page
    page.goto(f"{phone.site}/firm/scans")
    files: Any = [
        file_of("341002_2025-03-02 季保.pdf", b"%PDF-1.7\n" + b"x" * 3_000_000),
        file_of("20250417.jpg", b"\xff\xd8\xff\xe0" + b"y" * 20_000),
        file_of("341003_20250402.docx", b"PK\x03\x04" + b"z" * 20_000),
    ]
    page.locator("#f-files").set_input_files(files)
    rows = page.locator("#scan-rows tr")
    expect(rows).to_have_count(3)
    expect(rows.nth(0).locator("[name=day]")).to_have_value("2025-03-02")
    expect(rows.nth(0).locator("[name=level]")).to_have_value("quarter")
    expect(rows.nth(1).locator("[name=day]")).to_have_value("2025-04-17")
    page.locator("[data-send]").click()
    expect(rows.nth(0).locator("[data-result]")).to_have_text("已归档", timeout=20_000)
    expect(rows.nth(1).locator("[data-result]")).to_contain_text("请选择电梯和日期")
    expect(rows.nth(2).locator("[data-result]")).to_contain_text("只收 PDF")
    rows.nth(1).locator("[name=lift]").fill(page.locator("#scan-lifts option").nth(3).get_attribute("value") or "")
    page.locator("[data-send]").click()
    expect(rows.nth(1).locator("[data-result]")).to_have_text("已归档", timeout=20_000)
    assert phone.ask("select count(*) from maintenance.paper_scan") == 2
