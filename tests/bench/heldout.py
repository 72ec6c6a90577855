"""Alert texts of the kind weather and disaster offices publish, in our own words: no voice was tuned by them."""

INDONESIAN = {
    "hujan lebat": (
        "Waspada potensi hujan sedang hingga lebat disertai kilat dan angin kencang pada pukul 15.20 WIB di "
        "Kecamatan Ambarawa, Bandungan, dan Sumowono. Kondisi ini dapat meluas ke Kecamatan Tuntang dan Bawen. "
        "Diperkirakan masih berlangsung hingga pukul 17.40 WIB. Hindari berteduh di bawah pohon besar. Informasi "
        "lebih lanjut hubungi BPBD di nomor 024-6921194.",
        {
            "place": "Kecamatan Ambarawa",
            "time": "pukul 17.40 WIB",
            "action": "Hindari berteduh di bawah pohon besar",
            "phone": "024-6921194",
        },
    ),
    "gempa": (
        "Gempa bumi dengan magnitudo 6,1 terjadi pada Selasa 14 Juli pukul 04.12 WITA. Pusat gempa berada di laut "
        "72 km barat laut Kota Bima pada kedalaman 24 km. Gempa ini tidak berpotensi tsunami. Warga di Dompu dan "
        "Sumbawa diminta tetap tenang dan menjauhi bangunan yang retak. Waspadai gempa susulan. Bila ada yang "
        "terluka, telepon 119.",
        {
            "place": "Kota Bima",
            "time": "pukul 04.12 WITA",
            "action": "menjauhi bangunan yang retak",
            "phone": "119",
        },
    ),
    "erupsi": (
        "Gunung Merapi meluncurkan awan panas guguran sejauh 2 km ke arah Kali Krasak pada pukul 09.45 WIB. Warga "
        "dilarang beraktivitas dalam jarak 7 km dari puncak. Gunakan masker untuk mengurangi dampak abu vulkanik. "
        "Waspadai lahar hujan di sungai yang berhulu di Gunung Merapi. Pos pengungsian dibuka di Balai Desa "
        "Tegalrandu. Nomor posko 0293-788123.",
        {
            "place": "Gunung Merapi",
            "time": "pukul 09.45 WIB",
            "action": "Gunakan masker",
            "phone": "0293-788123",
        },
    ),
    "tinggi muka air": (
        "Tinggi muka air Sungai Ciliwung di Pintu Air Depok mencapai 320 sentimeter dan masih naik. Status siaga "
        "dua ditetapkan sejak pukul 21.15 WIB. Warga di bantaran Kampung Melayu dan Bidara Cina segera pindah ke "
        "tempat yang aman. Matikan listrik sebelum meninggalkan rumah. Perahu karet disiapkan di Jembatan "
        "Tongtek. Bantuan darurat telepon 112.",
        {
            "place": "Sungai Ciliwung",
            "time": "pukul 21.15 WIB",
            "action": "segera pindah ke tempat yang aman",
            "phone": "112",
        },
    ),
    "longsor": (
        "Longsor menutup jalan provinsi di Km 14 Kecamatan Cisarua, Minggu malam. Tiga rumah rusak berat dan lima "
        "belas orang mengungsi ke masjid. Pengendara diminta memutar lewat Lembang. Retakan baru terlihat di atas "
        "kampung, karena itu jangan kembali ke rumah sebelum diizinkan petugas. Laporkan warga yang hilang ke "
        "0811-222-345. Jalan dibuka lagi paling cepat pukul 06.00 WIB.",
        {
            "place": "Kecamatan Cisarua",
            "time": "pukul 06.00 WIB",
            "action": "jangan kembali ke rumah",
            "phone": "0811-222-345",
        },
    ),
    "gelombang tinggi": (
        "Gelombang setinggi 4 sampai 6 meter berpeluang terjadi di Samudra Hindia selatan Jawa mulai besok pagi. "
        "Nelayan diimbau tidak melaut sampai hari Kamis pukul 07.00 WIB. Tambatkan perahu dengan kuat dan jauhi "
        "tanggul pantai. Wisatawan dilarang berenang di Pantai Parangtritis. Keadaan darurat di laut, telepon "
        "115.",
        {
            "place": "Samudra Hindia",
            "time": "pukul 07.00 WIB",
            "action": "tidak melaut",
            "phone": "115",
        },
    ),
    "kabut asap": (
        "Mutu udara di Kota Palangka Raya memburuk karena kebakaran lahan gambut. Sekolah diliburkan selama 3 "
        "hari. Kurangi kegiatan di luar rumah, tutup jendela, dan pakai masker. Ibu hamil dan anak balita "
        "diutamakan. Rumah oksigen dibuka di Puskesmas Pahandut sejak pukul 08.00 WIB. Laporan titik api "
        "disampaikan ke 0536-322145.",
        {
            "place": "Kota Palangka Raya",
            "time": "pukul 08.00 WIB",
            "action": "Kurangi kegiatan di luar rumah",
            "phone": "0536-322145",
        },
    ),
}

ENGLISH = {
    "flash flood": (
        "A flash flood warning is in force for the Mill Creek valley until 9:45 pm. Up to 80 millimetres of rain "
        "have fallen in two hours. Move to higher ground now and do not drive through flooded roads. A shelter is "
        "open at the Ridgeway primary school. For help, call 555-0142.",
        {
            "place": "Mill Creek valley",
            "time": "9:45 pm",
            "action": "Move to higher ground now",
        },
    ),
    "tropical cyclone": (
        "Tropical Cyclone Maya is 120 km north-west of Port Hedland and moving south at 15 km/h. Destructive "
        "winds are expected along the coast from 6 pm tonight. Secure loose items, stay indoors and keep away "
        "from windows. The next bulletin will be issued at 11 am.",
        {
            "place": "Port Hedland",
            "time": "6 pm tonight",
            "action": "stay indoors and keep away from windows",
        },
    ),
    "boil water": (
        "Tap water in the eastern suburbs may be unsafe after a pipe failure on Station Road. Boil all water for "
        "one minute before drinking or brushing teeth. Bottled water is given out at the town hall from 8:30 am. "
        "Hospitals have been told. For questions, call 1800-555-210.",
        {
            "place": "Station Road",
            "time": "8:30 am",
            "action": "Boil all water for one minute",
        },
    ),
    "bush fire": (
        "A bush fire is burning out of control near Lake Clifton. It is too late to leave. Go to a room away from "
        "the fire front, with two ways out, and close all doors. Protect yourself from heat with a wet blanket. "
        "If your life is in danger, call 112.",
        {
            "place": "Lake Clifton",
            "action": "close all doors",
            "phone": "112",
        },
    ),
    "earthquake": (
        "An earthquake of magnitude 5.8 was felt in Ketapang at 7:30 pm. Expect aftershocks. Stay away from "
        "damaged buildings and power lines. Check your neighbours, and open your gate for people who cannot go "
        "home. There is no tsunami threat.",
        {
            "place": "Ketapang",
            "time": "7:30 pm",
            "action": "Stay away from damaged buildings",
        },
    ),
}
