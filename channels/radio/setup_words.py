"""What STATION-SETUP.txt and RECEIPT.txt say, in Indonesian and English; `{names}` are filled in by playout."""

from __future__ import annotations

from collections.abc import Mapping

SETUP_ID = """\
PEMASANGAN DI STASIUN: paket siaran {title}
{mode}
1. YANG PENTING DAHULU
   Isi      : {headline}
   Berlaku  : sampai {until}. Setelah itu JANGAN diudarakan.
   Paket ini tidak pernah mengudara sendiri: orang di stasiun yang memutuskan.
   Pembaruan atau pembatalan datang sebagai paket baru{cart_reuse}. Yang lama langsung berhenti dipakai.
   Setelah mengudara, isi RECEIPT.txt atau buka: {read_back}

2. CARA A: RIVENDELL
   a. Siapkan grup {group} dengan rentang nomor cart yang disepakati, dan folder tujuan, misalnya /var/crisis.
   b. Jalankan sekali di latar belakang (tanda petik wajib, supaya shell tidak membuka tanda bintang):
      rdimport --drop-box --use-cartchunk-cutid --delete-cuts --normalization-level=0
        --autotrim-level=0 {group} '/var/crisis/*_bwf_*.wav'
      (satu baris). rdimport MENGHAPUS berkas sumber setelah diimpor: jangan arahkan ke arsip.
   c. Salin berkas ini dengan nama akhir .part, lalu ganti nama setelah selesai:
      {wav}
   Nomor cart: {cart}. Nomor itu ada dalam CutID chunk "cart" berkas WAV.
   Chunk itu juga memuat tanggal mulai dan selesai menurut jam {zone}: setelah selesai, cut tidak diputar lagi.
   PERIKSA SEKALI: pada cart yang sudah ada, rdimport mengganti cut tetapi membiarkan JUDUL CART yang lama.
   Ikuti keterangan cut, bukan judul cart.
   Berkas .xml bernama sama di sebelah WAV memuat keterangan itu sebagai RDXML, untuk impor dengan tangan.
   Biarkan keduanya berdampingan, dan berikan nomor cart dalam perintah:
      {by_hand}
   JANGAN gabungkan --xml dengan --use-cartchunk-cutid: --xml membuang CutID dan berkas ditolak.
   (Dibaca dari sumber rdimport; belum diuji pada Rivendell yang terpasang.)

3. CARA B: LIQUIDSOAP ATAU LIBRETIME
   Taruh {mp3} atau WAV ke satu folder kosong, lalu:
      darurat = playlist(mode="normal", loop=false, reload_mode="watch", "/var/crisis/liquidsoap")
      radio   = fallback(track_sensitive=false, [darurat, program_biasa])
   Saat folder berisi, darurat mengambil alih lalu siaran biasa kembali. Kosongkan folder setelah masa berlaku.
   LibreTime: tambahkan sebagai podcast dengan alamat RSS di bawah, atau unggah MP3 dan jadwalkan dengan tangan.

4. CARA C: DENGAN TANGAN
   a. Putar {mp3}, atau baca {script} DUA KALI, pelan dan jelas.
   b. Ulangi sesuai permintaan kantor. BERHENTI pada {until}, atau begitu paket baru datang.
   c. {stem} adalah suara saja, untuk pembuka milik stasiun. Jangan pakai nada EAS, sirene atau alarm.

5. LANGGANAN
   RSS: {feed}
   Item yang habis masa berlakunya hilang dari RSS; hapus juga dari pemutar.

6. APAKAH PAKET INI ASLI DAN UTUH
   Keutuhan : sha256sum -c SHA256SUMS       (Windows: certutil -hashfile NAMA SHA256)
   Keaslian : {signature}
   Periksa juga di: {check}
   Bila ragu, jangan diudarakan; telepon kantor: {contact}
"""

