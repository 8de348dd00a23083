//! Reports, read back by the parsers of those who take them: whatever strangers name and say, every format tells the
//! same of the same findings, and is what its standard asks for.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod figures;
mod files;
mod hostile;
mod page;
mod readers;
mod sarif;
mod scene;
