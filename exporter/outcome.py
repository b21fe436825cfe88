"""The closed sets of words that every part shares: how a probe ended, what a target's state is, why we cannot see.

Values of the string enums are label values of metrics and words of the JSON API; the order of members is the number
that the shared arrays hold, so new members go to the end.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum


class FailureReason(StrEnum):
    """Why a probe got no good answer."""

    TIMEOUT = "timeout"  # nothing came in time
    UNREACHABLE = "unreachable"  # an ICMP error or the kernel's own routing said so
    TTL_EXCEEDED = "ttl_exceeded"  # a routing loop
    DNS = "dns"  # the name has never resolved
    SEND_ERROR = "send_error"  # the kernel refused to send; says nothing of the target
    PERMISSION = "permission"  # no socket may be opened
    REFUSED = "refused"  # TCP reset at connect
    RESET = "reset"  # the connection broke after it was made
    TLS = "tls"  # handshake or certificate
    PROTOCOL = "protocol"  # no HTTP answer that can be read
    STATUS = "status"  # an HTTP status that is not expected


REASONS: tuple[FailureReason, ...] = tuple(FailureReason)


class Status(IntEnum):
    """One probe's entry in a ring of the board. A failure is FIRST_FAILURE + index into REASONS."""

    EMPTY = 0
    PENDING = 1
    REPLY = 2
    VOID = 3  # its prober died before the answer: not counted, part of no window and no streak
    FIRST_FAILURE = 4


def failure_status(reason: FailureReason) -> int:
    """Return the ring status that stands for a failure reason."""
    return Status.FIRST_FAILURE + REASONS.index(reason)


class State(IntEnum):
    """A target's or region's state; the number is `vpn_target_state_code`."""

    DOWN = 0
    LOW = 1
    UP = 2
    UNKNOWN = 3

    @property
    def word(self) -> str:
        """The label value: down, low, up or unknown."""
        return self.name.lower()


class UnknownReason(StrEnum):
    """Why a target's state is unknown. NONE stands for every other state."""

    NONE = ""
    STARTING = "starting"  # fewer than three outcomes yet
    ISOLATED = "isolated"  # our own line, or all of it
    IMPAIRED = "impaired"  # the engine itself is late, stuck or losing packets
    PERMISSION = "permission"
    UNRESOLVED = "unresolved"  # its name has never resolved
    NO_WITNESS = "no_witness"  # silent, but nothing else proves that we can see
    RESTARTED = "restarted"  # saved state, not judged again yet


UNKNOWN_REASONS: tuple[UnknownReason, ...] = tuple(UnknownReason)


class Cause(StrEnum):
    """What a judged outage comes from; the value is the `cause` label of `vpn_target_cause`."""

    DEVICE = "device"
    TUNNEL = "tunnel"
    SITE = "site"
    HUB = "hub"
    REGION = "region"
    PROVIDER = "provider"
    UPLINK = "uplink"
    ENGINE = "engine"
    UNKNOWN = "unknown"


CAUSES: tuple[Cause, ...] = tuple(Cause)


class ImpairedReason(StrEnum):
    """Why the engine cannot be believed; the value is the `reason` label of `vpn_monitor_impaired`."""

    STUCK = "stuck"  # a probing process gives no heartbeat
    RECEIVE_DROPS = "receive_drops"  # the kernel dropped replies (SO_RXQ_OVFL)
    LATE = "late"  # the send grid is behind
    REPLY_WAIT = "reply_wait"  # replies sat unread
    CLOCK_STEP = "clock_step"  # the wall clock jumped, so kernel time stamps lie
    CODE_CHANGED = "code_changed"  # no probing process can be started: the code on disk is not what runs here


IMPAIRED_REASONS: tuple[ImpairedReason, ...] = tuple(ImpairedReason)


class DiscardReason(StrEnum):
    """Why a packet that came in was no reply."""

    LATE = "late"
    DUPLICATE = "duplicate"
    FOREIGN = "foreign"


DISCARD_REASONS: tuple[DiscardReason, ...] = tuple(DiscardReason)
