"""What stands on every page: the menu, the age of the data, banners, refusals, units of time."""

from __future__ import annotations

from typing import Final

TEXTS: Final[dict[str, tuple[str, str]]] = {
    "title": ("VPN site monitor", "Pemantau situs VPN"),
    "skip": ("Skip to content", "Langsung ke isi"),
    "menu": ("Menu", "Menu"),
    "map": ("Map", "Peta"),
    "regions": ("Regions", "Wilayah"),
    "targets": ("Targets", "Alat"),
    "log": ("Ping log", "Log Ping"),
    "pipeline": ("Pipeline", "Pool Update"),
    "maintenance": ("Maintenance", "Maintenance"),
    # freshness
    "live": ("live", "langsung"),
    "data_is": ("data {age} old", "data {age} lalu"),
    "lost": (
        "No answer from the exporter for {age}. What you see is from then; it is tried again by itself.",
        "Exporter tidak menjawab selama {age}. Yang terlihat adalah keadaan saat itu; dicoba lagi otomatis.",
    ),
    "judge_late": (
        "The states are {age} old: the exporter answers, but does not judge.",
        "Status berumur {age}: exporter menjawab, tetapi tidak menilai.",
    ),
    "no_script": (
        "Without JavaScript this page does not refresh by itself, and the map is not drawn.",
        "Tanpa JavaScript halaman ini tidak diperbarui otomatis dan peta tidak digambar.",
    ),
    # banners
    "isolated": (
        "We cannot see: nothing proves that our own line works, so states are not judged.",
        "Kita tidak bisa melihat: tidak ada bukti jalur kita sendiri berfungsi, status tidak dinilai.",
    ),
    "impaired": (
        "The probing engine cannot be believed at this moment ({reasons}); its targets are unknown.",
        "Mesin probe tidak bisa dipercaya saat ini ({reasons}); alatnya tidak diketahui.",
    ),
    "impaired_stuck": ("a process is stuck", "proses macet"),
    "impaired_receive_drops": ("the kernel drops replies", "kernel membuang balasan"),
    "impaired_late": ("probes are sent late", "probe terlambat dikirim"),
    "impaired_reply_wait": ("replies are read late", "balasan terlambat dibaca"),
    "impaired_clock_step": ("the clock jumped", "jam melompat"),
    "impaired_code_changed": (
        "the program on disk has changed: restart vpn-exporter",
        "program di disk sudah berubah: mulai ulang vpn-exporter",
    ),
    "config_bad": (
        "The targets file has mistakes; the last good one is in use.",
        "Berkas target berisi kesalahan; yang terakhir baik tetap dipakai.",
    ),
    "config_held": (
        "The targets file would remove {count} targets; that waits for your confirmation.",
        "Berkas target akan menghapus {count} alat; menunggu konfirmasi Anda.",
    ),
    "show": ("Show", "Lihat"),
    # refusals and errors
    "login_title": ("Please sign in", "Silakan masuk"),
    "login_text": (
        "User name or password is missing or wrong. Ask the person who runs this monitor for a user.",
        "Nama pengguna atau kata sandi kosong atau salah. Mintalah pengguna kepada pengelola pemantau ini.",
    ),
    "refused_title": ("Refused", "Ditolak"),
    "not_found_title": ("There is no such page", "Halaman tidak ada"),
    "back": ("Back to the map", "Kembali ke peta"),
    "again": ("Try again", "Coba lagi"),
    "done_title": ("Done", "Selesai"),
    # durations
    "unit_s": ("s", "dtk"),
    "unit_min": ("min", "mnt"),
    "unit_h": ("h", "jam"),
    "unit_d": ("d", "hr"),
}
