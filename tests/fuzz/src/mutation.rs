//! Random changes of an input, all from one seed.

/// Numbers that follow from a seed (splitmix64).
#[derive(Clone, Debug)]
pub struct Dice(pub u64);

impl Dice {
    /// The next number.
    pub const fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, which is not zero.
    pub const fn below(&mut self, end: usize) -> usize {
        (self.roll() % end as u64) as usize
    }
}

/// Bytes that borders are made of: lengths, signs, RLP's and JSON's marks.
const BYTES: [u8; 18] = [
    0, 1, 0x7f, 0x80, 0x81, 0xb7, 0xb8, 0xbf, 0xc0, 0xc1, 0xf7, 0xf8, 0xff, b'"', b'[', b'}', b'0',
    b'-',
];

/// `input` after one to four changes; sometimes with a part of `other` in it.
#[must_use]
pub fn mutated(input: &[u8], other: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = input.to_vec();
    for _ in 0..=dice.below(4) {
        change(&mut bytes, other, dice);
    }
    bytes
}

fn change(bytes: &mut Vec<u8>, other: &[u8], dice: &mut Dice) {
    let length = bytes.len();
    if length == 0 {
        bytes.push(dice.roll() as u8);
        return;
    }
    let at = dice.below(length);
    let many = 1 + dice.below((length - at).min(40));
    match dice.below(10) {
        0 | 1 => bytes[at] ^= 1 << dice.below(8),
        2 => bytes[at] = BYTES[dice.below(BYTES.len())],
        3 => bytes[at] = dice.roll() as u8,
        4 => drop(bytes.drain(at..at + many)),
        5 => bytes.truncate(at),
        6 => {
            let part = bytes[at..at + many].to_vec();
            bytes.splice(at..at, part);
        }
        7 => word(bytes, at, dice),
        8 if !other.is_empty() => {
            let from = dice.below(other.len());
            let part = &other[from..other.len().min(from + 1 + dice.below(64))];
            bytes.splice(at..at, part.iter().copied());
        }
        _ => {
            let here = dice.below(length);
            bytes.swap(at, here);
        }
    }
}

/// Sets one of calldata's words, which begin at its fifth byte, to a number at a border.
fn word(bytes: &mut [u8], at: usize, dice: &mut Dice) {
    let start = 4 + at / 32 * 32;
    let Some(word) = bytes.get_mut(start..start + 32) else { return };
    let border = 1 + dice.below(32);
    let fill = if dice.below(2) == 0 { 0xff } else { 0 };
    word[..32 - border].fill(0);
    word[32 - border..].fill(fill);
    if dice.below(2) == 0 {
        word[32 - border] = 1;
    }
}
