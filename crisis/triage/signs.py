"""Which words and phrases are signs of what, in Indonesian, regional languages and English; read after `words`."""

from __future__ import annotations

from collections.abc import Sequence

from crisis.triage.spelling import listed

# One kind a row; entries part at commas and hold at most four words, spelt as `spelling.words` leaves them.
_ROWS = """
trapped: mogok di tengah, tidak bisa balik, tidak bisa kembali, jembatan gantung putus, tidak berani keluar,
 dalan pedhot, dalan pedot, kjbk, kjebk, trjbk, terjebak, kejebak, kejebk, kjebak, kajebak, kejebag,
 terjebag, terkurung, kekurung, kekunci, terkunci, terperangkap, terkepung, dikepung, kekepung, terisolasi,
 terisolir, keisolir, kajiret, kepepet air, kakurung, kekeem, trapped, stuck, stranded, marooned, cut off,
 locked in, tidak bisa keluar, tidak bisa turun, tidak bisa pulang, tidak bisa lari, tidak bisa bergerak,
 tidak bisa evakuasi, tidak bisa ke mana, tidak ada jalan keluar, susah keluar, sulit keluar,
 cannot get out, can not get out, cannot leave, cannot escape, unable to leave, no way out, jalan putus,
 jalan longsor, jmbatan putus, akses terendam, tidak ada kendaraan, jembatan putus, jalan terputus,
 akses putus, akses terputus, road is gone, surrounded by water, belum keluar, belum ada yang keluar,
 belum bisa keluar, terkatung, nyangkut, tersangkut, terombang ambing, cannot go down, cannot get down,
 cannot get up, no way down, no way to get out, locked, terhadang, tidak bisa dilewati, akses ke rs,
 akses rs, tidak ada akses, no access, terpencil, diisolasi, unreachable, jebakan air
pinned: under the bricks, under bricks, under the wall, under a wall, tertimbun tanah, tanah gerak,
 tanah bergerak, ketutup tanah, tertutup tanah, tertutup longsor, under rubbles, under the rubbles,
 under the building, fell on me, fell on us, fell on him, fell on her, fell on them, fallen on, nibani,
 kejugrugan, ketiban, ketindih, ketindihan, kejepit, terjepit, kegencet, tergencet, tertimbun, ketimbun,
 kepruk, kurugan, kakubur, kaurug, terkubur, kekubur, ketimpa, tertimpa, kerubuhan, kerobohan, tertindih,
 kebrukan, ketutup longsor, kena longsor, terseret longsor, bawah reruntuhan, bawah puing, under rubble,
 under the rubble, under debris, under the debris, buried, pinned, crushed, masih ada suara
drown: river took, water took, kebawa, terbawa, kebawa kali, kebawa sungai, jatuh ke jurang, masuk jurang,
 floating away, jatuh ke laut, jatuh ke sumur, masuk sumur, jatuh ke air, hnyut, hnyt, tnglm, tengelam,
 tenggelam, kelelep, klelep, kelelap, keleleb, teuleum, titeuleum, tilelep, hanyut, kehanyut, dihanyutkan,
 terhanyut, terseret, keseret, kaseret, kabawa, palid, kapalid, keli, kintir, kentir, kebawa arus,
 terbawa arus, kebawa air, terbawa air, kebawa banjir, dibawa arus, digulung ombak, terseret arus, drown,
 drowned, drowning, drowns, swept, washed away, carried away, jatuh ke sungai, jatuh ke kali, kecebur,
 tercebur, terbalik, capsized, karam, nyemplung, kejeblos, kecegur, fell into the river, fell in the river,
 fell in the water, people in the water, pulled under, terpeleset ke sungai, kebawa ombak, terbawa ombak,
 kena ombak, kecemplung, jatuh ke got, jatuh ke parit, jatuh ke selokan, terperosok, anyut, anyot, kelem,
 kerem
deep: sejendela, up to the windows, up to the window, up to my, up to our, setinggi jendela, sampai jendela,
 sepaha, sepinggang, sepusar, seperut, sedada, sebahu, sepundak, seleher, sekepala, sepala, seketiak,
 sepuser, wuwungan, bubungan, kelelep semua, under water, underwater, seatap, sebubungan, seplafon, sakdada,
 sakdodo, sakgulu, sakbangkekan, sapinggang, sadada, sabeuheung, sepinggul, sak dada, sak dodo, sak gulu,
 tekan dodo, tekan dada, tekan gulu, tekan bangkekan, satangtung, sapundak, sak pinggang, sak bangkekan,
 setinggi dada, setinggi leher, setinggi pinggang, setinggi perut, setinggi bahu, setinggi atap,
 setinggi orang, setinggi kepala, setinggi plafon, sampai dada, sampai leher, sampai pinggang, sampai perut,
 sampai bahu, sampai atap, sampai plafon, sampai kepala, hampir dada, hampir seatap, hampir atap, waist,
 waist deep, waist high, chest, chest deep, chest high, neck, neck deep, shoulder, over our heads,
 over my head, to the roof, to the ceiling, lantai 1 sudah terendam, lantai satu terendam, lantai 1 terendam
height: pyan, bubungan, wuwungan, menara, lari ke bukit, lantai atas, balkon, balcony, atap, genteng,
 genting, loteng, plafon, para para, lantai 2, lantai dua, lantai 3, lantai tiga, pohon, wit, tangkal,
 tiang, roof, rooftop, attic, tree, ceiling, second floor, upstairs
metres: semeter, dua meter, satu meter, tiga meter, setengah badan
already: sudah, sekarang, mencapai, ketinggian, tinggi, setinggi, kedalaman, dalam, deep, high, hampir
neutral: battery is dying, hp sekarat, batre sekarat, tidak sadar sadar, memesan, terbaik,
 minta tolong foto, gunung sahari, harga tenggelam, tebing tinggi, kabar terakhir, toko bayi, makanan bayi,
 susu bayi, baju bayi, rawa buaya, lubang buaya, air minum, air mancur, rumah sakit, kamar anak, menu anak,
 tempat anak, makanan anak, sudah tahun, harga mati, penuh sesak, air panas, air mineral, air conditioner,
 es batu, air terjun, water park, waterpark, kolam, pohon natal, rumah pohon
leak: bocor, leaking, leak, tumbang, ditebang, tebang
plea: tolong, minta tolong, sos, mayday, help, rescue, save us, save me, selamatkan, darurat, emergency,
 urgent, gawat, cepat, segera, jemput, dijemput, jemputan, penjemputan, dievakuasi, evakuasi, sampan,
 speedboat, heli, ambulan, ambulans, ambulance, perahu, boat, evakuasi kami, evakuasi saya, mohon evakuasi,
 butuh evakuasi, minta evakuasi, perlu evakuasi, evakuasi segera, tim sar, basarnas, kirim tim, kirim orang,
 kirim bantuan, butuh bantuan, butuh pertolongan, need help, please send, please come, evacuate us, damkar,
 pemadam, helikopter, helicopter, bantu kami, bantu saya, mohon bantuan, medis, dokter, tenaga medis
call: calling for help, mohon jemputan, butuh pertolongan, butuh evakuasi, minta evakuasi, mohon evakuasi,
 need rescue, need help, help us, help me, save my, kirim perahu, jemputan, jemput, dijemput, tolong, sos,
 mayday, help, rescue, selamatkan, minta tolong, save us, save me
fetch: evakuasi, dievakuasi, jemput, dijemput, jemputan, perahu, perahu karet, sampan, speedboat, ambulan,
 ambulans, ambulance, heli, helikopter, tim sar, basarnas, boat, evacuate us, evacuated, rescued,
 tim penyelamat, tandu, selamatkan, diselamatkan, ditolong
waiting: belum dievakuasi, belum terevakuasi, belum dijemput, belum ada evakuasi, belum evakuasi,
 belum ditolong, belum tertolong, menunggu evakuasi, menunggu perahu, belum ada perahu,
 belum ada yang jemput, belum ada bantuan, tidak ada bantuan, belum bisa dievakuasi, menunggu jemputan,
 tidak ada yang nolong, tidak ada yang tolong, belum ada yang datang, tidak ada yang bisa, nobody came,
 no one came, waiting for rescue, ambulan tidak bisa, ambulans tidak bisa, ambulan belum, ambulans belum,
 no help, not been evacuated, not evacuated
water: floodwater, floodwaters, meluap, badai, puting beliung, angin kencang, banjir, air, arus, rob,
 tsunami, ombak, gelombang, sungai, kali, bah, longsor, bandang, terendam, kerendem, kerendam, karendem,
 flood, flooded, flooding, water, river, wave, waves, landslide, mudslide, lumpur, hurricane, typhoon,
 cyclone, storm, gempa, earthquake, quake, luapan, laut, lahar, letusan, erupsi, bencana, kabut asap
rising: naik, nambah, bertambah, meninggi, makin tinggi, semakin tinggi, tambah tinggi, deras, makin deras,
 rising, rises, getting higher, higher, masuk rumah, masuk ke rumah, masuk kamar, sampai kasur, tidak surut,
 belum surut
self: sudah tidak tahan, kamek, kame, abdi, kulo, aye, gwe, kita orang, kami semua, kami, saya, kita, we, i,
 im, me, us, my, our, were, aku
kin: papa, mama, papah, mamah, om, tante, paman, bibi, pakde, bude, abah, umi, bokap, nyokap, emakku, ade,
 kaka, baby, bapak saya, ibu saya, istri, suami, adik, adek, kakak, ayah, emak, mamak, simbok, mbok, mbah,
 keluarga, saudara, sepupu, keponakan, ponakan, anak saya, anak kami, tetangga, mother, father, wife,
 husband, sister, brother, son, daughter, family, neighbor, neighbour, neighbors, neighbours, child, kid,
 kids, children, friend, teman, ortu, orangtua, orang tua, mertua, grandma, grandpa, grandmother,
 grandfather, bojo, pamajikan, salaki, budak, laki saya, bini, mak, cucu, nenek, kakek, si mbok, mom, dad,
 mum
people: pedagang, petani, penambang, pendaki, relawan kami, tukang, supir, sopir, pengendara, pasangan,
 penumpang, org, ibu ibu, bapak bapak, orang, warga, anak, jiwa, kk, penghuni, karyawan, korban, bocah,
 pemuda, siswa, murid, santri, ibu, bapak, lansia, people, person, persons, man, woman, girl, boy, victims,
 victim, students, families, orangnya, perempuan, laki laki, cewek, cowok, lelaki, wanita, nelayan, pekerja,
 someone, seseorang
frail: buta, autis, tuli, bisu, blind, deaf, odgj, terbaring, elderly, berkebutuhan khusus, opa, oma,
 gagal jantung, umur bulan, sebatang kara, bulan hamil, sd, tk, lansia sakit, bayi, balita, orok, batita,
 lansia, manula, jompo, nenek, kakek, mbah, simbah, embah, nini, aki, ibu hamil, bumil, hamil, istri hamil,
 lumpuh, stroke, kursi roda, disabilitas, difabel, tunanetra, orang tua sakit, anak kecil, anak anak,
 anak 2, pasien, tidak bisa jalan, tidak bisa berjalan, lemes, oksigen, oxygen, cuci darah, sakit, baby,
 babies, infant, newborn, toddler, pregnant, disabled, wheelchair, bedridden, grandma, grandpa, grandmother,
 grandfather, diabetic, patient, patients, children, kids, lumpuhan, ibu menyusui, nek, paralyzed, paralysed
alone: sendirian, sendiri, alone, by myself, by himself, by herself, ditinggal
inside: dalam rumah, di dalam, dalamnya, dalam mobil, dalam kamar, masih di dalam, dalam masjid,
 dalam gedung, dalam bangunan, inside, in the house, in the building, in the car, dalam kelas, dalam pabrik,
 didalam
barrier: dinding penahan, penahan tanah, tanggul, bendungan, dam, waduk, embung, situ, levee, dike, dyke,
 embankment, turap, bendung, tebing
burst: mau jebol, hampir jebol, jebol, retak, ambrol, rembes, merembes, bobol, pecah, jebolnya, ambruk,
 ambles, amblas, longsor, burst, breach, breached, broke, broken, cracked, cracking, collapsed, collapsing,
 failed
collapse: pagar ambruk, lahar dingin, ambruk, roboh, runtuh, rubuh, ambrol, ambles, amblas, longsor,
 tumbang, collapsed, collapse, landslide, reruntuhan, rugrug, urug, jugrug, gempa, mudslide
fire: kebakaran, kebakar, dikepung api, terbakar, kobong, kahuruan, kobaran, api, asap tebal, asap pekat,
 on fire, fire, flames, burning, meledak, ledakan, gas bocor, bocor gas, gas leak, exploded, explosion,
 thick smoke
near: rumah sebelah, sebelah rumah, rumah tetangga, rumah saya, rumah kami, dekat rumah, gang kami,
 merembet, merambat, membesar, menjalar, sudah besar, spreading, next door, our house, my house,
 sudah mendekat, mendekati rumah, lantai atas, rumah warga, membakar rumah, di rumah, pemukiman, permukiman
medical: sakit jantung, batuk darah, kepala berdarah, not responding, unresponsive, collapsed, pikun,
 kepala bocor, kepalanya bocor, mencret darah, berak darah, mencret, muntah, muntah muntah, vomiting,
 high fever, hurt badly, badly burned, burned, burnt, gigit kaki, gigit tangan, tulang patah, gas menyengat,
 keracunan gas, wounded, kehabisan insulin, out of insulin, out of oxygen, ran out of, ngedrop, drop,
 membiru, biru bibir, kolaps, tidak kuat, luka, cedera, tersedak, overdosis, terkapar, tergeletak,
 demam tinggi, demam kejang, panas kejang, pingsan, pengsan, semaput, kapiuhan, sesak, sesak napas,
 sesak nafas, sesek, sesak nafasnya, kejang, kejangkejang, pendarahan, perdarahan, berdarah,
 serangan jantung, jantungnya kambuh, tidak sadar, tidak sadarkan, koma, sekarat, kritis, patah,
 patah tulang, luka parah, luka berat, tidak napas, tidak bernapas, tidak bernafas, tidak bisa napas,
 tidak bisa bernapas, tidak bisa bernafas, susah napas, susah bernapas, susah nafas, sulit bernapas,
 hipotermia, menggigil, digigit ular, dipatok ular, dipatuk ular, kegigit ular, dicatek ular, gigit ular,
 diterkam buaya, digigit buaya, disambar buaya, keracunan, muntah darah, dehidrasi, asma, asthma, insulin,
 oksigen, tabung oksigen, cuci darah, panas tinggi, bleeding, unconscious, passed out, fainted,
 not breathing, cannot breathe, can not breathe, cant breathe, heart attack, seizure, seizures, oxygen,
 hypothermia, dialysis, snake bite, snakebite, bitten, broken leg, head injury, badly hurt, badly injured,
 injured, choking, stroke, dying, poisoned, getihan, kehabisan darah, luka bakar, terluka, terluka parah,
 luka luka, kena paku, infeksi parah, gagal ginjal, lemas, obat jantung, obat darah tinggi, obat habis,
 keluar flek, flek, keguguran, kumat, perut sakit, jatuh dari atap, jatuh dari, kehabisan obat, sakit parah,
 sakit keras, muntaber, diare parah, kambuh
acute: darah tidak berhenti, tidak berhenti darahnya, heavy bleeding, serangan jantung, kejang,
 kejang kejang, pendarahan, perdarahan, tidak sadar, tidak sadarkan, tidak sadar diri, tidak napas,
 tidak bernapas, tidak bernafas, tidak bisa napas, tidak bisa bernapas, tidak bisa bernafas,
 tidak bisa nafas, digigit ular, dipatok ular, dipatuk ular, gigit ular, kegigit ular, sesak napas,
 sesak nafas, ketuban, unconscious, not breathing, cannot breathe, can not breathe, heart attack, seizure,
 seizures, snakebite, sekarat, tidak gerak, tidak bergerak, tidak ada napas, is dying, are dying, dying,
 bleeding, luka bakar parah, muntah darah, kritis, darah banyak, darahnya banyak, banyak darah,
 keluar darah, cannot feel my, lost a lot of blood, stopped breathing, kaku, choking, luka parah,
 kehabisan darah
birth: arep babaran, mau lahir, mau beranak, melahirkan, lahiran, ngelahirin, ngalahirkeun, babaran,
 kontraksi, ketuban, mules mau, bukaan, lahir di, in labor, in labour, giving birth, contractions,
 water broke, ngajuru, beranak, nglairke, bayi mau keluar
wild: gunung, hutan, laut, jurang, melaut, mountain, forest, sea, pulau, muara, pantai
walls: dinding, tembok, rumah, bangunan, gedung, wall, walls, house, building, pondasi
failing: mau jebol, retak, retak retak, miring, takut roboh, mau roboh, hampir roboh, mau ambruk,
 hampir ambruk, bocor, cracking, cracked, leaning, about to collapse, mesin mati, kehabisan bensin,
 mati mesin
sinking: karam, tenggelam, terbalik, sinking, sunk, capsized, hilang kontak, terombang ambing, kemasukan air
vessel: kapal, perahu terbalik, klotok, speedboat, sampan, boat, ship, ferry, pompong, motor air
flooded: air sudah dalam, sudah dalam, sudah tinggi, airnya tinggi, air tinggi, sudah masuk rumah,
 sudah masuk kamar, sudah deras, getting deep, is deep, too deep
shock: nyetrum, kesetrom, setrum, setrom, kesetrumnya, arus listrik, jatuh ke air, kena setrum, tersetrum,
 kesetrum, kasetrum, kestrum, kestrom, tersengat, kesengat, keselek listrik, electrocuted, electric shock,
 sengatan listrik, kabel jatuh, kabel putus
missing: ketinggalan, tertinggal, left behind, hilang, belum pulang, tidak pulang, belum kembali,
 belum ditemukan, belum ketemu, tidak ketemu, tidak ditemukan, missing, not come home, hasnt come home,
 cannot find, can not find, cant find, lost contact, hilang kontak, kapisah, terpisah, kepisah,
 have not come back, tidak bisa dihubungi, ilang, leungit
starving: belum makan, tidak makan, kelaparan, kelaparen, kedinginan, kademen, katirisan, susu habis,
 air minum habis, makanan habis, kehausan, tidak minum, starving, no food, no drinking water, no water,
 freezing, tidak ada makanan, tidak ada susu, tidak ada air minum, kehabisan makanan, kehabisan air,
 belum minum, stok habis
hold: pegangan, berpegangan, cepengan, gandulan, bergelantungan, gelantungan, holding on, clinging, hang on,
 tidak kuat, tidak kuat lagi, sudah tidak kuat, tidak tahan lagi, tidak bisa berenang, tidak bisa renang,
 cannot swim
harm: lompat dari jembatan, loncat dari jembatan, mau lompat, mau loncat, minum racun, potong nadi,
 bunuh diri, gantung diri, ingin mati, mau mati, pengen mati, pingin mati, mengakhiri hidup, akhiri hidup,
 kill myself, end my life, want to die, suicide, tidak mau hidup lagi, tidak ingin hidup
attack: bawa pisau, dipukulin, dipukuli suami, digebukin, dikunci, pisau, with a knife, has a gun, dibacok,
 ditusuk, ditembak, dibunuh, disekap, diserang, dirampok, penculikan, diculik, bawa parang, bawa senjata,
 dianiaya, diperkosa, dikeroyok, stabbed, shot, attacked, attacking, kidnapped, gunman, rape, raped,
 mau dibunuh, bawa golok, tawuran
animal: buaya, crocodile, ular, snake, harimau
panic: panik, panic, histeris, screaming, jerit jerit, teriak, teriak teriak
things: motor, sandal, ktp, dokumen, surat, ijazah, barang, sepeda, perabot, kucing, ayam, pot, tas, dompet,
 akta, sawah, sapi, kambing, sepatu, buku, tanaman, padi, kandang, jemuran, cat, dog, bike, documents,
 kapal titanic, kipas, kulkas, tv, sinyal, uang, duit, panen, kebun, sepeda motor, helm, laptop, berkas,
 sertifikat
traffic: macet, kemacetan, lalin, lalu lintas, traffic, jam, lampu merah, tol, nyaman, nostalgia,
 zona nyaman, hutang, utang, rutinitas, masa lalu, cinta, lift mal, at work, in meeting, di kantor, kantor,
 mall, mal, mogok, pinggir jalan, tidak bisa lewat, lewat
gauge: pintu air, tma, siaga, katulampa, peil, pos pantau, bbws, debit, lebar, panjang, jarak, luas, rambut,
 sepanjang, sejauh, radius, jauh, saluran, perlebar, pelebaran, pengerukan, harga, beli
receded: sudah surut, mulai surut, telah surut, berangsur surut, agak surut, surut dari, sempat, semula,
 receded, receding, gone down, tinggal lumpur, sudah kering, tadinya
safe: sudah dievakuasi, sudah dijemput, sudah diselamatkan, sudah aman, sudah selamat, dalam keadaan aman,
 keadaan selamat, keadaan sehat, baik baik, kami aman, saya aman, kondisi aman, kami selamat,
 sudah ditemukan, sudah ditolong, sudah tertolong, sudah pulang, berhasil dievakuasi, berhasil diselamatkan,
 sudah padam, sudah ditangani, we are safe, im safe, i am safe, all safe, safe now, are okay, are ok,
 was rescued, were rescued, been rescued, have been evacuated, under control, alhamdulillah aman,
 aman semua, semua aman, semua selamat, terkendali, sudah keluar, sudah teratasi, sudah kembali,
 sudah sadar, sudah membaik, sudah sehat, sudah ketemu, found safe
but: tapi, namun, masih, kecuali, belum, but, still, except, yet, cuma, sayangnya, tolong, help
unreal: dulu tahun, waktu tahun, di film, main game, hati ini, simulasi, latihan, gladi, drill, film,
 nonton, lagu, novel, game, sinetron, drama, serial, hoax, hoaks, hoak, benarkah, apakah benar, apa benar,
 benar tidak, pelatihan, training, exercise, movie, song, documentary, dokumenter, is it true, rumor,
 rumour, mimpi, dream, rindu, kangen, titanic, puisi, cerpen, lirik, konser, kenangan, seminar, lomba,
 resep, masakan, tahun lalu, last year, jaman dulu, zaman dulu, jenggot, tugas sekolah, pertanyaan kuis,
 kuis, skripsi, tesis
chatter: isu, kabarnya, benar ada, katanya, artikel, majalah, restoran, restaurant, wisata, hotel, ujian,
 sekolah libur, pilkada, pilpres, jokowi, prabowo, presiden, politik, partai, dpr, kpk, kuliner, diskon,
 belajar, tulisan, berita, news, amarah, emosi, semangat, sejarah, history, iklan, promo, menteri, gubernur,
 bola, gol, liga
asking: bagaimana cara, cara, syarat, jadwal, prosedur, tips, kalau, jika, apabila, bila, seandainya, if,
 how to, what should, what to do, apa yang harus, apakah, harus apa, daftar, pendaftaran, donasi, sumbang,
 menyumbang, relawan, donate, volunteer, surat keterangan, nomor telepon, is there, when will, how can,
 supaya, agar, mencegah, prevent
now: bukan latihan, bukan simulasi, bukan hoax, bukan hoaks, not a drill, not drill, this is real, beneran,
 serius, sekarang
filler: pak, bu, bapak, ibu, min, mas, mbak, bang, kak, admin, kami, saya, aku, dong, ya, yaa, banget,
 sangat, please, us, me, we, need, i, now, cepat, segera, darurat, sekarang, gawat, urgent, emergency, ini,
 to, sih, deh, lah, woi, woy, oi, hey, ya allah, allah, tuhan, gusti, bpbd, siapa saja, semua, mohon,
 someone, anyone, somebody
"""

