//! Printing that does not panic when nobody reads any more (`gage feeds | head -1`), as the standard library's does.

use std::{
    fmt::Arguments,
    io::{self, ErrorKind, Write as _},
    process,
};

/// A part of a command's answer: [`answer`].
macro_rules! print {
    ($($part:tt)*) => { $crate::say::answer(::core::format_args!($($part)*)) };
}

/// A line of a command's answer: [`answer`].
macro_rules! println {
    () => { print!("\n") };
    ($($part:tt)*) => { print!("{}\n", ::core::format_args!($($part)*)) };
}

/// A line for whoever watches a node: [`announcement`].
macro_rules! announce {
    () => { announce!("") };
    ($($part:tt)*) => { $crate::say::announcement(::core::format_args!($($part)*)) };
}

/// A line on standard error; who closed it does not want it.
macro_rules! eprintln {
    ($($part:tt)*) => { $crate::say::aside(::core::format_args!($($part)*)) };
}

/// Prints what a command is run for. Without a reader it has nothing left to do, and ends.
pub(crate) fn answer(text: Arguments<'_>) {
    match io::stdout().lock().write_fmt(text) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::BrokenPipe => process::exit(0),
        Err(error) => {
            eprintln!("error: cannot print: {error}");
            process::exit(1);
        }
    }
}

/// Prints what a node says on its way; it goes on whether or not somebody reads.
pub(crate) fn announcement(text: Arguments<'_>) {
    let mut out = io::stdout().lock();
    // There is nobody to tell that nobody reads.
    let _ = writeln!(out, "{text}");
}

/// Prints on standard error.
pub(crate) fn aside(text: Arguments<'_>) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}
