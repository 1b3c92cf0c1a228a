//! A LAN on loopback: all nodes of one test share a port and have an address each (127.0.0.2, .3,
//! …); what is sent to 127.255.255.255 reaches them all, and nobody else.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::http::{self, Answer};
use super::{wait_for, wait_until};

/// A LAN of its own: no other test uses its port.
pub struct Lan {
    pub port: u16,
    /// Where its nodes have their directories and serve Napster peers, if they do.
    pub directory_port: u16,
    pub peer_port: u16,
    temp: TempDir,
}

impl Lan {
    pub fn new() -> Self {
        Self {
            port: free_port(),
            directory_port: free_port(),
            peer_port: free_port(),
            temp: tempfile::tempdir().unwrap(),
        }
    }

    /// A node at 127.0.0.`last`, to be started.
    pub fn node(&self, last: u8) -> NodeBuilder {
        let home = self.temp.path().join(format!("node-{last}"));
        std::fs::create_dir_all(home.join("loot")).unwrap();
        let napster = (self.directory_port, self.peer_port);
        let address = self.address(last);
        let name = format!("node-{}", address.ip());
        NodeBuilder { home, address, name, napster, interval: "1s", args: vec!["--no-directory".into()] }
    }

    /// The service of the node at 127.0.0.`last`.
    pub fn address(&self, last: u8) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, last], self.port))
    }

    /// A socket at 127.0.0.`last` that can announce to everybody.
    pub fn announcing_socket(&self, last: u8) -> UdpSocket {
        let socket = UdpSocket::bind((Ipv4Addr::new(127, 0, 0, last), 0)).unwrap();
        socket.set_broadcast(true).unwrap();
        socket.connect((Ipv4Addr::new(127, 255, 255, 255), self.port)).unwrap();
        socket
    }
}

/// A node before its start: put files in, add flags.
pub struct NodeBuilder {
    home: PathBuf,
    address: SocketAddr,
    name: String,
    napster: (u16, u16),
    interval: &'static str,
    args: Vec<String>,
}

impl NodeBuilder {
    /// Other than each second.
    pub fn announcing_every(self, interval: &'static str) -> Self {
        Self { interval, ..self }
    }

    pub fn file(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        let path = self.home.join("loot").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
        self
    }

    pub fn arg(mut self, arg: &str) -> Self {
        self.args.push(arg.into());
        self
    }

    pub fn args(self, args: impl IntoIterator<Item = &'static str>) -> Self {
        args.into_iter().fold(self, Self::arg)
    }

    /// As others see it.
    pub fn named(mut self, name: &str) -> Self {
        self.name = name.into();
        self
    }

    pub fn opportunistic(self) -> Self {
        self.arg("--opportunistic").arg("--reserve").arg("0")
    }

    /// With a directory and a port for Napster peers.
    pub fn napster(mut self) -> Self {
        let (directory, peer) = self.napster;
        self.args.retain(|arg| arg != "--no-directory");
        self.arg("--directory-port").arg(&directory.to_string()).arg("--peer-port").arg(&peer.to_string())
    }

    /// The folder it will share.
    pub fn loot(&self) -> PathBuf {
        self.home.join("loot")
    }

    /// The command that runs it.
    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_boucan"));
        command
            .env_clear()
            .env("HOME", &self.home)
            .arg(self.home.join("loot"))
            .args(["--state".as_ref(), self.home.join("state").as_os_str()])
            .args(["--bind", &self.address.ip().to_string(), "--port", &self.address.port().to_string()])
            .args(["--name", &self.name, "--announce-interval", self.interval])
            .args(&self.args)
            .stdin(Stdio::null());
        command
    }

    /// Starts it and waits until it has listed its files.
    #[track_caller]
    pub fn start(self) -> Node {
        let log = self.home.join("log");
        let file = std::fs::File::options().create(true).append(true).open(&log).unwrap();
        let child = self.command().arg("-vv").stdout(file.try_clone().unwrap()).stderr(file).spawn().unwrap();
        let node = Node { child, builder: self, log };
        wait_until("the node serves its index", || node.is_ready());
        node
    }
}

/// A running node; killed when dropped.
pub struct Node {
    child: Child,
    builder: NodeBuilder,
    log: PathBuf,
}

impl Node {
    pub fn address(&self) -> SocketAddr {
        self.builder.address
    }