_GAP = listed(
    "yang warga orang korban laporan anak lagi satu pun one people person reports of anyone seorang apa any"
    " is are was were has been"
)
_NONE_OF = frozenset(
    ("tidak ada", "belum ada", "no", "nobody", "none", "tanpa", "nihil", "bukan", "never", "without", "tidak")
)
_SUFFIXES = ("ku", "mu", "lah", "ne", "na", "s")
# Only these can be taken back by a negation before them; a frail person stays frail.
_DENIABLE = frozenset(
    ("trapped", "pinned", "drown", "deep", "collapse", "fire", "medical", "shock", "missing", "unreal", "attack")
)


def _lexicon() -> dict[str, frozenset[str]]:
    kinds: dict[str, set[str]] = {}
    for row in _ROWS.strip().replace("\n ", " ").splitlines():
        kind, _, entries = row.partition(":")
        for entry in entries.split(","):
            kinds.setdefault(" ".join(entry.split()), set()).add(kind)
    kinds.pop("", None)
    for entry in [entry for entry in kinds if entry.startswith("ter") and len(entry) > 6]:
        for spoken in ("te", "ke"):  # terjebak is said tejebak in Pontianak, kejebak in Jakarta
            kinds.setdefault(spoken + entry[3:], set()).update(kinds[entry])
    return {entry: frozenset(of) for entry, of in kinds.items()}


