"""The server and the page's scripts write the same amount, and as the language has it."""

import json
import subprocess
from pathlib import Path

import pytest
from django.utils import translation

from auctions.money import CURRENCIES
from auctions.presenting import MoneyStyle, money_config, money_text

_SCRIPT = """
import { readFileSync } from "node:fs";
import { Money } from "%s";
const told = JSON.parse(readFileSync(0, "utf8")).map(({ language, config, symbol, minor, full }) => {
  const money = new Money(config);
  const digits = { minimumFractionDigits: config.exponent, maximumFractionDigits: config.exponent };
  const own = new Intl.NumberFormat(language, { style: "currency", currency: config.code, ...digits });
  const parts = own.formatToParts(minor / 10 ** config.exponent);
  return [money.text(minor, { full }), parts.map(({ type, value }) => (type === "currency" ? symbol : value)).join("")];
});
console.log(JSON.stringify(told));
"""
_MONEY = Path(__file__).parents[2] / "static/js/money.js"


@pytest.mark.parametrize("language", ["en", "de"])
def test_server_script_and_language_agree(language):
    cases, written = [], []
    with translation.override(language):
        for code in ("EUR", "USD", "JPY", "KWD", "CHF"):
            style = MoneyStyle(CURRENCIES[code])
            for minor in (1, 4_500, 4_550, 1_234_567, 10**13):
                for full in (True, False):
                    cases.append(
                        {
                            "language": language,
                            "config": money_config(style),
                            "symbol": style.currency.symbol,
                            "minor": minor,
                            "full": full,
                        }
                    )
                    written.append(money_text(minor, style, full=full))
    done = subprocess.run(
        ["node", "--input-type=module", "--eval", _SCRIPT % _MONEY.as_uri()],
        input=json.dumps(cases),
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    told = json.loads(done.stdout)
    assert [ours for ours, _theirs in told] == written
    # Without its cents an amount is not what Intl writes.
    assert [ours for (ours, _theirs), case in zip(told, cases, strict=True) if case["full"]] == [
        theirs for (_ours, theirs), case in zip(told, cases, strict=True) if case["full"]
    ]
