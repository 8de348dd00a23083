//! A small HTTP server: a function from request to reply, on a port of its own, with everything it saw.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A request as it arrived.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    pub method: String,
    /// Path and query.
    pub path: String,
    pub authorization: Option<String>,
    pub accept: String,
    pub body: String,
}

/// What to send back.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub how: How,
}

/// How to send it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    Whole,
    /// In chunks, without a length.
    Chunked,
    /// Half of the promised length, then the connection closes.
    Truncated,
    /// One byte at a time, with pauses.
    Trickle,
    /// Not at all: the connection closes.
    Dropped,
}

impl Reply {
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: body.into(), how: How::Whole }
    }

    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub fn how(self, how: How) -> Self {
        Self { how, ..self }
    }
}

/// A running server; the thread ends with the process.
pub struct Server {
    /// `127.0.0.1:PORT`.
    pub host: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    /// How many replies the client did not wait for.
    pub cut_off: Arc<AtomicUsize>,
}

impl Server {
    pub fn start(answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let cut_off: Arc<AtomicUsize> = Arc::default();
        let (log, answer, cut) = (Arc::clone(&seen), Arc::new(answer), Arc::clone(&cut_off));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (log, answer, cut) = (Arc::clone(&log), Arc::clone(&answer), Arc::clone(&cut));
                std::thread::spawn(move || serve(stream, &log, &cut, &*answer));
            }
        });
        Self { host, seen, cut_off }
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// How many requests had a path that begins with `prefix`.
    pub fn count(&self, prefix: &str) -> usize {
        self.seen().iter().filter(|seen| seen.path.starts_with(prefix)).count()
    }
}

fn serve(stream: TcpStream, log: &Mutex<Vec<Seen>>, cut_off: &AtomicUsize, answer: &dyn Fn(&Seen) -> Reply) {
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream.set_nodelay(true).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    while let Some(request) = read(&mut reader) {
        log.lock().unwrap().push(request.clone());
        let reply = answer(&request);
        if write(&stream, &reply).is_err() {
            cut_off.fetch_add(1, Ordering::Relaxed);
            return;
        }
        if matches!(reply.how, How::Truncated | How::Dropped) {
            return;
        }
    }
}

fn read(reader: &mut impl BufRead) -> Option<Seen> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_ascii_whitespace();
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut seen = Seen { method, path, ..Seen::default() };
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        match name.to_ascii_lowercase().as_str() {
            "authorization" => seen.authorization = Some(value.to_owned()),
            "accept" => seen.accept = value.to_owned(),
            "content-length" => length = value.parse().unwrap(),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    seen.body = String::from_utf8(body).unwrap();
    Some(seen)
}

fn write(mut stream: &TcpStream, reply: &Reply) -> std::io::Result<()> {
    if reply.how == How::Dropped {
        return Ok(());
    }
    let mut head = format!("HTTP/1.1 {} Status\r\n", reply.status);
    for (name, value) in &reply.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let body = &reply.body;
    match reply.how {
        How::Chunked => head.push_str("Transfer-Encoding: chunked\r\n\r\n"),
        _ => head.push_str(&format!("Content-Length: {}\r\n\r\n", body.len())),
    }
    stream.write_all(head.as_bytes())?;
    match reply.how {
        How::Truncated => stream.write_all(&body[..body.len() / 2]),
        How::Trickle => body.chunks(1).try_for_each(|byte| {
            std::thread::sleep(Duration::from_millis(50));
            stream.write_all(byte)
        }),
        How::Chunked => {
            for chunk in body.chunks(1 << 16) {
                stream.write_all(format!("{:x}\r\n", chunk.len()).as_bytes())?;
                stream.write_all(chunk)?;
                stream.write_all(b"\r\n")?;
            }
            stream.write_all(b"0\r\n\r\n")
        }
        _ => stream.write_all(body),
    }
}