def _skeleton(word: str) -> str:
    return word[0] + word[1:].translate(_NO_VOWELS)


_NO_VOWELS = str.maketrans("", "", "aeiou")
_KINDS = _lexicon()
_SINGLE = {entry: kinds & _DENIABLE for entry, kinds in _KINDS.items() if " " not in entry and kinds & _DENIABLE}
_BARE = {_skeleton(entry): kinds for entry, kinds in _SINGLE.items() if len(entry) >= 6}
_CUT = {
    entry[:at] + entry[at + 1 :]: kinds
    for entry, kinds in _SINGLE.items()
    if len(entry) >= 8
    for at in range(1, len(entry))
}
_STARTS = frozenset(entry.split()[0] for entry in _KINDS if " " in entry)
_NOTHING: frozenset[str] = frozenset()


def _kinds_of(word: str) -> frozenset[str]:
    known = _KINDS.get(word)
    if known is not None:
        return known
    for suffix in _SUFFIXES:
        if len(word) > 5 and word.endswith(suffix) and (known := _KINDS.get(word.removesuffix(suffix))):
            return known
    if len(word) < 5 or word[0].isdigit():
        return _NOTHING
    if len(word) >= 7 and (known := _CUT.get(word)):
        return known
    bare = _skeleton(word)
    if (
        len(bare) >= 5 and (len(word) - len(bare) + (word[0] in "aeiou")) / len(word) < 0.3
    ):  # hardly a vowel: written short
        return _BARE.get(bare, _NOTHING)
    return _NOTHING


