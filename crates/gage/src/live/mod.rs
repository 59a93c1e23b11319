//! The live view: a redrawn screen on a terminal, lines elsewhere.

mod board;
mod queues;
mod screen;
mod sold;

use std::{
    io::IsTerminal as _,
    time::{Duration, Instant},
};

use gage_chain::SealedHeader;

pub(crate) use board::{Board, bad_debt};

use crate::{
    amounts::{bps, price, usd},
    calendar::minute,
    demo::world::id,
    keeper::Edges,
    tally::{Tally, Way},
};
use screen::Screen;

/// Between two pictures of the screen.
const REDRAW: Duration = Duration::from_millis(200);

/// Blocks between two lines.
const BLOCKS_PER_LINE: u64 = 64;

/// How it is shown.
enum Form {
    Screen(Screen),
    Lines { last: u64 },
    Nothing,
}

/// Who watches, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// A screen if there is a terminal, else lines.
    Automatic,
    Lines,
    Quiet,
}

/// Shows the chain as it goes.
pub(crate) struct Live {
    form: Form,
    drawn: Option<Instant>,
}

/// What a line or a picture is made from.
pub(crate) struct Moment<'a> {
    pub(crate) header: &'a SealedHeader,
    pub(crate) tally: &'a Tally,
    pub(crate) edges: Edges,
    /// Steps of the history passed, and in all.
    pub(crate) progress: (usize, usize),
}

impl Live {
    /// A view in this style; a screen is not drawn before its first picture.
    pub(crate) fn new(style: Style) -> Self {
        let form = match style {
            Style::Automatic if std::io::stdout().is_terminal() => Form::Screen(Screen::new()),
            Style::Automatic | Style::Lines => Form::Lines { last: 0 },
            Style::Quiet => Form::Nothing,
        };
        Self { form, drawn: None }
    }

    /// Whether a picture is due: making one asks the chain some questions.
    pub(crate) fn is_due(&self, number: u64) -> bool {
        match &self.form {
            Form::Screen(_) => self.drawn.is_none_or(|drawn| drawn.elapsed() >= REDRAW),
            Form::Lines { last } => number >= last + BLOCKS_PER_LINE,
            Form::Nothing => false,
        }
    }

    /// Shows a moment; `board` is asked for only if a screen is drawn.
    pub(crate) fn show(
        &mut self,
        moment: &Moment<'_>,
        board: impl FnOnce() -> anyhow::Result<Board>,
    ) -> anyhow::Result<()> {
        self.drawn = Some(Instant::now());
        match &mut self.form {
            Form::Screen(screen) => {
                let board = board()?;
                screen.draw(|rows| board.lines(moment, rows))?;
            }
            Form::Lines { last } => {
                *last = moment.header.number;
                announce!("{}", line(moment));
            }
            Form::Nothing => {}
        }
        Ok(())
    }

    /// Gives the terminal back.
    pub(crate) fn end(&mut self) {
        if let Form::Screen(screen) = &mut self.form {
            screen.end();
        }
    }
}

/// One line of what happened.
fn line(moment: &Moment<'_>) -> String {
    let Moment { header, tally, edges, progress: (passed, steps) } = moment;
    let (swept, open) = (tally.sales.swept(), tally.sales.of(Way::Open));
    format!(
        "{}  step {passed}/{steps}  block {}  WETH {}  WBTC {}  HF<1.1 {}  HF<1.05 {}  \
         swept {} ({}, {} off)  stop-losses {}  keeper {} ({}, +{})  bad debt {}  txs {}  gas {}M",
        minute(header.timestamp),
        header.number,
        price(tally.price(id::WETH)),
        price(tally.price(id::WBTC)),
        edges.below_1_1,
        edges.below_1_05,
        swept.accounts,
        usd(swept.repaid),
        bps(swept.mean_discount_bps()),
        tally.sales.of(Way::StopLoss).accounts,
        open.accounts,
        usd(open.repaid),
        bps(open.mean_bonus_bps()),
        usd(bad_debt(tally)),
        tally.transactions,
        tally.gas / 1_000_000,
    )
}