SETUP_EN = """\
SETTING UP AT THE STATION: radio kit of {title}
{mode}
1. FIRST THINGS FIRST
   Says     : {headline}
   Holds    : until {until}. DO NOT air it after that.
   This kit never goes on air by itself: people at the station decide.
   An update or a cancel comes as a new kit{cart_reuse}. The old one is out of use at once.
   When it has aired, fill in RECEIPT.txt or open: {read_back}

2. WAY A: RIVENDELL
   a. Make a group {group} with the agreed range of cart numbers, and a drop folder, such as /var/crisis.
   b. Start this once, in the background (the quotes matter: the shell must not expand the star):
      rdimport --drop-box --use-cartchunk-cutid --delete-cuts --normalization-level=0
        --autotrim-level=0 {group} '/var/crisis/*_bwf_*.wav'
      (one line). rdimport DELETES the source once imported: never point it at an archive.
   c. Copy this file under a name that ends in .part, then rename it when the copy is complete:
      {wav}
   Cart number: {cart}. It is the CutID in the WAV's "cart" chunk.
   That chunk also holds start and end by the clock of {zone}: after the end the cut is not played.
   CHECK ONCE: in a cart that exists, rdimport replaces the cut but leaves the CART'S TITLE as it was.
   Go by the cut's description, not by the cart's title.
   The .xml of the same name beside the WAV says all this as RDXML, for an import by hand.
   Keep the two side by side and give the cart number on the command line:
      {by_hand}
   DO NOT use --xml with --use-cartchunk-cutid: --xml throws the CutID away and the file is refused.
   (Read in rdimport's source; not tried with an installed Rivendell.)

3. WAY B: LIQUIDSOAP OR LIBRETIME
   Put {mp3} or the WAV into an empty folder of its own, and:
      urgent = playlist(mode="normal", loop=false, reload_mode="watch", "/var/crisis/liquidsoap")
      radio  = fallback(track_sensitive=false, [urgent, usual_programme])
   While there is something in the folder it takes over, then the programme returns. Empty the folder at the end.
   LibreTime: add the RSS below as a podcast, or upload the MP3 and schedule it by hand.

4. WAY C: BY HAND
   a. Play {mp3}, or read {script} TWICE, slowly and clearly.
   b. Repeat as the office asks. STOP at {until}, or when a new kit comes.
   c. {stem} is the voice alone, for the station's own jingle. Use no EAS tones, sirens or alarms.

5. SUBSCRIBE
   RSS: {feed}
   What has expired leaves the RSS; take it off your player too.

6. IS THIS KIT OURS, AND WHOLE
   Whole    : sha256sum -c SHA256SUMS       (Windows: certutil -hashfile NAME SHA256)
   Ours     : {signature}
   Check at : {check}
   If in doubt, do not air it; call the office: {contact}
"""

RECEIPT_ID = """\
TANDA TERIMA SIARAN
{mode}
Mohon diisi dan dikirim kembali: faks, telepon, surel, atau buka tautan di bawah.

Kode           : {code}
Isi            : {headline}
Berlaku sampai : {until}
Penerbit       : {title}
Nomor CAP      : {id}

Stasiun                 : ______________________________________________
Mulai mengudara (jam)   : ____________________   Tanggal : ______________
Berapa kali diulang     : ____________________
Cara  [ ] dibaca penyiar   [ ] rekaman diputar   [ ] TIDAK mengudara
Bila tidak, mengapa     : ______________________________________________
Nama penyiar/operator   : ______________________________________________
Nomor telepon           : ______________________________________________

Tautan                  : {link}
Kantor                  : {contact}
"""

RECEIPT_EN = """\
RECEIPT: WHAT WENT ON AIR
{mode}
Please fill this in and send it back by fax, phone or e-mail, or open the link below.

Code           : {code}
Says           : {headline}
Holds until    : {until}
From           : {title}
CAP identifier : {id}

Station                 : ______________________________________________
First aired at (time)   : ____________________   Date : _________________
How many times          : ____________________
How   [ ] read by announcer   [ ] recording played   [ ] NOT aired
If not, why             : ______________________________________________
Announcer or operator   : ______________________________________________
Phone                   : ______________________________________________

Link                    : {link}
Office                  : {contact}
"""

SETUP: Mapping[str, str] = {"id": SETUP_ID, "en": SETUP_EN}
RECEIPT: Mapping[str, str] = {"id": RECEIPT_ID, "en": RECEIPT_EN}
PIECES: Mapping[str, Mapping[str, str]] = {
    "id": {
        "none": "(tidak ada dalam paket ini)", "no_cart": "belum disepakati; minta rentang nomor ke kantor",
        "cart_reuse": " dengan nomor cart yang sama", "unsigned": "paket ini tidak ditandatangani; telepon kantor",
        "signed": "minisign -V -P {key} -m SHA256SUMS", "unknown": "(lihat 00_BACA-DULU.pdf)",
        "until": "{clock} {zone}, {date}", "open": "ada pembaruan, paling lama {clock} {zone}, {date}",
    },
    "en": {
        "none": "(not in this kit)", "no_cart": "not agreed yet; ask the office for a range",
        "cart_reuse": " with the same cart number", "unsigned": "this kit is not signed; call the office",
        "signed": "minisign -V -P {key} -m SHA256SUMS", "unknown": "(see 00_READ-FIRST.pdf)",
        "until": "{clock} {zone}, {date}", "open": "there is an update, at the latest {clock} {zone}, {date}",
    },
}  # fmt: skip
