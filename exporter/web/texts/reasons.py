"""Why a state is what it is: causes, failures of probes, tunnels, why a target is unknown."""

from __future__ import annotations

from typing import Final

TEXTS: Final[dict[str, tuple[str, str]]] = {
    # causes
    "cause_device": ("the device itself", "alat itu sendiri"),
    "cause_tunnel": ("VPN tunnel", "terowongan VPN"),
    "cause_site": ("the whole site", "seluruh situs"),
    "cause_hub": ("the hub", "hub"),
    "cause_region": ("whole region", "seluruh wilayah"),
    "cause_provider": ("the provider", "penyedia jaringan"),
    "cause_uplink": ("our uplink", "uplink kita"),
    "cause_engine": ("probing engine", "mesin probe"),
    "cause_unknown": ("cause not known", "penyebab belum diketahui"),
    # how the newest probe failed
    "reason_timeout": ("no answer", "tidak menjawab"),
    "reason_unreachable": ("unreachable", "tidak terjangkau"),
    "reason_ttl_exceeded": ("routing loop", "rute berputar"),
    "reason_dns": ("name not found", "nama tidak ditemukan"),
    "reason_send_error": ("cannot be sent", "tidak bisa dikirim"),
    "reason_permission": ("no permission to send", "tidak ada izin mengirim"),
    "reason_refused": ("connection refused", "koneksi ditolak"),
    "reason_reset": ("connection broken off", "koneksi diputus"),
    "reason_tls": ("TLS or certificate refused", "TLS atau sertifikat ditolak"),
    "reason_protocol": ("no HTTP answer", "bukan jawaban HTTP"),
    "reason_status": ("unexpected HTTP status", "status HTTP tak terduga"),
    # tunnels
    "tunnel": ("VPN tunnel", "Terowongan VPN"),
    "tunnel_connected": ("connected", "tersambung"),
    "tunnel_used_twice": (
        "connected, but two clients take turns: one certificate is used twice",
        "tersambung, tetapi dua klien bergantian: satu sertifikat dipakai dua kali",
    ),
    "tunnel_not_connected": ("not connected", "tidak tersambung"),
    "tunnel_never_connected": (
        "not connected since the exporter began to look; is the name right?",
        "belum tersambung sejak exporter mulai melihat; apakah namanya benar?",
    ),
    "tunnel_silent": ("the peer answers nothing", "peer tidak menjawab apa pun"),
    "tunnel_idle": ("not known: no traffic", "tidak diketahui: tanpa lalu lintas"),
    "tunnel_damaged": ("not known: the server's table is damaged", "tidak diketahui: tabel server rusak"),
    "tunnel_not_a_peer": ("not known: no peer has this key", "tidak diketahui: tidak ada peer dengan kunci ini"),
    "tunnel_stale": ("not known: the VPN server says nothing", "tidak diketahui: server VPN tidak memberi kabar"),
    "tunnel_no_source": ("not known: no source reads it", "tidak diketahui: tidak ada sumbernya"),
    "handshake": ("handshake", "handshake"),
    "through": ("through", "lewat"),
    # why unknown
    "why_starting": ("starting: fewer than three probes", "mulai: kurang dari tiga probe"),
    "why_isolated": ("our own line is silent", "jalur kita sendiri diam"),
    "why_impaired": ("the engine cannot be believed", "mesin tidak bisa dipercaya"),
    "why_permission": ("no permission to send", "tidak ada izin mengirim"),
    "why_unresolved": ("its name has never resolved", "namanya belum pernah ditemukan"),
    "why_no_witness": ("silent, and nothing else proves that we can see", "diam, tanpa bukti lain bahwa kita melihat"),
    "why_restarted": ("after a restart, not judged yet", "setelah restart, belum dinilai"),
    "why_unknown": ("not known", "tidak diketahui"),
}
