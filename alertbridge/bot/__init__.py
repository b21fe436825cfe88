"""Answers to people: one file per group of Telegram commands."""
