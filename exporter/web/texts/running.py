"""The pages of who runs it: pipeline and maintenance."""

from __future__ import annotations

from typing import Final

TEXTS: Final[dict[str, tuple[str, str]]] = {
    # pipeline
    "near": ("States about to change", "Status yang akan berubah"),
    "nothing_near": ("No state is about to change.", "Tidak ada status yang akan berubah."),
    "becomes": ("Becomes", "Menjadi"),
    "missing": ("Probes still missing", "Probe yang masih kurang"),
    "unknown_why": ("Why targets are unknown", "Mengapa alat tidak diketahui"),
    "nothing_unknown": ("No target is unknown.", "Tidak ada alat yang tidak diketahui."),
    "engine": ("Probing engine", "Mesin probe"),
    "due": ("Due now", "Jatuh tempo"),
    "in_flight": ("In flight", "Di jalan"),
    "sent": ("Sent", "Terkirim"),
    "replies": ("Replies", "Balasan"),
    "drops": ("Dropped by the kernel", "Dibuang kernel"),
    "heartbeat": ("Sign of life", "Tanda hidup"),
    "process": ("Process", "Proses"),
    "ago": ("{age} ago", "{age} lalu"),
    "never": ("not yet", "belum"),
    "not_needed": ("not needed", "tidak diperlukan"),
    # maintenance
    "restart": ("Restart engine", "Restart Engine"),
    "restart_note": (
        "Replaces the probing processes. States, counters and outages stay.",
        "Mengganti proses probe. Status, penghitung, dan gangguan tetap.",
    ),
    "restart_sure": ("Yes, restart now", "Ya, restart sekarang"),
    "reload": ("Reload targets", "Muat ulang target"),
    "reload_note": (
        "Reads targets.yml again and applies what changed. Also confirms a removal that is held.",
        "Membaca ulang targets.yml dan menerapkan perubahan. Juga mengonfirmasi penghapusan yang ditahan.",
    ),
    "reload_sure": ("Yes, reload now", "Ya, muat ulang sekarang"),
    "working": ("Working ...", "Sedang bekerja ..."),
    "restart_refused": (
        "The program on disk has changed; a new engine would not fit. Restart vpn-exporter itself. The engine goes on.",
        "Program di disk sudah berubah; engine baru tidak akan cocok. Mulai ulang vpn-exporter. Engine tetap berjalan.",
    ),
    "restarted": ("The engine is being restarted.", "Engine sedang direstart."),
    "reloaded": (
        "Applied: {added} added, {removed} removed, {changed} changed.",
        "Diterapkan: {added} ditambah, {removed} dihapus, {changed} diubah.",
    ),
    "refused": ("Refused: {why}", "Ditolak: {why}"),
    "has_mistakes": (
        "Nothing was changed. Mistakes: {count}, listed below.",
        "Tidak ada yang diubah: {count} kesalahan.",
    ),
    "failed": ("No answer. Try again.", "Tidak ada jawaban. Coba lagi."),
    "config": ("Targets file", "Berkas target"),
    "config_good": ("Good", "Baik"),
    "config_refused": ("Refused", "Ditolak"),
    "config_since": ("Last good reload", "Muat ulang terakhir yang baik"),
    "config_tried": ("Last attempt", "Percobaan terakhir"),
    "mistakes": ("Mistakes", "Kesalahan"),
    "warnings": ("Warnings", "Peringatan"),
    "line": ("Line", "Baris"),
    "problem": ("What is wrong", "Apa yang salah"),
    "remedy": ("What to do", "Apa yang dilakukan"),
    "uplinks": ("Uplinks", "Uplink"),
    "no_uplinks": ("None configured.", "Tidak ada yang dikonfigurasi."),
    "answers": ("answers", "menjawab"),
    "silent": ("silent", "diam"),
    "version": ("Version", "Versi"),
    "certificate": ("Certificate of these pages", "Sertifikat halaman ini"),
    "left": ("{age} left", "sisa {age}"),
    "over": ("has ended", "sudah berakhir"),
    "running_since": ("Running since", "Berjalan sejak"),
    "replaced": ("Processes replaced", "Proses diganti"),
    "replaced_stuck": ("stuck", "macet"),
    "replaced_dead": ("dead", "mati"),
    "replaced_requested": ("on request", "atas permintaan"),
    "permission": (
        "No permission to send ICMP. Run this once; it is picked up by itself:",
        "Tidak ada izin mengirim ICMP. Jalankan sekali; dikenali otomatis:",
    ),
    "elsewhere": ("Elsewhere", "Di tempat lain"),
    "elsewhere_note": (
        "Rules, alerts, message queue, silences and history live in Grafana, Alertmanager and the Telegram bot.",
        "Aturan, alarm, antrean pesan, senyap, dan riwayat ada di Grafana, Alertmanager, dan bot Telegram.",
    ),
    "metrics": ("Metrics", "Metrik"),
    "signed_in": ("Signed in as {user}", "Masuk sebagai {user}"),
}