def _denied(tokens: Sequence[str], at: int) -> bool:
    back = at - 1
    while back >= 0 and tokens[back] in _GAP and at - back < 4:
        back -= 1
    if back < 0 or (tokens[back] in ("tidak", "tanpa") and back != at - 1):
        return False
    return tokens[back] in _NONE_OF or (back > 0 and f"{tokens[back - 1]} {tokens[back]}" in _NONE_OF)


def kinds(tokens: Sequence[str]) -> frozenset[str]:
    """Tell which kinds of sign the words hold; what is said not to be ("tidak ada korban") does not count."""
    found: set[str] = set()
    plain = [word[:-3] if len(word) > 5 and word.endswith("nya") else word for word in tokens]
    skip = 0
    for at, word in enumerate(plain):
        if skip:
            skip -= 1
            continue
        here = _kinds_of(word)
        if word in _STARTS:
            for length in (2, 3, 4):
                phrase = _KINDS.get(" ".join(plain[at : at + length]), _NOTHING)
                if "neutral" in phrase:
                    here, skip = _NOTHING, length - 1
                    break
                here |= phrase
        if here & _DENIABLE and _denied(plain, at):
            here -= _DENIABLE
        found |= here
    return frozenset(found)


def holds_only(tokens: Sequence[str], *allowed: str) -> bool:
    """Tell whether every word is of one of these kinds."""
    return all(not _KINDS.get(word, _NOTHING).isdisjoint(allowed) for word in tokens)
