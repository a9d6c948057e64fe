"""The browsers inside other apps, in which Google lets nobody sign in: they must be left for a real one.

Owns how they are known: by what they call themselves, which is all that a page is told.
"""

import re
from typing import Final

_APPS: Final = {
    "Instagram": r"Instagram",
    "Messenger": r"FBAN/Messenger|MessengerLite|FB_IAB/Orca|FB_IAB/MESSENGER",
    "Facebook": r"FBAN|FBAV|FB_IAB",
    "TikTok": r"musical_ly|BytedanceWebview|TikTok|trill_",
    "LinkedIn": r"LinkedInApp",
    "Snapchat": r"Snapchat",
    "Pinterest": r"\[Pinterest/|Pinterest for",
    "X": r"Twitter for iPhone|Twitter for iPad|TwitterAndroid",
    "Threads": r"Barcelona \d",
    "Reddit": r"Reddit/",
    "LINE": r"\bLine/",
    "WeChat": r"MicroMessenger",
}
_KNOWN: Final = {name: re.compile(pattern) for name, pattern in _APPS.items()}
# Android says it of every page that an app shows by itself.
_WEB_VIEW: Final = re.compile(r"Android .*; wv\)")


def app_of(user_agent: str) -> str | None:
    """Return the name of the app whose own browser this is, "" for one without a name, None for a real browser."""
    for name, pattern in _KNOWN.items():
        if pattern.search(user_agent):
            return name
    return "" if _WEB_VIEW.search(user_agent) else None
