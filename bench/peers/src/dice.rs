//! Chance that follows from a seed.

/// Numbers that follow from a seed (splitmix64).
pub struct Dice(pub u64);

impl Dice {
    /// The next number.
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.roll() % end.max(1)
    }

    /// One of these.
    ///
    /// # Panics
    /// There are none.
    pub fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }

    /// Between zero and one.
    pub fn part(&mut self) -> f64 {
        (self.roll() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Of mean zero and variance one, nearly normal.
    pub fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.part()).sum::<f64>() - 6.0
    }

    /// Up to `most`, mostly of its size, sometimes a few units or at and beyond the border.
    pub fn amount(&mut self, most: u128) -> u128 {
        match self.below(12) {
            0 => u128::from(self.below(4)),
            1 => self.pick(&[most, most.saturating_add(1), most.saturating_sub(1)]),
            2 => most / (1 + u128::from(self.below(1_000_000))),
            3 => most.saturating_mul(2),
            _ => most / 10_000 * u128::from(self.below(10_000)) + u128::from(self.below(3)),
        }
    }
}
