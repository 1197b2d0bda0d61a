//! Requests and errors of a stable version and a canary, minute by minute, as a service has them: at random, alone or in clumps.

use hikeshi_domain::deploy::evidence::ArmCounts;

pub const MINUTES: u32 = 120;

/// How errors come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scatter {
    Alone,
    /// One to nine of one cause, each as likely.
    ClumpsToNine,
    /// Five of one cause in the mean, and now and then twenty.
    ClumpsOfAnyLength,
}

impl Scatter {
    pub const ALL: [Self; 3] = [Self::Alone, Self::ClumpsToNine, Self::ClumpsOfAnyLength];
}

#[derive(Debug, Clone, Copy)]
pub struct Cell {
    pub scatter: Scatter,
    pub per_second: f64,
    pub canary_share: f64,
    pub stable: f64,
    pub canary: f64,
}

impl Cell {
    pub fn all() -> Vec<Self> {
        let mut cells = Vec::new();
        for scatter in Scatter::ALL {
            let rates = [(0.002, 0.002), (0.01, 0.01), (0.002, 0.01), (0.002, 0.05), (0.01, 0.05), (0.002, 0.5)];
            for (stable, canary) in rates {
                for (per_second, canary_share) in [(2.0, 0.1), (20.0, 0.1), (200.0, 0.05)] {
                    cells.push(Self { scatter, per_second, canary_share, stable, canary });
                }
            }
        }
        cells
    }

    /// Whether the canary is no worse, so that taking it back is wrong.
    pub fn is_good(&self) -> bool {
        self.canary <= self.stable
    }
}

/// xorshift64*: small, and the same everywhere.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        let mut dice = Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        // Seeds that lie side by side begin alike.
        for _ in 0..20 {
            dice.uniform();
        }
        dice
    }

    /// Between 0 and 1, neither of them.
    fn uniform(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let bits = u32::try_from(self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 32).unwrap_or(u32::MAX);
        (f64::from(bits) + 0.5) / 4_294_967_296.0
    }

    fn poisson(&mut self, mean: f64) -> u64 {
        if mean > 30.0 {
            let normal = (-2.0 * self.uniform().ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos();
            return whole((mean + mean.sqrt() * normal).round());
        }
        let (mut count, mut left) = (0, self.uniform());
        while left > (-mean).exp() {
            (count, left) = (count + 1, left * self.uniform());
        }
        count
    }

    fn arm(&mut self, scatter: Scatter, requests: f64, rate: f64) -> ArmCounts {
        let (count, mean) = (self.poisson(requests), requests * rate);
        let errors: u64 = match scatter {
            Scatter::Alone => self.poisson(mean),
            Scatter::ClumpsToNine => (0..self.poisson(mean / 5.0)).map(|_| 1 + whole(self.uniform() * 9.0)).sum(),
            Scatter::ClumpsOfAnyLength => (0..self.poisson(mean / 5.0)).map(|_| 1 + whole(self.uniform().ln() / 0.8_f64.ln())).sum(),
        };
        ArmCounts { requests: count, errors: errors.min(count), slow: None }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates; these are small")]
fn whole(number: f64) -> u64 {
    number as u64
}

/// One minute of both.
#[derive(Debug, Clone, Copy)]
pub struct Minute {
    pub stable: ArmCounts,
    pub canary: ArmCounts,
}

/// Two hours of the stable version alone, and two of both.
pub struct Run {
    pub before: Vec<ArmCounts>,
    pub minutes: Vec<Minute>,
}

impl Run {
    pub fn new(dice: &mut Dice, cell: &Cell) -> Self {
        let all = cell.per_second * 60.0;
        let before = (0..MINUTES).map(|_| dice.arm(cell.scatter, all, cell.stable)).collect();
        let minute = |_| {
            let stable = dice.arm(cell.scatter, all * (1.0 - cell.canary_share), cell.stable);
            Minute { stable, canary: dice.arm(cell.scatter, all * cell.canary_share, cell.canary) }
        };
        Self { before, minutes: (0..MINUTES).map(minute).collect() }
    }
}
