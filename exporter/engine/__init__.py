"""Probing in processes of its own: the shared board, schedules, sockets and their supervisor."""
