"""A stand-in for Telegram's Bot API that enforces its rules over real HTTP, so that a mistake fails as it would there."""
