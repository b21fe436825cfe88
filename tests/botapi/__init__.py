"""A stand-in for Telegram's Bot API with its rules, over real HTTP: a mistake fails as it would there."""