    /// Where its directory answers.
    pub fn directory(&self) -> SocketAddr {
        SocketAddr::new(self.ip(), self.builder.napster.0)
    }

    /// Where Napster peers fetch from it.
    pub fn peer(&self) -> SocketAddr {
        SocketAddr::new(self.ip(), self.builder.napster.1)
    }

    pub fn ip(&self) -> IpAddr {
        self.builder.address.ip()
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// As others know it; it stays when its name and address change.
    #[track_caller]
    pub fn uuid(&self) -> String {
        std::fs::read_to_string(self.state("uuid")).unwrap().trim().to_owned()
    }

    /// A path below the shared folder.
    pub fn loot(&self, name: &str) -> PathBuf {
        self.builder.home.join("loot").join(name)
    }

    /// A path below the state folder.
    pub fn state(&self, name: &str) -> PathBuf {
        self.builder.home.join("state").join(name)
    }

    /// Everything it logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Puts a file in as users do: written elsewhere on the file system, then moved.
    pub fn put(&self, name: &str, content: impl AsRef<[u8]>) {
        let temporary = self.builder.home.join("put");
        std::fs::write(&temporary, content).unwrap();
        let target = self.loot(name);
        std::fs::create_dir_all(target.parent().unwrap()).unwrap();
        std::fs::rename(temporary, target).unwrap();
    }

    #[track_caller]
    pub fn get(&self, target: &str) -> Answer {
        http::request(self.address(), "GET", target, "")
    }

    /// The lines of its index.
    #[track_caller]
    pub fn index(&self) -> Vec<String> {
        self.get("/s/?g=forban/index").text().lines().map(str::to_owned).collect()
    }

    fn is_ready(&self) -> bool {
        let Ok(stream) = std::net::TcpStream::connect_timeout(&self.address(), Duration::from_millis(200)) else {
            return false;
        };
        drop(stream);
        self.get("/healthz").text().contains("\"status\":\"ok\"")
    }

    /// Waits until it lists a file of that name.
    #[track_caller]
    pub fn lists(&self, name: &str) {
        let line = format!("{name},");
        wait_until(&format!("{name} is listed"), || self.index().iter().any(|l| l.starts_with(&line)));
    }

    /// Waits until a file stands under its name with that content.
    #[track_caller]
    pub fn has(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.loot(name);
        wait_until(&format!("{name} arrives at {}\n{}", self.ip(), self.log()), || {
            std::fs::read(&path).is_ok_and(|found| found == content.as_ref())
        });
    }

    /// Ends it as a power cut would.
    pub fn kill(mut self) -> NodeBuilder {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        let home = self.builder.home.clone();
        NodeBuilder {
            home,
            address: self.builder.address,
            name: self.builder.name.clone(),
            napster: self.builder.napster,
            interval: self.builder.interval,
            args: self.builder.args.clone(),
        }
    }

    /// Ends it with SIGTERM; how long that took, and its exit status.
    pub fn terminate(mut self) -> (Duration, Option<i32>) {
        let began = Instant::now();
        Command::new("kill").arg(self.pid().to_string()).status().unwrap();
        let status = self.child.wait().unwrap();
        (began.elapsed(), status.code())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- log of {} ---\n{}", self.ip(), self.log());
        }
    }
}

/// All regular files below a folder with their content, hidden ones left out.
pub fn tree(folder: &Path) -> std::collections::BTreeMap<String, Vec<u8>> {
    let mut found = std::collections::BTreeMap::new();
    let mut pending = vec![folder.to_owned()];
    while let Some(next) = pending.pop() {
        for entry in std::fs::read_dir(next).into_iter().flatten().flatten() {
            let path = entry.path();
            let name = path.strip_prefix(folder).unwrap().to_string_lossy().into_owned();
            if entry.file_name().to_string_lossy().starts_with('.') {
                continue;
            }
            if entry.file_type().unwrap().is_dir() {
                pending.push(path);
            } else {
                found.insert(name, std::fs::read(path).unwrap_or_default());
            }
        }
    }
    found
}

/// Ports below the range from which the system gives connections theirs.
fn free_port() -> u16 {
    static NEXT: std::sync::atomic::AtomicU16 = std::sync::atomic::AtomicU16::new(0);
    let start = 12_600 + u16::try_from(std::process::id() % 60).unwrap() * 300;
    wait_for("a free port", || {
        let port = start + NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        TcpListener::bind(("127.0.0.1", port)).ok().map(|_| port)
    })
}
