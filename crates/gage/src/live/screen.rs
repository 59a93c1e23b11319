//! A screen that is redrawn in place.

use std::io::{self, Stdout, Write as _};

use crossterm::{
    cursor, queue,
    style::Print,
    terminal::{self, ClearType},
};

/// The terminal's other screen, taken at the first picture and given back at the end.
pub(crate) struct Screen {
    out: Stdout,
    taken: bool,
}

impl Screen {
    /// Nothing is drawn yet.
    pub(crate) fn new() -> Self {
        Self { out: io::stdout(), taken: false }
    }

    /// Draws one picture, told how many lines there are; what does not fit them is left out.
    pub(crate) fn draw(&mut self, lines: impl FnOnce(usize) -> Vec<String>) -> io::Result<()> {
        if !self.taken {
            queue!(self.out, terminal::EnterAlternateScreen, cursor::Hide)?;
            self.taken = true;
        }
        let (columns, rows) = terminal::size().unwrap_or((100, 40));
        queue!(self.out, terminal::BeginSynchronizedUpdate)?;
        for (row, line) in (0..rows).zip(lines(rows.into())) {
            let shown: String = line.chars().take(usize::from(columns)).collect();
            queue!(
                self.out,
                cursor::MoveTo(0, row),
                Print(shown),
                terminal::Clear(ClearType::UntilNewLine)
            )?;
        }
        queue!(
            self.out,
            terminal::Clear(ClearType::FromCursorDown),
            terminal::EndSynchronizedUpdate
        )?;
        self.out.flush()
    }

    /// Gives the terminal back.
    pub(crate) fn end(&mut self) {
        if std::mem::take(&mut self.taken) {
            // A terminal that is gone needs nothing back.
            let _ = queue!(self.out, cursor::Show, terminal::LeaveAlternateScreen);
            let _ = self.out.flush();
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.end();
    }
}
