//! Words for books, from a seed: the same seed writes the same books on every machine.

/// A small generator of numbers (splitmix64).
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From `low` to `high`, both included.
    pub fn between(&mut self, low: usize, high: usize) -> usize {
        low + usize::try_from(self.next() % (high - low + 1) as u64).unwrap_or(0)
    }

    pub fn of<'a, T: ?Sized>(&mut self, all: &[&'a T]) -> &'a T {
        all[self.between(0, all.len() - 1)]
    }

    pub fn bytes(&mut self, n: usize) -> Vec<u8> {
        (0..n).map(|_| self.next().to_le_bytes()[0]).collect()
    }
}

const OPENINGS: [&str; 16] =
    ["Bra", "Cor", "Dun", "Eld", "Fen", "Gal", "Hol", "Ist", "Jor", "Kel", "Lor", "Mar", "Nor", "Osk", "Per", "Ruv"];
const MIDDLES: [&str; 16] =
    ["a", "adu", "ame", "bri", "do", "eni", "ga", "ila", "ko", "li", "mora", "ne", "oru", "sha", "ti", "uve"];
const ENDINGS: [&str; 16] =
    ["bar", "dane", "dil", "fax", "gorn", "ham", "kesh", "lith", "mond", "nax", "quill", "rith", "sted", "thal", "vik", "zem"];

/// A word that belongs to number `n` alone (below 65,536).
pub fn own_word(n: usize) -> String {
    let digit = |place: usize| (n >> (4 * place)) & 15;
    let second = if digit(3) > 0 { MIDDLES[digit(3)] } else { "" };
    format!("{}{}{second}{}", OPENINGS[digit(0)], MIDDLES[digit(1)], ENDINGS[digit(2)])
}

const SUBJECTS: [&str; 20] = [
    "warden",
    "ferryman",
    "lamplighter",
    "bailiff",
    "cooper",
    "miller",
    "tanner",
    "weaver",
    "diver",
    "clerk",
    "gravedigger",
    "toll keeper",
    "beekeeper",
    "glassblower",
    "rope maker",
    "chandler",
    "wheelwright",
    "scribe",
    "tax collector",
    "bell founder",
];
const DEEDS: [&str; 18] = [
    "keeps watch over",
    "counts the boats on",
    "pays a silver penny for",
    "rolls a die before crossing",
    "loses one turn at",
    "draws a card for",
    "marks the map beside",
    "takes two wounds from",
    "gains a level after",
    "must succeed on a save against",
    "trades three arrows for",
    "spends an action on",
    "hides the ledger under",
    "rings the bell of",
    "repairs the wheel at",
    "reads aloud the name of",
    "buries a token near",
    "measures the depth of",
];
const PLACES: [&str; 18] = [
    "the flooded road",
    "the third gate",
    "the salt cellar",
    "the broken weir",
    "the north stair",
    "the drowned chapel",
    "the toll bridge",
    "the dry well",
    "the orchard wall",
    "the lime kiln",
    "the signal tower",
    "the long ford",
    "the peat bog",
    "the market hall",
    "the ice house",
    "the charcoal pit",
    "the reed bank",
    "the old quay",
];
const ENDS: [&str; 12] = [
    "until the third bell has rung",
    "when the tide is out",
    "unless a lantern burns there",
    "for as long as the rain lasts",
    "at the end of each round",
    "before the next encounter begins",
    "if the party carries no iron",
    "while the referee keeps time",
    "and the effect ends at dawn",
    "on a result of 5 or 6",
    "with a penalty of 2",
    "once per day",
];
/// Things that many books speak of.
pub const SHARED: [&str; 12] = [
    "Lantern Ward",
    "Tidecaller",
    "Ashen Key",
    "Mistwalk",
    "Iron Vow",
    "Reed Serpent",
    "Bell of Osk",
    "Saltglass Blade",
    "Quiet Step",
    "Hollow Crown",
    "Ember Toad",
    "Ferry Token",
];

/// One sentence of prose.
pub fn sentence(dice: &mut Dice) -> String {
    format!("The {} {} {} {}.", dice.of(&SUBJECTS), dice.of(&DEEDS), dice.of(&PLACES), dice.of(&ENDS))
}

/// Some sentences.
pub fn paragraph(dice: &mut Dice, sentences: usize) -> String {
    (0..sentences).map(|_| sentence(dice)).collect::<Vec<_>>().join(" ")
}

/// `Salt Cellar`, from a place.
pub fn heading(dice: &mut Dice) -> String {
    let place = dice.of(&PLACES).trim_start_matches("the ");
    place.split(' ').map(capitalised).collect::<Vec<_>>().join(" ")
}

pub fn capitalised(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map(|c| c.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
